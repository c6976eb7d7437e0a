#include "run/training/crew.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <thread>
#include <utility>

#include "run/training/loop.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

/// Seconds of a turn while others wait: long beside what refilling a core's caches takes, short
/// for who looks at a clock.
constexpr double kTurn = 0.1;

}  // namespace

void Crew::fail(int place) {
  const std::lock_guard lock(mutex_);
  if (place < failed_) {
    failed_ = place;
    failure_ = std::current_exception();
  }
  stop_ = has_failed_ = true;
  inside_.notify_all();
}

void Crew::stop() {
  const std::lock_guard lock(mutex_);
  stop_ = true;
  inside_.notify_all();
}

void Crew::run(int count, const std::function<void(int)>& work) {
  since_.assign(static_cast<std::size_t>(count), 0);
  has_turn_.assign(static_cast<std::size_t>(count), 0);
  const auto one = [&](int place) {
    try {
      work(place);
    } catch (const std::exception&) {
      fail(place);
    }
    give_turn(place);
    const std::lock_guard lock(mutex_);
    ++ended_;
    outside_.notify_all();
  };
  std::vector<std::jthread> threads;
  std::error_code refusal;
  try {
    while (static_cast<int>(threads.size()) < count) {
      threads.emplace_back(one, static_cast<int>(threads.size()));
    }
  } catch (const std::system_error& error) {
    refusal = error.code();
    stop();
  }
  serve(static_cast<int>(threads.size()));
  const std::size_t made = threads.size();
  threads.clear();  // joins
  if (refusal) {
    throw DeviceError(fmt::format(
        "only {} of {} trainings side by side can be started ({}); allow more threads (ulimit -u, "
        "ulimit -v, the container's limits), or set training.parallel_seeds = {}",
        made, count, refusal.message(), std::max<std::size_t>(1, made)));
  }
  if (failure_) std::rethrow_exception(failure_);
}

void Crew::serve(int count) {
  std::unique_lock lock(mutex_);
  for (;;) {
    outside_.wait(lock, [&] { return !requests_.empty() || ended_ == count; });
    if (requests_.empty()) return;
    const Request request = std::move(requests_.front());
    requests_.pop_front();
    lock.unlock();
    try {
      request.what();
    } catch (const std::exception&) {
      fail(-1);
    }
    lock.lock();
    if (request.done == nullptr) continue;
    *request.done = true;
    inside_.notify_all();
  }
}

void Crew::call(const std::function<void()>& what) {
  bool done = false;
  std::unique_lock lock(mutex_);
  requests_.push_back({what, &done});
  outside_.notify_all();
  inside_.wait(lock, [&] { return done; });
}

void Crew::post(std::function<void()> what) {
  const std::lock_guard lock(mutex_);
  requests_.push_back({std::move(what), nullptr});
  outside_.notify_all();
}

bool Crew::take_turn(int place) {
  std::unique_lock lock(mutex_);
  waiting_.push_back(place);
  ++waiting_count_;
  inside_.wait(lock, [&] { return stop_ || (free_ > 0 && waiting_.front() == place); });
  std::erase(waiting_, place);
  --waiting_count_;
  if (stop_) return false;
  --free_;
  has_turn_[static_cast<std::size_t>(place)] = 1;
  since_[static_cast<std::size_t>(place)] = steady_seconds();
  inside_.notify_all();  // the next one may find another turn
  return true;
}

bool Crew::keep_turn(int place) {
  if (stop_) return false;
  if (waiting_count_ == 0 || steady_seconds() - since_[static_cast<std::size_t>(place)] < kTurn) {
    return true;
  }
  give_turn(place);
  return take_turn(place);
}

void Crew::give_turn(int place) {
  const std::lock_guard lock(mutex_);
  char& has = has_turn_[static_cast<std::size_t>(place)];
  if (has == 0) return;
  has = 0;
  ++free_;
  inside_.notify_all();
}

}  // namespace sluice
