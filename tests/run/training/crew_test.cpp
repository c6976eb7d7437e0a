// Threads that work side by side: who computes when, what is said for them, and how all end.
#include "run/training/crew.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace sluice {
namespace {

TEST(Crew, DoesAllWorkEachInAThreadOfItsOwn) {
  Crew crew(4);
  std::vector<std::thread::id> threads(4);
  std::atomic<int> here = 0;
  crew.run(4, [&](int place) {
    threads[static_cast<std::size_t>(place)] = std::this_thread::get_id();
    ++here;
    while (here < 4) std::this_thread::yield();  // all are under way at once
  });
  threads.push_back(std::this_thread::get_id());
  EXPECT_EQ(std::set(threads.begin(), threads.end()).size(), 5u);
}

TEST(Crew, CallsAreMadeByTheThreadThatWaitsOneAfterAnother) {
  Crew crew(3);
  const auto caller = std::this_thread::get_id();
  int inside = 0, calls = 0;  // not atomic: the thread sanitizer would see two at once
  crew.run(3, [&](int) {
    for (int i = 0; i < 100; ++i) {
      crew.call([&] {
        EXPECT_EQ(std::this_thread::get_id(), caller);
        EXPECT_EQ(++inside, 1);
        ++calls;
        --inside;
      });
    }
  });
  EXPECT_EQ(calls, 300);
}

TEST(Crew, NoMoreComputeAtATimeThanThereAreTurnsAndAllGetTheirs) {
  Crew crew(2);
  std::atomic<int> computing = 0, most = 0, handed_on = 0;
  std::atomic<int> begun = 0;
  crew.run(5, [&](int place) {
    ASSERT_TRUE(crew.take_turn(place));
    ++begun;
    // Until every one has had a turn, which none gets if the first two keep theirs.
    while (begun < 5) {
      const int now = ++computing;
      int known = most;
      while (known < now && !most.compare_exchange_weak(known, now)) {
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      --computing;
      ASSERT_TRUE(crew.keep_turn(place));
      ++handed_on;
    }
  });
  EXPECT_EQ(begun, 5);
  EXPECT_LE(most, 2);
  EXPECT_GT(handed_on, 0);
}

TEST(Crew, AFailureEndsAllAndTheFirstPlacesIsThrown) {
  Crew crew(3);
  std::atomic<int> ended = 0;
  std::string what;
  try {
    crew.run(3, [&](int place) {
      if (place == 1) throw std::runtime_error("the second");
      while (!crew.stopped()) std::this_thread::yield();
      ++ended;
      if (place == 2) throw std::runtime_error("the third");
    });
  } catch (const std::runtime_error& error) {
    what = error.what();
  }
  EXPECT_EQ(what, "the second");
  EXPECT_EQ(ended, 2);
}

TEST(Crew, AFailureInACallEndsAllToo) {
  Crew crew(2);
  EXPECT_THROW(crew.run(2,
                        [&](int place) {
                          if (place == 0) crew.call([] { throw std::runtime_error("said"); });
                          while (!crew.failed()) std::this_thread::yield();
                        }),
               std::runtime_error);
}

TEST(Crew, WhoWaitsForATurnEndsWithTheOthers) {
  Crew crew(1);
  std::atomic<int> refused = 0;
  crew.run(3, [&](int place) {
    if (!crew.take_turn(place)) {
      ++refused;
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // the others come to wait
    crew.stop();
  });
  EXPECT_EQ(refused, 2);
}

}  // namespace
}  // namespace sluice
