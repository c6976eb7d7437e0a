// The shrunk covariance against its formula pair by pair, and least squares by it against dense
// algebra with the whole matrix.
#include "run/reconcile/covariance.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "dense.hpp"
#include "run/reconcile/tree.hpp"

namespace sluice {
namespace {

using dense::Matrix;
using dense::solved;

/// Errors [S, n] of which each has a part in one that all share.
std::vector<double> random_errors(std::size_t S, std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::vector<double> all(n), errors;
  for (double& e : all) e = normal(random) + 0.5;
  for (std::size_t s = 0; s < S; ++s) {
    for (std::size_t t = 0; t < n; ++t) {
      errors.push_back(static_cast<double>(1 + s % 5) * (all[t] + normal(random)));
    }
  }
  return errors;
}

/// W pair by pair: Schaefer and Strimmer (2005), R* and its intensity.
struct ByPairs {
  double intensity = 0;
  Matrix W;

  ByPairs(const std::vector<double>& errors, std::size_t n) {
    const std::size_t S = errors.size() / n;
    W.assign(S, std::vector<double>(S, 0));
    double variances = 0, squares = 0;
    for (std::size_t i = 0; i < S; ++i) {
      for (std::size_t j = 0; j < S; ++j) {
        for (std::size_t t = 0; t < n; ++t) W[i][j] += errors[i * n + t] * errors[j * n + t];
        W[i][j] /= static_cast<double>(n);
      }
    }
    for (std::size_t i = 0; i < S; ++i) {
      for (std::size_t j = 0; j < S; ++j) {
        if (i == j) continue;
        const double scale = std::sqrt(W[i][i] * W[j][j]), r = W[i][j] / scale;
        squares += r * r;
        for (std::size_t t = 0; t < n; ++t) {
          variances += std::pow(errors[i * n + t] * errors[j * n + t] / scale - r, 2);
        }
      }
    }
    intensity = std::min(1.0, variances / static_cast<double>(n * (n - 1)) / squares);
    for (std::size_t i = 0; i < S; ++i) {
      for (std::size_t j = 0; j < S; ++j) W[i][j] *= i == j ? 1 : 1 - intensity;
    }
  }
};

TEST(ShrunkCovariance, IsThatOfAllPairsWithoutAMatrix) {
  constexpr std::size_t S = 15, n = 8;
  const std::vector<double> errors = random_errors(S, n, 1);
  const ShrunkCovariance found = shrunk_covariance(errors, n);
  const ByPairs expected(errors, n);
  ASSERT_GT(expected.intensity, 0.05);
  ASSERT_LT(expected.intensity, 0.95);
  EXPECT_NEAR(found.intensity, expected.intensity, 1e-12);
  for (std::size_t i = 0; i < S; ++i) {
    EXPECT_NEAR(found.variance[i], expected.W[i][i], 1e-12 * expected.W[i][i]);
    for (std::size_t j = 0; j < i; ++j) {
      double w = 0;
      for (std::size_t t = 0; t < n; ++t) w += found.factor[i * n + t] * found.factor[j * n + t];
      EXPECT_NEAR(w, expected.W[i][j], 1e-12 * expected.W[0][0] * 25) << i << ' ' << j;
    }
  }
}

TEST(ShrunkCovariance, OfOneErrorIsItsDiagonal) {
  const ShrunkCovariance found = shrunk_covariance({2, -3, std::nan("")}, 1);
  EXPECT_EQ(found.intensity, 1);
  EXPECT_EQ(found.rank, 0u);
  EXPECT_EQ(found.variance[0], 4);
  EXPECT_EQ(found.variance[1], 9);
  EXPECT_TRUE(std::isnan(found.variance[2]));
}

TEST(ShrunkCovariance, ErrorsThatAreNotKnownSayNothingOfAVarianceAndLittleOfAPair) {
  const double none = std::nan("");
  // The first two go together wherever both are known, the third is never known.
  const ShrunkCovariance found =
      shrunk_covariance({1, -1, 2,    -2,   1,    -1,   2,    -2,   none, none, 2,    -2,
                         1, -1, none, none, none, none, none, none, none, none, none, none},
                        8);
  EXPECT_EQ(found.variance[0], 2.5);
  EXPECT_EQ(found.variance[1], 2.5);
  EXPECT_TRUE(std::isnan(found.variance[2]));
  ASSERT_EQ(found.rank, 8u);
  double pair = 0, own = 0;
  for (std::size_t t = 0; t < 8; ++t) {
    pair += found.factor[t] * found.factor[8 + t];
    own += found.factor[8 + t] * found.factor[8 + t];
    EXPECT_EQ(found.factor[16 + t], 0);
  }
  EXPECT_NEAR(pair, (1 - found.intensity) * (4 + 4 + 1 + 1) / 8.0, 1e-12);
  EXPECT_LE(own, found.variance[1]);  // what is left on the diagonal is not negative
}

/// Total, two halves and `n` series.
struct Halves {
  SumTree tree;
  Matrix S;

