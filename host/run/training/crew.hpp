// Trainings in threads of their own. What one has to say to the outside (log, progress, a
// checkpoint, whoever watches) is said by the thread that waits for them all, one after another.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <limits>
#include <mutex>
#include <vector>

namespace sluice {

class Crew {
 public:
  /// Of all that work, `turns` compute at a time, the others wait for their turn.
  explicit Crew(int turns) : free_(turns) {}

  /// Calls work(place) for 0 <= place < count, each in a thread of its own, and call()'s functions
  /// in this one, until all have returned. Throws what a `work` or a called function threw, of
  /// several the one of the first place, after the others have ended too; DeviceError if the
  /// system refuses the threads. Blocks.
  void run(int count, const std::function<void(int place)>& work);

  /// For those that work. Has `what` done by run()'s thread. Blocks until it is.
  void call(const std::function<void()>& what);
  /// The same without waiting: `what` owns all that it needs. What one posts and calls is done in its
  /// order.
  void post(std::function<void()> what);
  /// Whether all are to end: after a failure, or stop().
  bool stopped() const { return stop_; }
  void stop();
  bool failed() const { return has_failed_; }
  /// Waits for a turn; false: there is none any more, as all are to end.
  bool take_turn(int place);
  /// Hands the turn on if it was long enough and others wait, and waits for the next one.
  bool keep_turn(int place);
  void give_turn(int place);

 private:
  struct Request {
    std::function<void()> what;
    bool* done;  ///< set once it is; null: nobody waits
  };
  void serve(int count);
  void fail(int place);

  std::atomic<bool> stop_ = false, has_failed_ = false;
  std::atomic<int> waiting_count_ = 0;  ///< of waiting_, to be looked at without the lock
  std::mutex mutex_;                    ///< of all below
  std::condition_variable outside_;     ///< run()'s thread waits here
  std::condition_variable inside_;      ///< those that work
  std::deque<Request> requests_;
  int ended_ = 0;
  int free_;
  std::deque<int> waiting_;    ///< places without a turn, first come, first served
  std::vector<double> since_;  ///< [places], of the turn
  std::vector<char> has_turn_;
  std::exception_ptr failure_;
  int failed_ = std::numeric_limits<int>::max();  ///< place of `failure_`
};

}  // namespace sluice
