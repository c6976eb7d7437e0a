#include "app/process_limits.hpp"

#include <execinfo.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <system_error>

namespace sluice {
namespace {

constexpr std::size_t kSmallStack = std::size_t{2} << 20;
constexpr int kFewArenas = 2;
// As the statuses of DataError, DeviceError and InternalError.
constexpr int kData = 3, kDevice = 4, kInternal = 70;

/// Where less than this is left, Arrow and its allocator crash before they can say anything: their
/// threads, some blocks of a file and what is made of them.
constexpr std::size_t kLeastRoom = std::size_t{56} << 20;

bool address_space_is_limited() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

bool has_room() {
  void* room = ::mmap(nullptr, kLeastRoom, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED) return false;
  ::munmap(room, kLeastRoom);
  return true;
}

void take_little_address_space() {
  ::mallopt(M_ARENA_MAX, kFewArenas);
  pthread_attr_t attributes;
  if (::pthread_attr_init(&attributes) != 0) return;
  ::pthread_attr_setstacksize(&attributes, kSmallStack);
  ::pthread_setattr_default_np(&attributes);
  ::pthread_attr_destroy(&attributes);
}

/// Without fmt and iostreams: there may be no memory for them.
[[noreturn]] void end(const char* why, int status) noexcept {
  for (const char* text : {"sluice: ", why, "\n"}) {
    if (::write(STDERR_FILENO, text, std::strlen(text)) < 0) break;
  }
  std::_Exit(status);
}

/// Of a mapped file (data that were converted) whose end somebody cut off, or whose disk fails.
extern "C" void tell_of_mapped_file(int) {
  end("a file that is mapped, as converted data are, was cut off while it was read, or its disk "
      "fails; convert the data again",
      kData);
}

[[noreturn]] void tell_and_end() {
  const std::exception_ptr failure = std::current_exception();
  // Within a function of a library that promises to throw nothing, there is nothing to ask; what
  // such functions meet all the same is a lack of memory.
  if (!failure && std::uncaught_exceptions() > 0) {
    end("an error came where a library allows none: most likely memory ran out; give the process "
        "more (ulimit -v, the container's limit), or read fewer rows or columns",
        kData);
  }
  if (!failure) std::abort();
  try {
    std::rethrow_exception(failure);
  } catch (const std::bad_alloc&) {
    end("memory ran out; give the process more (ulimit -v, the container's limit), or read fewer "
        "rows or columns",
        kData);
  } catch (const std::system_error& error) {
    end(error.what(), kDevice);
  } catch (const std::exception& error) {
    end(error.what(), kInternal);
  }
}

}  // namespace

void ready_for_limits() {
  if (address_space_is_limited()) {
    take_little_address_space();
    if (!has_room()) {
      end("there is not enough memory to begin with; allow more address space (ulimit -v): 64 MB "
          "beside the program itself at the least",
          kData);
    }
  }
  // Loads what unwinds: the C library would do it with the first exception, which may come when
  // there is no memory for it.
  std::array<void*, 1> frame{};
  ::backtrace(frame.data(), static_cast<int>(frame.size()));
  std::set_terminate(tell_and_end);
  struct sigaction of_mapped_file {};
  of_mapped_file.sa_handler = tell_of_mapped_file;
  ::sigaction(SIGBUS, &of_mapped_file, nullptr);
}

}  // namespace sluice
