// The rows of a file that knows future channels past the end of the history.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/catalog/build.hpp"

namespace sluice {

class FutureRows {
 public:
  /// Reads spec.future_file; throws DataError, also for two rows of one series and time. `channels`
  /// are the names of the future channels, `time` the name of the main file's time column.
  FutureRows(const CatalogSpec& spec, const Series& series, const std::string& time,
             const std::vector<std::string>& channels, const Frequency& frequency, bool integers);

  /// last[s] becomes the last period of series `s` that any row knows.
  void extend(std::vector<std::int64_t>& last) const;

  /// Writes channel number `channel` (of `channels`) where the main file left it missing.
  void fill(std::size_t channel, const std::vector<std::int64_t>& first,
            const std::vector<std::int64_t>& offsets, std::vector<float>& values) const;

  /// Rows of series that the main file does not have.
  std::int64_t unmatched_rows() const { return unmatched_; }

 private:
  void match_series(const CatalogSpec& spec, const Series& series);
  void refuse_duplicates(const Frequency& frequency) const;

  Table table_;
  std::vector<int> columns_;           // of the channels
  bool for_all_ = false;               // no id column: the rows hold for every series
  std::vector<std::int32_t> series_;   // [rows], -1 = not in the main file; empty if for_all_
  std::vector<std::int64_t> periods_;  // [rows]
  std::int64_t unmatched_ = 0;
};

}  // namespace sluice
