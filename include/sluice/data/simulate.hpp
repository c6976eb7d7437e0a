// A deterministic generator of store catalogues, for demos, tests and benchmarks at any size. Every
// number is a pure function of (seed, store, item, day): the first hundred series of a large
// catalogue are those of a small one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace sluice {

struct SimulateSpec {
  int stores = 10;
  int items = 50;
  int days = 730;
  std::string start = "2023-01-01";
  std::uint64_t seed = 1;
  double intermittent = 0.2;  ///< share of items that sell on few days
  double launches = 0.1;      ///< share of series that begin late
  double missing = 0;         ///< share of rows left out
  int future_days = 28;  ///< days past the end for which price, promotion and holiday are known
  /// "catalog": unique_id, ds, y, price, promotion, holiday, store, item.
  /// "article": the article's 15 columns (one shop), same names and identities (amount per customer
  /// = amount / customers ...).
  std::string schema = "catalog";
};

/// Writes `path` (.csv, .parquet, ...; block by block, so that size is not limited by memory for
/// CSV), and for "catalog" the known future beside it as NAME.future.EXT if future_days > 0. Throws
/// ConfigError, DataError.
void simulate(const SimulateSpec& spec, const std::filesystem::path& path);

}  // namespace sluice
