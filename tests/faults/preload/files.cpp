// The C library's calls on files, each counted and perhaps met by a fault before the true one is made.
// Under both names that 64-bit Linux has for those with a size.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>

#include "faults/preload/plan.hpp"

namespace {

/// The C library's own function behind ours.
template <typename Function>
Function true_one(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

/// Makes the true call unless it is to fail; then `failed` with errno.
template <typename Result, typename... Of, typename... Given>
Result make(faults::Fate fate, const char* name, Result failed, Result (*)(Of...), Given... given) {
  if (fate.error != 0) {
    errno = fate.error;
    return failed;
  }
  const auto call = true_one<Result (*)(Of...)>(name);
  const Result result = call(given...);
  const int error = errno;
  faults::after(fate);
  errno = error;
  return result;
}

mode_t mode_of(int flags, va_list arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? static_cast<mode_t>(va_arg(arguments, int)) : 0;
}

int opened(const char* name, const char* path, int flags, mode_t mode) {
  const faults::Fate fate = faults::meet((flags & O_ACCMODE) == O_RDONLY ? "open_read" : "open_write", path);
  if (fate.error != 0) {
    errno = fate.error;
    return -1;
  }
  const int descriptor = true_one<int (*)(const char*, int, ...)>(name)(path, flags, mode);
  if (descriptor >= 0) faults::remember(descriptor, path);
  faults::after(fate);
  return descriptor;
}

int opened_at(const char* name, int folder, const char* path, int flags, mode_t mode) {
  if (folder != AT_FDCWD && path[0] != '/') {  // seen as its folder
    const faults::Fate fate = faults::meet("open_read", folder);
    if (fate.error != 0) {
      errno = fate.error;
      return -1;
    }
    return true_one<int (*)(int, const char*, int, ...)>(name)(folder, path, flags, mode);
  }
  const faults::Fate fate = faults::meet((flags & O_ACCMODE) == O_RDONLY ? "open_read" : "open_write", path);
  if (fate.error != 0) {
    errno = fate.error;
    return -1;
  }
  const int descriptor = true_one<int (*)(int, const char*, int, ...)>(name)(folder, path, flags, mode);
  if (descriptor >= 0) faults::remember(descriptor, path);
  faults::after(fate);
  return descriptor;
}

FILE* stream(const char* name, const char* path, const char* mode) {
  const faults::Fate fate = faults::meet(mode[0] == 'r' ? "open_read" : "open_write", path);
  if (fate.error != 0) {
    errno = fate.error;
    return nullptr;
  }
  FILE* file = true_one<FILE* (*)(const char*, const char*)>(name)(path, mode);
  if (file != nullptr) faults::remember(::fileno(file), path);
  faults::after(fate);
  return file;
}

/// Of a read or write of `size` bytes.
std::size_t part(faults::Fate fate, std::size_t size) {
  if (fate.end) return 0;
  return fate.half && size > 1 ? size / 2 : size;
}

}  // namespace

extern "C" {

#define FAULTS_EXPORT __attribute__((visibility("default")))

FAULTS_EXPORT int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return opened("open", path, flags, mode);
}
FAULTS_EXPORT int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return opened("open64", path, flags, mode);
}
FAULTS_EXPORT int __open_2(const char* path, int flags) { return opened("open", path, flags, 0); }
FAULTS_EXPORT int __open64_2(const char* path, int flags) { return opened("open64", path, flags, 0); }
FAULTS_EXPORT int openat(int folder, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return opened_at("openat", folder, path, flags, mode);
}
FAULTS_EXPORT int openat64(int folder, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return opened_at("openat64", folder, path, flags, mode);
}
FAULTS_EXPORT int creat(const char* path, mode_t mode) { return opened("open", path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
FAULTS_EXPORT FILE* fopen(const char* path, const char* mode) { return stream("fopen", path, mode); }
FAULTS_EXPORT FILE* fopen64(const char* path, const char* mode) { return stream("fopen64", path, mode); }
FAULTS_EXPORT DIR* opendir(const char* path) {
  return make(faults::meet("open_read", path), "opendir", static_cast<DIR*>(nullptr), &::opendir, path);
}
FAULTS_EXPORT int close(int descriptor) {
  // A close that fails has closed all the same.
  const faults::Fate fate = faults::meet("close", descriptor);
  faults::forget(descriptor);
  const int result = true_one<int (*)(int)>("close")(descriptor);
  faults::after(fate);
  if (fate.error == 0) return result;
  errno = fate.error;
  return -1;
}
FAULTS_EXPORT int fclose(FILE* file) {
  const faults::Fate fate = faults::meet("close", ::fileno(file));
  faults::forget(::fileno(file));
  const int result = true_one<int (*)(FILE*)>("fclose")(file);
  faults::after(fate);
  if (fate.error == 0) return result;
  errno = fate.error;
  return EOF;
}
FAULTS_EXPORT ssize_t read(int descriptor, void* to, size_t size) {
  const faults::Fate fate = faults::meet("read", descriptor);
  return make(fate, "read", ssize_t{-1}, &::read, descriptor, to, part(fate, size));
}
FAULTS_EXPORT ssize_t __read_chk(int descriptor, void* to, size_t size, size_t) { return read(descriptor, to, size); }
FAULTS_EXPORT ssize_t pread(int descriptor, void* to, size_t size, off_t at) {
  const faults::Fate fate = faults::meet("read", descriptor);
  return make(fate, "pread", ssize_t{-1}, &::pread, descriptor, to, part(fate, size), at);
}
FAULTS_EXPORT ssize_t pread64(int descriptor, void* to, size_t size, off_t at) { return pread(descriptor, to, size, at); }
FAULTS_EXPORT ssize_t __pread_chk(int descriptor, void* to, size_t size, off_t at, size_t) {
  return pread(descriptor, to, size, at);
}
FAULTS_EXPORT ssize_t __pread64_chk(int descriptor, void* to, size_t size, off_t at, size_t) {
  return pread(descriptor, to, size, at);
}
FAULTS_EXPORT ssize_t write(int descriptor, const void* from, size_t size) {
  const faults::Fate fate = faults::meet("write", descriptor);
  return make(fate, "write", ssize_t{-1}, &::write, descriptor, from, part(fate, size));
}
FAULTS_EXPORT ssize_t pwrite(int descriptor, const void* from, size_t size, off_t at) {
  const faults::Fate fate = faults::meet("write", descriptor);
  return make(fate, "pwrite", ssize_t{-1}, &::pwrite, descriptor, from, part(fate, size), at);
}
FAULTS_EXPORT ssize_t pwrite64(int descriptor, const void* from, size_t size, off_t at) {
  return pwrite(descriptor, from, size, at);
}
FAULTS_EXPORT ssize_t writev(int descriptor, const iovec* from, int count) {
  const faults::Fate fate = faults::meet("write", descriptor);
  if (fate.half && count > 0) {  // half of the first
    const ssize_t done = make(fate, "write", ssize_t{-1}, &::write, descriptor, static_cast<const void*>(from[0].iov_base),
                              part(fate, from[0].iov_len));
    return done;
  }
  return make(fate, "writev", ssize_t{-1}, &::writev, descriptor, from, count);
}
/// Short writes to the system are a stream's own affair.
FAULTS_EXPORT size_t fwrite(const void* from, size_t size, size_t count, FILE* file) {
  const faults::Fate fate = faults::meet("write", ::fileno(file));
  if (fate.half && fate.kill_after) return make(fate, "fwrite", size_t{0}, &::fwrite, from, size_t{1}, size * count / 2, file);
  return make(fate, "fwrite", size_t{0}, &::fwrite, from, size, count, file);
}
FAULTS_EXPORT int fflush(FILE* file) {
  if (file == nullptr) return true_one<int (*)(FILE*)>("fflush")(file);
  return make(faults::meet("write", ::fileno(file)), "fflush", EOF, &::fflush, file);
}
FAULTS_EXPORT int fsync(int descriptor) { return make(faults::meet("fsync", descriptor), "fsync", -1, &::fsync, descriptor); }
FAULTS_EXPORT int fdatasync(int descriptor) {
  return make(faults::meet("fsync", descriptor), "fdatasync", -1, &::fdatasync, descriptor);
}
FAULTS_EXPORT int ftruncate(int descriptor, off_t size) {
  return make(faults::meet("truncate", descriptor), "ftruncate", -1, &::ftruncate, descriptor, size);
}
FAULTS_EXPORT int ftruncate64(int descriptor, off_t size) { return ftruncate(descriptor, size); }
FAULTS_EXPORT int fallocate(int descriptor, int mode, off_t at, off_t size) {
  return make(faults::meet("allocate", descriptor), "fallocate", -1, &::fallocate, descriptor, mode, at, size);
}
FAULTS_EXPORT int fallocate64(int descriptor, int mode, off_t at, off_t size) { return fallocate(descriptor, mode, at, size); }
FAULTS_EXPORT int posix_fallocate(int descriptor, off_t at, off_t size) {
  const faults::Fate fate = faults::meet("allocate", descriptor);
  if (fate.error != 0) return fate.error;
  return make(fate, "posix_fallocate", -1, &::posix_fallocate, descriptor, at, size);
}
FAULTS_EXPORT int flock(int descriptor, int operation) {
  return make(faults::meet("lock", descriptor), "flock", -1, &::flock, descriptor, operation);
}
FAULTS_EXPORT int fstat(int descriptor, struct stat* to) {
  return make(faults::meet("stat", descriptor), "fstat", -1, &::fstat, descriptor, to);
}
FAULTS_EXPORT int stat(const char* path, struct stat* to) {
  return make(faults::meet("stat", path), "stat", -1, static_cast<int (*)(const char*, struct stat*)>(&::stat), path, to);
}
FAULTS_EXPORT int lstat(const char* path, struct stat* to) {
  return make(faults::meet("stat", path), "lstat", -1, &::lstat, path, to);
}
FAULTS_EXPORT ssize_t readlink(const char* path, char* to, size_t size) {
  return make(faults::meet("stat", path), "readlink", ssize_t{-1}, &::readlink, path, to, size);
}
FAULTS_EXPORT int rename(const char* from, const char* to) {
  return make(faults::meet("rename", to), "rename", -1, &::rename, from, to);
}
FAULTS_EXPORT int renameat(int folder, const char* from, int other, const char* to) {
  return make(faults::meet("rename", to), "renameat", -1, &::renameat, folder, from, other, to);
}
FAULTS_EXPORT int mkdir(const char* path, mode_t mode) {
  return make(faults::meet("mkdir", path), "mkdir", -1, &::mkdir, path, mode);
}
FAULTS_EXPORT int unlink(const char* path) { return make(faults::meet("unlink", path), "unlink", -1, &::unlink, path); }
FAULTS_EXPORT int remove(const char* path) {
  return make(faults::meet("unlink", path), "remove", -1, static_cast<int (*)(const char*)>(&::remove), path);
}
FAULTS_EXPORT int rmdir(const char* path) { return make(faults::meet("unlink", path), "rmdir", -1, &::rmdir, path); }
FAULTS_EXPORT void* mmap(void* at, size_t size, int protection, int flags, int descriptor, off_t offset) {
  return make(faults::meet("mmap", descriptor), "mmap", MAP_FAILED, &::mmap, at, size, protection, flags, descriptor, offset);
}
FAULTS_EXPORT void* mmap64(void* at, size_t size, int protection, int flags, int descriptor, off_t offset) {
  return mmap(at, size, protection, flags, descriptor, offset);
}

}  // extern "C"
