// A shop as the article has it: visits, then buyers, then money, each a share of the one before, so
// that the article's identities hold: amount per customer = amount / customers, views per visitor =
// views / visitors, and nothing is paid that was not ordered.
#include <algorithm>
#include <cmath>

#include "data/calendar/civil.hpp"
#include "data/simulate/model.hpp"

namespace sluice {

const std::array<std::string_view, 15> kShopColumns = {
    "日期",         "浏览量",     "访客数",   "人均浏览量", "平均停留时间",
    "跳失率",       "成交客户数", "成交单量", "成交金额",   "客单价",
    "成交商品件数", "下单客户数", "下单单量", "下单金额",   "下单商品件数"};

namespace {

double rounded(double value, double unit) { return std::round(value * unit) / unit; }

/// Sales days of the trade: a factor on visitors, decaying after them.
double event_factor(std::int64_t day) {
  struct Event {
    unsigned month, day;
    double height;
  };
  static constexpr Event kEvents[] = {
      {3, 8, 1.2}, {6, 18, 2.5}, {9, 9, 0.8}, {11, 11, 3.5}, {12, 12, 1.8}};
  double factor = 1;
  for (int back = 0; back < 4; ++back) {
    const auto date = civil::date_of_day(day - back);
    for (const Event& event : kEvents) {
      if (static_cast<unsigned>(date.month()) == event.month &&
          static_cast<unsigned>(date.day()) == event.day)
        factor += event.height * std::pow(0.4, back);
    }
  }
  return factor;
}

}  // namespace

std::vector<ShopDay> simulate_shop(const SimulateSpec& spec, std::int64_t first_day) {
  static constexpr double kWeekday[] = {1.0, 0.98, 0.96, 0.97, 1.02, 1.1, 1.08};
  const auto bits = [&](std::uint32_t kind, std::int64_t index) {
    return simulated_bits(spec.seed, SimulatedUse::shop, kind, 0,
                          static_cast<std::uint32_t>(index));
  };
  /// A slow noise: numbers every ten days, straight lines between them.
  const auto slow = [&](std::uint32_t kind, int d) {
    const double along = d % 10 / 10.0;
    const double a = static_cast<double>(simulated_normal(bits(kind, d / 10).v[0]));
    const double b = static_cast<double>(simulated_normal(bits(kind, d / 10 + 1).v[0]));
    return a + (b - a) * along;
  };
  std::vector<ShopDay> rows(static_cast<std::size_t>(spec.days));
  for (int d = 0; d < spec.days; ++d) {
    const std::int64_t day = first_day + d;
    const auto fast = [noise = bits(0, d)](std::size_t k) {
      return static_cast<double>(simulated_normal(noise.v[k]));
    };
    const auto more = [noise = bits(1, d)](std::size_t k) {
      return static_cast<double>(simulated_normal(noise.v[k]));
    };
    const double growth = 1 + 3.2 / (1 + std::exp(-(d - 260.0) / 55));
    const double event = event_factor(day);
    const double week = kWeekday[civil::weekday(day)];

    const double visitors = std::round(70'000 * std::pow(growth, 0.8) * week * event *
                                       std::exp(0.15 * slow(2, d) + 0.12 * fast(0)));
    const double views =
        std::round(visitors * std::clamp(5.4 - 0.3 * (event - 1) + 0.6 * slow(3, d) + 0.5 * fast(1),
                                         1.7, 8.5));
    const double stay = std::clamp(82 + 12 * slow(4, d) + 14 * fast(2), 12.0, 145.0);
    const double bounce =
        std::clamp(0.46 + 0.04 * slow(5, d) + 0.05 * fast(3) - 0.02 * (event - 1), 0.3, 0.92);
    const double ordering = std::round(
        visitors * std::clamp(0.13 * (1.46 - bounce) * std::exp(0.06 * more(0)), 0.02, 0.5));
    const double paying = std::round(ordering * (0.85 + 0.02 * std::tanh(slow(6, d))));
    const double orders = std::round(ordering * (1.21 + 0.02 * std::tanh(slow(7, d))));
    const double paid_orders = std::min(orders, std::round(paying * 1.18));
    const double items = std::round(ordering * 3.6 * std::exp(0.05 * more(1)));
    const double paid_items = std::min(items, std::round(items * 0.9));
    const double each =
        112 * std::exp(0.12 * slow(8, d) + 0.1 * more(2)) * (1 + 0.15 * (event - 1));
    const double paid = rounded(paying * each, 100);
    const double ordered = rounded(paid * (1.16 + 0.03 * std::tanh(more(3))), 100);
    rows[static_cast<std::size_t>(d)].values = {views,
                                                visitors,
                                                rounded(views / visitors, 100),
                                                rounded(stay, 100),
                                                rounded(bounce, 100),
                                                paying,
                                                paid_orders,
                                                paid,
                                                rounded(paid / paying, 100),
                                                paid_items,
                                                ordering,
                                                orders,
                                                ordered,
                                                items};
  }
  return rows;
}

}  // namespace sluice
