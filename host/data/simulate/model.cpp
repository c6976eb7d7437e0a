// Expected sales are a product of factors: item, store, weekday, season, trend, a slowly moving
// level, price and promotion, holidays, launch. A count is drawn round it: a gamma factor of mean 1
// (so that counts are negative binomial), then Poisson. Random numbers are looked up by counter,
// and quantiles come from tables, so a row costs one Philox call and a few multiplications.
#include "data/simulate/model.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "data/calendar/civil.hpp"

namespace sluice {
namespace {

constexpr std::size_t kQuantiles = 4096;
constexpr std::uint32_t kAll = 0xffffffffu;  // in place of a store or an item: a trait of all
constexpr int kLevelDays = 28;

/// Inverse of the normal distribution function (Acklam's rational approximation, error < 1.2e-9).
double normal_quantile(double p) {
  constexpr double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                          1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
  constexpr double b[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
                          6.680131188771972e+01, -1.328068155288572e+01};
  constexpr double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                          -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
  constexpr double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                          3.754408661907416e+00};
  if (p > 0.5) return -normal_quantile(1 - p);
  if (p < 0.02425) {
    const double q = std::sqrt(-2 * std::log(p));
    return (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
           ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
  }
  const double q = p - 0.5, r = q * q;
  return (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
         (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
}

using QuantileTable = std::array<float, kQuantiles>;

double quantile_level(std::size_t i) {
  return (static_cast<double>(i) + 0.5) / static_cast<double>(kQuantiles);
}

const QuantileTable& normal_table() {
  static const QuantileTable table = [] {
    QuantileTable t{};
    for (std::size_t i = 0; i < kQuantiles; ++i)
      t[i] = static_cast<float>(normal_quantile(quantile_level(i)));
    return t;
  }();
  return table;
}

// Gamma factors of mean 1 and shape k: the exponential for k = 1, else Wilson and Hilferty's cube.
constexpr std::array<double, 4> kShapes = {1, 6, 12, 25};

const std::array<QuantileTable, 4>& gamma_tables() {
  static const std::array<QuantileTable, 4> tables = [] {
    std::array<QuantileTable, 4> all{};
    for (std::size_t s = 0; s < kShapes.size(); ++s) {
      for (std::size_t i = 0; i < kQuantiles; ++i) {
        const double k = kShapes[s], z = normal_quantile(quantile_level(i));
        const double root = 1 - 1 / (9 * k) + z / (3 * std::sqrt(k));
        all[s][i] = static_cast<float>(s == 0 ? -std::log1p(-quantile_level(i))
                                              : std::max(0.0, root * root * root));
      }
    }
    return all;
  }();
  return tables;
}

std::size_t quantile_index(std::uint32_t bits) { return bits >> 20; }

/// A Poisson number of that mean: by inversion, or its normal approximation where the mean is
/// large.
std::int32_t poisson(float mean, std::uint32_t bits) {
  constexpr float kLarge = 10;
  if (mean >= kLarge) {
    const float z = simulated_normal(bits);
    const float value = mean + std::sqrt(mean) * z + (z * z - 1) / 6;
    return static_cast<std::int32_t>(std::max(0.0f, value + 0.5f));
  }
  const float u = to_uniform(bits);
  float p = std::exp(-mean), sum = p;
  std::int32_t n = 0;
  while (u >= sum && n < 60) {
    ++n;
    p *= mean / static_cast<float>(n);
    sum += p;
  }
  return n;
}

float uniform(std::uint32_t bits, float low, float high) {
  return low + (high - low) * to_uniform(bits);
}

bool happens(std::uint32_t bits, double share) {
  return static_cast<double>(bits) * 0x1.0p-32 < share;
}

// Five kinds of goods. Weekdays from Monday.
struct Group {
  std::array<float, 7> weekday;
  float amplitude, peak_day;  // of the yearly wave
  float christmas;            // factor at its height
};
constexpr Group kGroupTraits[] = {
    {{0.85f, 0.80f, 0.85f, 0.95f, 1.20f, 1.35f, 1.00f}, 0.10f, 200, 1.3f},  // food
    {{0.75f, 0.75f, 0.80f, 0.90f, 1.25f, 1.50f, 1.05f}, 0.40f, 195, 1.2f},  // drinks
    {{0.80f, 0.80f, 0.80f, 0.85f, 1.05f, 1.50f, 1.20f}, 0.15f, 340, 2.4f},  // toys, gifts
    {{1.15f, 1.20f, 1.15f, 1.15f, 1.10f, 0.75f, 0.50f}, 0.15f, 250, 0.9f},  // office, hardware
    {{0.90f, 0.90f, 0.90f, 0.95f, 1.05f, 1.25f, 1.05f}, 0.35f, 20, 1.1f}};  // winter goods

struct FixedHoliday {
  unsigned month, day;
};
constexpr FixedHoliday kHolidays[] = {{1, 1}, {5, 1}, {7, 14}, {10, 3}, {12, 25}};
// Sales two days before, one day before, on the day, the day after.
constexpr float kAroundHoliday[] = {1.15f, 1.40f, 0.45f, 1.15f};

constexpr float kDiscounts[] = {0.10f, 0.15f, 0.20f, 0.30f};

}  // namespace

Philox4 simulated_bits(std::uint64_t seed, SimulatedUse use, std::uint32_t store,
                       std::uint32_t item, std::uint32_t index) {
  const auto purpose =
      static_cast<std::uint64_t>(RandomUse::simulate) << 16 | static_cast<std::uint64_t>(use);
  return philox(seed, purpose << 32 | index, static_cast<std::uint64_t>(store) << 32 | item);
}

float simulated_normal(std::uint32_t bits) { return normal_table()[quantile_index(bits)]; }

struct StoreWorld::Item {
  int group = 0;
  std::size_t shape = 0;  // of the gamma factor
  float demand = 0, price = 0, growth = 0, promotion_share = 0;
  std::array<float, 4> lift{};  // of sales, at each discount
};

StoreWorld::Item StoreWorld::item_traits(int item) const {
  const auto number = static_cast<std::uint32_t>(item);
  const Philox4 a = simulated_bits(spec_.seed, SimulatedUse::item, kAll, number, 0);
  const Philox4 b = simulated_bits(spec_.seed, SimulatedUse::item, kAll, number, 1);
  Item traits;
  const bool intermittent = happens(a.v[0], spec_.intermittent);
  traits.group = static_cast<int>(to_below(a.v[1], 0, kGroups));
  traits.shape = intermittent ? 0 : 1 + static_cast<std::size_t>(to_below(a.v[2], 0, 3));
  traits.demand = intermittent ? uniform(a.v[3], 0.05f, 0.35f)
                               : 4 + 10 * std::exp(0.9f * simulated_normal(a.v[3]));
  // Prices end in 9 cents.
  const float price = 450 * std::exp(0.7f * simulated_normal(b.v[0]));
  traits.price = std::max(29.0f, std::floor(price / 10) * 10 + 9);
  traits.growth = 0.12f * simulated_normal(b.v[1]);
  traits.promotion_share = uniform(b.v[2], 0.05f, 0.20f);
  const float elasticity = uniform(b.v[3], 1.2f, 2.8f);
  for (std::size_t i = 0; i < traits.lift.size(); ++i)
    traits.lift[i] = 1.25f * std::exp(-elasticity * std::log(1 - kDiscounts[i]));
  return traits;
}

StoreWorld::StoreWorld(const SimulateSpec& spec)
    : spec_(spec), first_day_(civil::day_of(*parse_time(spec.start))) {
  const auto n = static_cast<std::size_t>(all_days());
  holiday_factor_.assign(n, 1);
  holiday_.assign(n, 0);
  for (auto& season : season_) season.reserve(n);
  for (std::size_t d = 0; d < n; ++d) {
    const std::int64_t day = first_day_ + static_cast<std::int64_t>(d);
    const auto date = civil::date_of_day(day);
    const auto year = static_cast<int>(date.year());
    dates_.push_back(fmt::format("{:04d}-{:02d}-{:02d}", year, static_cast<unsigned>(date.month()),
                                 static_cast<unsigned>(date.day())));
    weekday_.push_back(static_cast<std::uint8_t>(civil::weekday(day)));
    // The yearly wave, and the weeks before Christmas.
    const auto new_year = civil::day_of_date(date.year() / 1 / 1);
    const auto christmas = civil::day_of_date(date.year() / 12 / 25);
    const auto to_christmas = static_cast<float>(christmas - day);
    for (int g = 0; g < kGroups; ++g) {
      const Group& group = kGroupTraits[g];
      const float angle =
          6.2831853f * (static_cast<float>(day - new_year) - group.peak_day) / 365.25f;
      const bool before = to_christmas > 0 && to_christmas <= 28;
      const float rush = before ? 1 + (group.christmas - 1) * (1 - to_christmas / 29) : 1;
      season_[static_cast<std::size_t>(g)].push_back((1 + group.amplitude * std::cos(angle)) *
                                                     rush);
    }
    for (const FixedHoliday& holiday : kHolidays) {
      for (int offset = -2; offset <= 1; ++offset) {  // is `day` so many days from the holiday?
        const auto other = civil::date_of_day(day - offset);
        if (static_cast<unsigned>(other.month()) != holiday.month ||
            static_cast<unsigned>(other.day()) != holiday.day)
          continue;
        holiday_factor_[d] *= kAroundHoliday[offset + 2];
        if (offset == 0) holiday_[d] = 1;
      }
    }
  }
}

std::string StoreWorld::store_name(int store) { return fmt::format("S{:04d}", store + 1); }
std::string StoreWorld::item_name(int item) { return fmt::format("I{:05d}", item + 1); }

void StoreWorld::series(int store, int item, std::vector<SimulatedDay>& days) const {
  const auto s = static_cast<std::uint32_t>(store), i = static_cast<std::uint32_t>(item);
  const std::uint64_t seed = spec_.seed;
  const Item traits = item_traits(item);
  const Philox4 shop = simulated_bits(seed, SimulatedUse::store, s, kAll, 0);
  const Philox4 own = simulated_bits(seed, SimulatedUse::series, s, i, 0);
  const float size = std::exp(0.4f * simulated_normal(shop.v[0]));
  const float weekend = uniform(shop.v[1], 0.85f, 1.2f);
  const float base = traits.demand * size * std::exp(0.25f * simulated_normal(own.v[0]));
  // A late start lies in the history's first 10 to 70 %.
  const int launch = happens(own.v[1], spec_.launches)
                         ? std::max(1, static_cast<int>(uniform(own.v[2], 0.1f, 0.7f) *
                                                        static_cast<float>(spec_.days)))
                         : 0;
  const Group& group = kGroupTraits[traits.group];
  const auto& season = season_[static_cast<std::size_t>(traits.group)];
  const QuantileTable& gamma = gamma_tables()[traits.shape];

  const float daily_growth = std::exp(traits.growth / 365);
  float trend = 1, level = 1, next_level = 1, lift = 1;
  std::int32_t list_price = 0, price = 0;
  bool promotion = false;
  days.resize(static_cast<std::size_t>(all_days()));
  for (int d = 0; d < all_days(); ++d) {
    const auto t = static_cast<std::size_t>(d);
    if (d % kLevelDays == 0) {
      const auto knot = static_cast<std::uint32_t>(d / kLevelDays);
      const auto level_at = [&](std::uint32_t k) {
        return std::exp(0.15f *
                        simulated_normal(simulated_bits(seed, SimulatedUse::level, s, i, k).v[0]));
      };
      level = level_at(knot);
      next_level = level_at(knot + 1);
    }
    if (d % 7 == 0) {  // promotions run for weeks, in all stores
      const auto week = static_cast<std::uint32_t>(d / 7);
      const Philox4 bits = simulated_bits(seed, SimulatedUse::promotion, kAll, i, week);
      const bool before = promotion;
      promotion = happens(bits.v[0], static_cast<double>(traits.promotion_share));
      const auto step = static_cast<std::size_t>(to_below(bits.v[1], 0, 4));
      // The list price rises by 2 % every half-year.
      list_price = static_cast<std::int32_t>(
          traits.price * std::pow(1.02f, std::floor(static_cast<float>(d) / 182)) + 0.5f);
      price = promotion ? static_cast<std::int32_t>(
                              static_cast<float>(list_price) * (1 - kDiscounts[step]) + 0.5f)
                        : list_price;
      lift = promotion ? traits.lift[step] : before ? 0.9f : 1.0f;  // some had bought ahead
    }
    const float along = static_cast<float>(d % kLevelDays) / kLevelDays;
    const float weekday = group.weekday[weekday_[t]] * (weekday_[t] >= 5 ? weekend : 1.0f);
    const float ramp = std::min(1.0f, 0.3f + 0.7f * static_cast<float>(d - launch) / 28);
    const float mean = base * trend * (level + (next_level - level) * along) * weekday * season[t] *
                       holiday_factor_[t] * lift * (launch > 0 ? std::max(0.0f, ramp) : 1.0f);
    trend *= daily_growth;
    const Philox4 bits =
        simulated_bits(seed, SimulatedUse::day, s, i, static_cast<std::uint32_t>(d));
    SimulatedDay& day = days[t];
    day.y = poisson(mean * gamma[quantile_index(bits.v[0])], bits.v[1]);
    day.price_cents = price;
    day.promotion = promotion;
    day.holiday = holiday_[t] != 0;
    day.present = d >= spec_.days || (d >= launch && !happens(bits.v[2], spec_.missing));
  }
}

}  // namespace sluice
