// Run by mpirun as three processes, each of which does the same and looks at its own part.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "base/ranks/ranks.hpp"

extern "C" sluice::Ranks* sluice_open_mpi_ranks();

namespace sluice {
namespace {

/// MPI begins and ends once a process.
Ranks& job() {
  static const std::unique_ptr<Ranks> ranks(sluice_open_mpi_ranks());
  return *ranks;
}

/// Numbers whose sum in float depends on the order.
std::vector<float> numbers(int rank, std::size_t count) {
  std::vector<float> out(count);
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = std::sin(static_cast<float>(i + 1) * static_cast<float>(rank + 1)) *
             std::pow(10.0f, static_cast<float>(rank * 3));
  }
  return out;
}

TEST(MpiRanks, SumsAreThoseOfAscendingRanksInDouble) {
  ASSERT_EQ(job().size(), 3);
  for (const std::size_t count : std::vector<std::size_t>{0, 1, 2, 3, 1000, 100'003}) {
    std::vector<double> wanted(count, 0.0);
    for (int rank = 0; rank < job().size(); ++rank) {
      const std::vector<float> of_rank = numbers(rank, count);
      for (std::size_t i = 0; i < count; ++i) wanted[i] += static_cast<double>(of_rank[i]);
    }
    std::vector<float> values = numbers(job().rank(), count);
    job().sum(values);
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(values[i], static_cast<float>(wanted[i])) << i << " of " << count;
    }
  }
}

TEST(MpiRanks, JoinGivesAllToAllInTheOrderOfRanks) {
  const std::vector<std::int64_t> counts = {2, 0, 3};
  std::vector<float> all(5, -1);
  const int rank = job().rank();
  const std::size_t begin = rank == 2 ? 2 : 0;
  for (std::int64_t i = 0; i < counts[static_cast<std::size_t>(rank)]; ++i) {
    const std::size_t at = begin + static_cast<std::size_t>(i);
    all[at] = static_cast<float>(at);
  }
  job().join(std::span(all), counts);
  EXPECT_EQ(all, (std::vector<float>{0, 1, 2, 3, 4}));
  std::vector<double> wide(all.begin(), all.end());
  for (std::size_t i = 0; i < wide.size(); ++i) {
    wide[i] += (i < 2 ? rank == 0 : rank == 2) ? 1e-9 : -1;  // more digits than a float has
  }
  job().join(std::span(wide), counts);
  EXPECT_EQ(wide, (std::vector<double>{1e-9, 1 + 1e-9, 2 + 1e-9, 3 + 1e-9, 4 + 1e-9}));
}

TEST(MpiRanks, GatherAllAndBroadcast) {
  const std::int64_t own = 10 + job().rank();
  std::vector<std::int64_t> all(3);
  job().gather_all(std::as_bytes(std::span(&own, 1)), std::as_writable_bytes(std::span(all)));
  EXPECT_EQ(all, (std::vector<std::int64_t>{10, 11, 12}));
  double value = job().rank() + 0.5;
  job().broadcast(std::as_writable_bytes(std::span(&value, 1)));
  EXPECT_EQ(value, 0.5);
  job().barrier();
}

TEST(MpiRanks, OnOneMachineEachHasItsOwnPlace) { EXPECT_EQ(rank_on_machine(job()), job().rank()); }

TEST(MpiRanks, TextsComeToTheFirstRank) {
  const std::vector<std::string> texts =
      job().gather(std::string(static_cast<std::size_t>(job().rank()), 'x'));
  EXPECT_EQ(texts, job().rank() == 0 ? (std::vector<std::string>{"", "x", "xx"})
                                     : std::vector<std::string>());
}

}  // namespace
}  // namespace sluice
