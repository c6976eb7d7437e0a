// The functions of NCCL that the communicator calls, under their own names: each finds the function
// in the library, which is loaded with the first of them, and calls it. A program that links this
// links no NCCL. The tests without a GPU link their model in this file's place.
#include <fmt/core.h>
#include <nccl.h>

#include <type_traits>

#include "base/shared_library.hpp"

namespace sluice {
namespace {

SharedLibrary load() {
  SharedLibrary library(
      "NCCL", fmt::format("libnccl.so.{}", NCCL_MAJOR),
      fmt::format("install NCCL {} (pip install nvidia-nccl-cu13, or NVIDIA's packages) and name "
                  "its folder in LD_LIBRARY_PATH, start one process, without mpirun or srun, or "
                  "set engine.device = \"cpu\"",
                  NCCL_MAJOR));
  if (library.trouble().empty()) {
    int version = 0;
    library.function<decltype(ncclGetVersion)>("ncclGetVersion")(&version);
    const int unit = version < 10000 ? 1000 : 10000;  // 2804 is 2.8.4, 22809 is 2.28.9
    library.expect_major(
        version / unit, NCCL_MAJOR,
        fmt::format("{}.{}.{}", version / unit, version % unit / 100, version % 100));
  }
  return library;
}

const SharedLibrary& nccl() {
  static const SharedLibrary library = load();
  return library;
}

template <auto declared, typename... Arguments>
auto call(const char* symbol, Arguments... arguments) {
  static const auto function = nccl().function<std::remove_pointer_t<decltype(declared)>>(symbol);
  return function(arguments...);
}

}  // namespace
}  // namespace sluice

using sluice::call;

const char* ncclGetErrorString(ncclResult_t result) {
  return call<&ncclGetErrorString>("ncclGetErrorString", result);
}

const char* ncclGetLastError(ncclComm_t comm) {
  return call<&ncclGetLastError>("ncclGetLastError", comm);
}

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  return call<&ncclGetUniqueId>("ncclGetUniqueId", id);
}

ncclResult_t ncclCommInitRank(ncclComm_t* comm, int size, ncclUniqueId id, int rank) {
  return call<&ncclCommInitRank>("ncclCommInitRank", comm, size, id, rank);
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* error) {
  return call<&ncclCommGetAsyncError>("ncclCommGetAsyncError", comm, error);
}

ncclResult_t ncclCommAbort(ncclComm_t comm) { return call<&ncclCommAbort>("ncclCommAbort", comm); }

ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  return call<&ncclCommDestroy>("ncclCommDestroy", comm);
}

ncclResult_t ncclAllReduce(const void* send, void* receive, std::size_t count, ncclDataType_t type,
                           ncclRedOp_t operation, ncclComm_t comm, cudaStream_t stream) {
  return call<&ncclAllReduce>("ncclAllReduce", send, receive, count, type, operation, comm, stream);
}

ncclResult_t ncclAllGather(const void* send, void* receive, std::size_t count, ncclDataType_t type,
                           ncclComm_t comm, cudaStream_t stream) {
  return call<&ncclAllGather>("ncclAllGather", send, receive, count, type, comm, stream);
}
