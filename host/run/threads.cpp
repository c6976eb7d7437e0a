#include "run/threads.hpp"

#include <fmt/format.h>
#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

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

void use_threads_again(int wanted) {
  if (wanted > 0) omp_set_num_threads(wanted);
  if (omp_get_max_threads() > 1) refuse_threads_of_the_parent();
  if (omp_get_max_threads() != kept) use_threads(wanted);
}

}  // namespace sluice
