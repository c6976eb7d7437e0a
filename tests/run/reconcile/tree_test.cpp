// The nearest sums against dense algebra that shares no code with them: S (S' W^-1 S)^-1 S' W^-1 by
// Gaussian elimination, and a search over all sets of zeros.
#include "run/reconcile/tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <string>

#include "dense.hpp"

namespace sluice {
namespace {

using dense::Matrix;
using dense::solved;

/// M5's hierarchy: its twelve levels over items x stores, the last of them the series themselves.
struct M5 {
  SumTree tree;
  std::vector<double> size;  ///< series in each sum
  Matrix S;                  ///< [sums + bottom][bottom]

  explicit M5(int items_a_department, const std::vector<int>& stores_a_state = {4, 3, 3}) {
    struct Place {
      std::string item, department, category, store, state;
    };
    std::vector<Place> places;
    const std::pair<const char*, int> departments[] = {
        {"FOODS", 3}, {"HOBBIES", 2}, {"HOUSEHOLD", 2}};
    for (const auto& [category, count] : departments) {
      for (int d = 0; d < count; ++d) {
        const std::string department = category + std::to_string(d);
        for (int i = 0; i < items_a_department; ++i) {
          for (std::size_t state = 0; state < stores_a_state.size(); ++state) {
            for (int store = 0; store < stores_a_state[state]; ++store) {
              const std::string name = std::string(1, static_cast<char>('A' + state));
              places.push_back({department + "_" + std::to_string(i), department, category,
                                name + std::to_string(store), name});
            }
          }
        }
      }
    }
    tree.bottom = std::ssize(places);
    const auto add = [&](auto name_of) {
      std::map<std::string, std::int32_t> sums;
      auto& level = tree.level.emplace_back();
      for (const Place& p : places) {
        const auto next = static_cast<std::int32_t>(tree.sums + std::ssize(sums));
        level.push_back(sums.emplace(name_of(p), next).first->second);
      }
      tree.sums += std::ssize(sums);
    };
    add([](const Place&) { return std::string("total"); });
    add([](const Place& p) { return p.state; });
    add([](const Place& p) { return p.store; });
    add([](const Place& p) { return p.category; });
    add([](const Place& p) { return p.department; });
    add([](const Place& p) { return p.state + p.category; });
    add([](const Place& p) { return p.state + p.department; });
    add([](const Place& p) { return p.store + p.category; });
    add([](const Place& p) { return p.store + p.department; });
    add([](const Place& p) { return p.item; });
    add([](const Place& p) { return p.state + p.item; });
    size.assign(static_cast<std::size_t>(tree.sums), 0);
    S.assign(static_cast<std::size_t>(tree.sums + tree.bottom),
             std::vector<double>(places.size(), 0));
    for (const auto& level : tree.level) {
      for (std::size_t s = 0; s < places.size(); ++s) {
        ++size[static_cast<std::size_t>(level[s])];
        S[static_cast<std::size_t>(level[s])][s] = 1;
      }
    }
    for (std::size_t s = 0; s < places.size(); ++s) {
      S[static_cast<std::size_t>(tree.sums) + s][s] = 1;
    }
  }

  /// (S' W^-1 S)^-1 S' W^-1 y of the series in `of`, all others 0.
  std::vector<double> dense(const std::vector<double>& y, const std::vector<double>& w,
                            const std::vector<std::size_t>& of) const {
    Matrix normal(of.size(), std::vector<double>(of.size(), 0));
    std::vector<double> right(of.size(), 0);
    for (std::size_t row = 0; row < S.size(); ++row) {
      for (std::size_t i = 0; i < of.size(); ++i) {
        if (S[row][of[i]] == 0) continue;
        right[i] += y[row] / w[row];
        for (std::size_t j = 0; j < of.size(); ++j) normal[i][j] += S[row][of[j]] / w[row];
      }
    }
    const std::vector<double> x = solved(std::move(normal), std::move(right));
    std::vector<double> b(static_cast<std::size_t>(tree.bottom), 0);
    for (std::size_t i = 0; i < of.size(); ++i) b[of[i]] = x[i];
    return b;
  }
  double distance(const std::vector<double>& b, const std::vector<double>& y,
                  const std::vector<double>& w) const {
    double sum = 0;
    for (std::size_t row = 0; row < S.size(); ++row) {
      double value = 0;
      for (std::size_t s = 0; s < b.size(); ++s) value += S[row][s] * b[s];
      sum += (y[row] - value) * (y[row] - value) / w[row];
    }
    return sum;
  }
};

struct Problem {
  std::vector<double> y, w;  // sums, then series
  std::vector<char> nonnegative;

