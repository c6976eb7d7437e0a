// Where the backward kernel of fused_mma keeps dA in shared memory: that rows do not overlap, and
// how many passes over the banks its accesses take. No device is needed.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "recurrence/fused_mma/layout.hpp"

namespace sluice {
namespace {

constexpr Precision kPrecisions[] = {Precision::bf16, Precision::tf32};
constexpr int kUnits[] = {16, 32, 48, 64, 96, 128};

/// Passes of an access of 16 bytes by each of 32 lanes: a quarter of a warp is served at a time, in
/// one pass for each of its chunks that lie in the same banks.
template <typename Address>
int passes_of(const Address& address) {
  int passes = 0;
  for (int first = 0; first < 32; first += 8) {
    std::array<int, 8> chunks{};
    for (int lane = first; lane < first + 8; ++lane) {
      ++chunks[static_cast<std::size_t>(address(lane) / 16 % 8)];
    }
    passes += *std::max_element(chunks.begin(), chunks.end());
  }
  return passes;
}

TEST(BackwardTile, NoAccessHasABankConflict) {
  for (const Precision precision : kPrecisions) {
    const int gates = 8 * mma::element_bytes(precision);  // bytes of two units' gates
    for (const int units : kUnits) {
      SCOPED_TRACE(units);
      for (int row = 0; row < mma::kTileRows; row += 8) {
        for (int part = 0; part < gates; part += 16) {
          EXPECT_EQ(passes_of([&](int lane) {
                      return mma::gradient_row(precision, units, row + lane / 4) +
                             lane % 4 * gates + part;
                    }),
                    4)
              << "store of a thread's gates";
        }
      }
      EXPECT_EQ(passes_of([&](int lane) {
                  return mma::gradient_row(precision, units, lane % 16) + lane / 16 * 16;
                }),
                4)
          << "matrices of a step";
    }
  }
}

TEST(BackwardTile, RowsLieApartWithinTheirSharedMemoryAndEightApartByTheSame) {
  for (const Precision precision : kPrecisions) {
    for (const int units : kUnits) {
      const int bytes = mma::gradient_steps(precision, units) * mma::kStepBytes;
      for (int row = 0; row < mma::kTileRows; ++row) {
        const int begin = mma::gradient_row(precision, units, row);
        const int next = row + 1 < mma::kTileRows ? mma::gradient_row(precision, units, row + 1)
                                                  : mma::backward_shared(precision, units).sums;
        EXPECT_LE(begin + bytes, next) << units << " " << row;
        if (row < 8) {
          EXPECT_EQ(mma::gradient_row(precision, units, row + 8),
                    begin + mma::gradient_row(precision, units, 8));
        }
      }
    }
  }
}

}  // namespace
}  // namespace sluice