  explicit Halves(std::size_t n) {
    tree.bottom = static_cast<std::int64_t>(n);
    tree.sums = 3;
    tree.level.assign(2, std::vector<std::int32_t>(n, 0));
    S.assign(3 + n, std::vector<double>(n, 0));
    for (std::size_t i = 0; i < n; ++i) {
      tree.level[1][i] = i < n / 2 ? 1 : 2;
      S[0][i] = S[static_cast<std::size_t>(tree.level[1][i])][i] = S[3 + i][i] = 1;
    }
  }
};

/// Base forecasts of Halves, and what shrunk covariance makes of them.
struct Shared {
  Halves halves;
  ByPairs by_pairs;
  ShrunkCovariance covariance;
  std::vector<double> y, own;

  Shared(std::size_t n, std::size_t errors, unsigned seed, double middle)
      : halves(n),
        by_pairs(random_errors(3 + n, errors, seed), errors),
        covariance(shrunk_covariance(random_errors(3 + n, errors, seed), errors)),
        own(covariance.variance) {
    std::mt19937 random(seed + 100);
    std::normal_distribution<double> normal;
    for (std::size_t i = 0; i < 3 + n; ++i) {
      y.push_back(middle * (i == 0  ? static_cast<double>(n)
                            : i < 3 ? 0.5 * static_cast<double>(n)
                                    : 1) +
                  normal(random));
      for (std::size_t t = 0; t < covariance.rank; ++t) {
        own[i] -= std::pow(covariance.factor[i * covariance.rank + t], 2);
      }
    }
  }
  std::vector<double> found(char nonnegative, bool& optimal) const {
    const std::span<const double> all(y), variances(own), factor(covariance.factor);
    const std::vector<char> kept(y.size() - 3, nonnegative);
    Nearest nearest = nearest_sums(
        halves.tree,
        {all.subspan(3), all.first(3), variances.subspan(3), variances.first(3), kept,
         covariance.rank, factor.subspan(3 * covariance.rank), factor.first(3 * covariance.rank)});
    optimal = nearest.optimal;
    return nearest.bottom;
  }
  /// S' W^-1 (y - S b), half the gradient's negative.
  std::vector<double> descent(const std::vector<double>& b) const {
    std::vector<double> left = y;
    for (std::size_t row = 0; row < y.size(); ++row) {
      for (std::size_t i = 0; i < b.size(); ++i) left[row] -= halves.S[row][i] * b[i];
    }
    const std::vector<double> weighted = solved(by_pairs.W, left);
    std::vector<double> out(b.size(), 0);
    for (std::size_t row = 0; row < y.size(); ++row) {
      for (std::size_t i = 0; i < b.size(); ++i) out[i] += halves.S[row][i] * weighted[row];
    }
    return out;
  }
};

TEST(NearestSums, ByASharedCovarianceAreThoseOfTheWholeMatrix) {
  for (const std::size_t errors : {4u, 30u}) {  // fewer and more than forecasts
    const Shared shared(10, errors, 3, 5);
    bool optimal = false;
    const std::vector<double> b = shared.found(0, optimal);
    EXPECT_TRUE(optimal);
    for (const double d : shared.descent(b)) EXPECT_NEAR(d, 0, 1e-8);
    bool same = true;
    for (std::size_t i = 0; i < b.size(); ++i)
      same = same && std::abs(b[i] - shared.y[3 + i]) < 0.01;
    EXPECT_FALSE(same);
  }
}

// The conditions of the minimum over b >= 0: no way down where b > 0, only a way below 0 elsewhere.
TEST(NearestSums, ByASharedCovarianceAreTheBestThatAreNotNegative) {
  int zeros = 0;
  for (unsigned seed = 0; seed < 20; ++seed) {
    const Shared shared(10, 6, seed, 0.4);
    bool optimal = false;
    const std::vector<double> b = shared.found(1, optimal);
    EXPECT_TRUE(optimal) << seed;
    const std::vector<double> descent = shared.descent(b);
    for (std::size_t i = 0; i < b.size(); ++i) {
      EXPECT_GE(b[i], 0);
      EXPECT_LT(descent[i], 1e-8) << seed;
      if (b[i] > 0) {
        EXPECT_NEAR(descent[i], 0, 1e-8) << seed;
      }
      zeros += b[i] == 0 ? 1 : 0;
    }
  }
  EXPECT_GE(zeros, 20);
}

}  // namespace
}  // namespace sluice
