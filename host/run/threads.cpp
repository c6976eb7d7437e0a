#include "run/threads.hpp"

#include <fmt/format.h>
#include <omp.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <latch>
#include <new>
#include <span>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "base/ranks/ranks.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

/// How many OpenMP was last given by use_threads, which keeps them for this thread.
thread_local int kept = 1;

/// OpenMP keeps its threads, and a fork copies none of them: the first parallel region of the child
/// would wait for them, or crash.
void refuse_threads_of_the_parent() {
  static std::atomic<pid_t> owner = 0;
  pid_t first = 0;
  const pid_t here = getpid();
  if (owner.compare_exchange_strong(first, here) || first == here) return;
  throw DeviceError(
      "this process was forked from one that had computed with several threads, which a fork does "
      "not copy; set engine.threads = 1 here, or start processes that are no copies "
      "(multiprocessing's start method \"spawn\")");
}

}  // namespace

void use_threads(int wanted) {
  if (wanted > 0) omp_set_num_threads(wanted);
  const int count = omp_get_max_threads() - 1;  // beside this one
  if (count > 0) refuse_threads_of_the_parent();
  std::latch all_tried(1);
  std::vector<std::thread> threads;
  std::error_code refusal;
  try {
    threads.reserve(static_cast<std::size_t>(count));
    while (static_cast<int>(threads.size()) < count) {
      threads.emplace_back([&all_tried] { all_tried.wait(); });
    }
  } catch (const std::system_error& error) {
    refusal = error.code();
  } catch (const std::bad_alloc&) {
    refusal = std::make_error_code(std::errc::not_enough_memory);
  }
  const std::size_t made = threads.size();
  all_tried.count_down();
  for (std::thread& thread : threads) thread.join();
  if (refusal) {
    throw DeviceError(fmt::format(
        "only {} of {} threads can be started ({}); allow more (ulimit -u, ulimit -v, the "
        "container's limits), or set engine.threads = {}",
        made + 1, count + 1, refusal.message(), std::max<std::size_t>(1, made / 2)));
  }
  // OpenMP keeps its threads: they are made while there is room for them.
#pragma omp parallel
  {}
  kept = count + 1;
}

int threads_of_rank() {
  if (ranks().size() == 1 || std::getenv("OMP_NUM_THREADS") != nullptr) return 0;
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  std::string cores = host;
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  sched_getaffinity(0, sizeof allowed, &allowed);
  cores.append(reinterpret_cast<const char*>(&allowed), sizeof allowed);
  const std::uint64_t own = std::hash<std::string>()(cores);
  std::vector<std::uint64_t> all(static_cast<std::size_t>(ranks().size()));
  ranks().gather_all(std::as_bytes(std::span(&own, 1)), std::as_writable_bytes(std::span(all)));
  return std::max(1, omp_get_max_threads() / static_cast<int>(std::ranges::count(all, own)));
}

void use_threads_again(int wanted) {
  if (wanted > 0) omp_set_num_threads(wanted);
  if (omp_get_max_threads() > 1) refuse_threads_of_the_parent();
  if (omp_get_max_threads() != kept) use_threads(wanted);
}

}  // namespace sluice
