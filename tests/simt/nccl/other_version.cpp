// What a loader finds as libnccl.so.2, and what is of another version than its name says.
extern "C" [[gnu::visibility("default")]] int ncclGetVersion(int* version) {
  *version = 30102;
  return 0;
}
