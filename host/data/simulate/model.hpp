// The simulated world: stores, items, days. Private to `sluice simulate`.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/rng.hpp"
#include "sluice/data/simulate.hpp"

namespace sluice {

class OutputFile;

/// One day of one series. `present` is false before a launch and where the row is left out.
struct SimulatedDay {
  std::int32_t y = 0;
  std::int32_t price_cents = 0;
  bool promotion = false, holiday = false, present = true;
};

/// What a stream of random numbers of the simulation is for.
enum class SimulatedUse : std::uint32_t { item = 1, store, series, promotion, level, day, shop };

/// 128 random bits for (seed, use, store, item, index).
Philox4 simulated_bits(std::uint64_t seed, SimulatedUse use, std::uint32_t store,
                       std::uint32_t item, std::uint32_t index);
/// A standard normal number: one of 4096 equally likely quantiles, chosen by the upper 12 bits.
float simulated_normal(std::uint32_t bits);

class StoreWorld {
 public:
  explicit StoreWorld(const SimulateSpec& spec);

  const SimulateSpec& spec() const { return spec_; }
  int all_days() const { return spec_.days + spec_.future_days; }
  std::int64_t first_day() const { return first_day_; }  ///< days since 1970
  /// "2023-01-01" for each of all_days().
  const std::vector<std::string>& dates() const { return dates_; }
  static std::string store_name(int store);
  static std::string item_name(int item);

  /// All days of a series, the future ones (whose y means nothing) at the end. `store` and `item`
  /// count from 0. `days` is resized to all_days().
  void series(int store, int item, std::vector<SimulatedDay>& days) const;

 private:
  static constexpr int kGroups = 5;
  struct Item;
  Item item_traits(int item) const;

  SimulateSpec spec_;
  std::int64_t first_day_ = 0;
  std::vector<std::string> dates_;
  std::vector<std::uint8_t> weekday_, holiday_;
  std::vector<float> holiday_factor_;
  std::array<std::vector<float>, kGroups> season_;  // per group and day
};

/// The article's shop: 14 numbers a day.
struct ShopDay {
  std::array<double, 14> values{};
};
std::vector<ShopDay> simulate_shop(const SimulateSpec& spec, std::int64_t first_day);
extern const std::array<std::string_view, 15> kShopColumns;

/// Takes text, a block at a time.
using TextSink = std::function<void(std::string_view)>;

/// The catalogue as CSV text: the history, or the known future.
void catalog_csv(const StoreWorld& world, bool future, const TextSink& sink);
void shop_csv(const SimulateSpec& spec, std::int64_t first_day, const TextSink& sink);

// Through Arrow (arrow.cpp); all throw DataError. `name` is the final name, which messages have.
void write_catalog_parquet(const StoreWorld& world, bool future, const OutputFile& to,
                           const std::filesystem::path& name);
void write_catalog_ipc(const StoreWorld& world, bool future, const OutputFile& to,
                       const std::filesystem::path& name);
/// Compressed as the extension of `name` says.
void write_compressed(const OutputFile& to, const std::filesystem::path& name,
                      const std::function<void(const TextSink&)>& write);

}  // namespace sluice