  BaseForecasts base(std::size_t sums) const {
    const std::span<const double> all(y), variances(w);
    return {all.subspan(sums), all.first(sums), variances.subspan(sums), variances.first(sums),
            nonnegative};
  }
};

/// Base forecasts that do not add up, of series around 2.
Problem random_problem(const M5& m5, unsigned seed, double middle) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::vector<double> truth;
  for (std::int64_t s = 0; s < m5.tree.bottom; ++s) truth.push_back(middle + normal(random));
  Problem p;
  for (std::size_t row = 0; row < m5.S.size(); ++row) {
    double value = 0, size = 0;
    for (std::size_t s = 0; s < truth.size(); ++s) {
      value += m5.S[row][s] * truth[s];
      size += m5.S[row][s];
    }
    p.y.push_back(value + std::sqrt(size) * normal(random));
    p.w.push_back(size * std::exp(normal(random)));
  }
  p.nonnegative.assign(truth.size(), 0);
  return p;
}

std::vector<std::size_t> all_of(const M5& m5) {
  std::vector<std::size_t> all(static_cast<std::size_t>(m5.tree.bottom));
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  return all;
}

TEST(NearestSums, OfM5sLevelsAreThoseOfDenseAlgebraWhateverTheWeights) {
  const M5 m5(2);
  ASSERT_EQ(m5.tree.bottom, 140);
  ASSERT_EQ(m5.tree.sums, 1 + 3 + 10 + 3 + 7 + 9 + 21 + 30 + 70 + 14 + 42);
  const auto sums = static_cast<std::size_t>(m5.tree.sums);
  for (const bool by_size : {true, false}) {
    Problem p = random_problem(m5, 7, 2);
    if (by_size) {
      std::ranges::copy(m5.size, p.w.begin());
      std::fill(p.w.begin() + static_cast<std::ptrdiff_t>(sums), p.w.end(), 1.0);
    }
    const Nearest found = nearest_sums(m5.tree, p.base(sums));
    EXPECT_TRUE(found.optimal);
    const std::vector<double> expected = m5.dense(p.y, p.w, all_of(m5));
    // A residual of 1e-10 times a condition number of some 100, of values around 2.
    EXPECT_THAT(found.bottom, testing::Pointwise(testing::DoubleNear(2e-8), expected)) << by_size;
  }
}

TEST(NearestSums, OfForecastsThatAddUpAreThemselves) {
  const M5 m5(1);
  Problem p = random_problem(m5, 3, 2);
  const auto sums = static_cast<std::size_t>(m5.tree.sums);
  const std::vector<double> bottom(p.y.begin() + static_cast<std::ptrdiff_t>(sums), p.y.end());
  m5.tree.add_up(bottom, std::span(p.y).first(sums));
  const Nearest found = nearest_sums(m5.tree, p.base(sums));
  EXPECT_THAT(found.bottom, testing::Pointwise(testing::DoubleNear(1e-12), bottom));
}

TEST(NearestSums, ASeriesWithoutVarianceStaysWhereItIs) {
  const M5 m5(1);
  Problem p = random_problem(m5, 5, 2);
  const auto sums = static_cast<std::size_t>(m5.tree.sums);
  p.w[sums + 4] = 0;
  const Nearest found = nearest_sums(m5.tree, p.base(sums));
  EXPECT_TRUE(found.optimal);
  EXPECT_EQ(found.bottom[4], p.y[sums + 4]);
  EXPECT_GT(std::abs(found.bottom[5] - p.y[sums + 5]), 1e-3);
}

TEST(NearestSums, ASumThatIsLeftOutHasNoSay) {
  M5 m5(1);
  Problem p = random_problem(m5, 9, 2);
  const auto sums = static_cast<std::size_t>(m5.tree.sums);
  const Nearest with = nearest_sums(m5.tree, p.base(sums));
  Problem without_total = p;
  without_total.w[0] = 1e14;  // as good as no say
  const std::vector<double> expected = m5.dense(without_total.y, without_total.w, all_of(m5));
  m5.tree.level[0].assign(m5.tree.level[0].size(), -1);
  const Nearest without = nearest_sums(m5.tree, p.base(sums));
  EXPECT_THAT(without.bottom, testing::Pointwise(testing::DoubleNear(1e-7), expected));
  EXPECT_GT(std::abs(without.bottom[0] - with.bottom[0]), 1e-4);
}

TEST(NearestSums, NonnegativeOnesAreTheBestOfAllSetsOfZeros) {
  // Two items a store are few enough to try every set of series that are 0.
  M5 m5(1, {1});
  const std::size_t n = static_cast<std::size_t>(m5.tree.bottom);
  ASSERT_EQ(n, 7u);
  const auto sums = static_cast<std::size_t>(m5.tree.sums);
  int with_zeros = 0;
  for (unsigned seed = 0; seed < 20; ++seed) {
    Problem p = random_problem(m5, seed, 0.3);
    p.nonnegative.assign(n, 1);
    double best = 1e300;
    std::vector<double> expected;
    for (unsigned set = 0; set < 1u << n; ++set) {
      std::vector<std::size_t> free;
      for (std::size_t i = 0; i < n; ++i) {
        if ((set >> i & 1u) != 0) free.push_back(i);
      }
      const std::vector<double> b = m5.dense(p.y, p.w, free);
      if (std::ranges::any_of(b, [](double v) { return v < 0; })) continue;
      if (const double d = m5.distance(b, p.y, p.w); d < best) best = d, expected = b;
    }
    const Nearest found = nearest_sums(m5.tree, p.base(sums));
    EXPECT_TRUE(found.optimal) << seed;
    EXPECT_THAT(found.bottom, testing::Pointwise(testing::DoubleNear(1e-8), expected)) << seed;
    with_zeros += std::ranges::count(found.bottom, 0.0) > 0 ? 1 : 0;
  }
  EXPECT_GE(with_zeros, 10);
}

TEST(NearestSums, OnlySeriesThatMustNotBeNegativeAreKeptFromIt) {
  const M5 m5(2);
  Problem p = random_problem(m5, 1, 0);
  for (std::size_t i = 0; i < p.nonnegative.size(); i += 2) p.nonnegative[i] = 1;
  const Nearest found = nearest_sums(m5.tree, p.base(static_cast<std::size_t>(m5.tree.sums)));
  EXPECT_TRUE(found.optimal);
  double lowest_kept = 1, lowest_other = 1;
  for (std::size_t i = 0; i < found.bottom.size(); ++i) {
    double& lowest = i % 2 == 0 ? lowest_kept : lowest_other;
    lowest = std::min(lowest, found.bottom[i]);
  }
  EXPECT_EQ(lowest_kept, 0);
  EXPECT_LT(lowest_other, -0.5);
}

}  // namespace
}  // namespace sluice
