// A deterministic generator of store catalogues, for demos, tests and benchmarks at any size. Every
// number is a pure function of (seed, store, item, day), given the spec's start, shares and length:
// a store and item sells the same in a small catalogue and in a large one.
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
  bool replace = false;  ///< write over files that hold something else
};

/// Writes `path` by its ending (.csv, .csv.gz, .csv.zst, .parquet, .arrow, .feather), series after
/// series and block by block, so that size is not limited by memory, to a temporary name that is
/// renamed when complete; and for "catalog" the known future beside it as NAME.future.EXT
/// (unique_id, ds, price, promotion, holiday) if future_days > 0; an earlier such file never stays
/// beside other data. Throws ConfigError (a number out
/// of range, an unknown schema or ending), DataError (cannot be written; a file is there already
/// that holds anything but what would be written, without `replace`).
void simulate(const SimulateSpec& spec, const std::filesystem::path& path);

}  // namespace sluice
