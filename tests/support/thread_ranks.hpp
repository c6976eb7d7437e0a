// Ranks that are threads of the test, in place of the processes of an MPI job.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/ranks/ranks.hpp"

namespace sluice::testing {

/// Where the ranks of a job meet.
class ThreadJob {
 public:
  explicit ThreadJob(int size) : own_(static_cast<std::size_t>(size)) {}
  int size() const { return static_cast<int>(own_.size()); }

  /// What each rank has, in their order. Blocks until all have come, or one has ended: then throws.
  std::vector<std::vector<std::byte>> exchange(int rank, std::span<const std::byte> own) {
    std::unique_lock lock(mutex_);
    const std::int64_t meeting = meetings_;
    own_[static_cast<std::size_t>(rank)].assign(own.begin(), own.end());
    if (++there_ == size()) {
      all_ = own_;
      there_ = 0;
      ++meetings_;
      changed_.notify_all();
    }
    changed_.wait(lock, [&] { return meetings_ > meeting || ended_; });
    if (meetings_ == meeting) throw std::runtime_error("another rank has ended");
    return all_;
  }

  void end() {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::vector<std::byte>> own_, all_;
  int there_ = 0;
  std::int64_t meetings_ = 0;
  bool ended_ = false;
};

class ThreadRank final : public Ranks {
 public:
  ThreadRank(ThreadJob& job, int rank) : job_(job), rank_(rank) {}
  int rank() const override { return rank_; }
  int size() const override { return job_.size(); }

  void sum(std::span<float> values) override {
    const auto all = job_.exchange(rank_, std::as_bytes(values));
    for (std::size_t i = 0; i < values.size(); ++i) {
      double total = 0;
      for (const auto& bytes : all) {
        float value = 0;
        std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
        total += static_cast<double>(value);
      }
      values[i] = static_cast<float>(total);
    }
  }
  void gather_all(std::span<const std::byte> own, std::span<std::byte> out) override {
    std::size_t at = 0;
    for (const auto& bytes : job_.exchange(rank_, own)) {
      std::ranges::copy(bytes, out.begin() + static_cast<std::ptrdiff_t>(at));
      at += bytes.size();
    }
  }
  void join_bytes(std::span<std::byte> out, std::span<const std::int64_t> counts) override {
    std::int64_t begin = 0;
    const auto all = job_.exchange(rank_, out);
    for (std::size_t r = 0; r < all.size(); ++r) {
      std::copy_n(all[r].begin() + begin, counts[r], out.begin() + begin);
      begin += counts[r];
    }
  }
  void broadcast(std::span<std::byte> bytes) override {
    std::ranges::copy(job_.exchange(rank_, bytes).front(), bytes.begin());
  }
  void barrier() override { job_.exchange(rank_, {}); }
  std::vector<std::string> gather(std::string_view own) override {
    std::vector<std::string> texts;
    for (const auto& bytes : job_.exchange(rank_, std::as_bytes(std::span(own)))) {
      texts.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    return rank_ == 0 ? texts : std::vector<std::string>();
  }
  [[noreturn]] void abort(int) override { throw std::runtime_error("a rank ends all of them"); }

 private:
  ThreadJob& job_;
  int rank_;
};

/// Runs `rank_does` as so many ranks; gives what each has thrown, null where it has not.
inline std::vector<std::exception_ptr> run_ranks(int size,
                                                 const std::function<void(Ranks&)>& rank_does) {
  ThreadJob job(size);
  std::vector<std::exception_ptr> thrown(static_cast<std::size_t>(size));
  {
    std::vector<std::jthread> threads;
    for (int rank = 0; rank < size; ++rank) {
      threads.emplace_back([&, rank] {
        try {
          ThreadRank ranks(job, rank);
          rank_does(ranks);
        } catch (const std::exception&) {
          thrown[static_cast<std::size_t>(rank)] = std::current_exception();
          job.end();
        }
      });
    }
  }
  return thrown;
}

/// The same where none is to throw: throws what the first that did has thrown.
inline void run_all_ranks(int size, const std::function<void(Ranks&)>& rank_does) {
  for (const std::exception_ptr& one : run_ranks(size, rank_does)) {
    if (one) std::rethrow_exception(one);
  }
}

}  // namespace sluice::testing
