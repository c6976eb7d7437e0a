// The rows of a file that knows future channels past the end of the history.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "data/catalog/build.hpp"
#include "data/catalog/join.hpp"
#include "data/catalog/precision.hpp"

namespace sluice {

/// What the main file says to its future file.
struct FutureColumns {
  std::string time;                     ///< the main file's time column
  std::vector<std::string> channels;    ///< data.future
  std::vector<std::string> categories;  ///< data.future_categories
  std::vector<std::string> others;      ///< those with another role: never joined on
  std::size_t series = 0;               ///< in the data
  std::size_t files = 1;                ///< of other columns each: one need not have all channels
};

/// The tables of spec.future_files: files with the same columns are one table, and those that say
/// for which series a row is come first, because they may know new ones.
std::vector<Table> read_future_files(const CatalogSpec& spec, const Series& series,
                                     CatalogNotes& notes);

class FutureRows {
 public:
  /// Joins `beside` to `series`. Throws DataError: no id in common, two rows of one series and time
  /// (unless data.duplicates says what they become), a time off the grid.
  FutureRows(const Table::Impl& main, Table beside, const CatalogSpec& spec, const Series& series,
             const FutureColumns& asked, const TimeAxis& axis, CatalogNotes& notes);

  /// Ids that the main file does not have become series behind the known ones, if they have rows
  /// after period `end`, at which the main file ends. Throws DataError where all rows lie before
  /// `begin`, at which it begins.
  void add_new_series(Series& series, std::int64_t begin, std::int64_t end, CatalogNotes& notes);

  /// first[s] of new series becomes their first period after the main file's end, last[s] the last
  /// period of series `s` that any row knows.
  void extend(std::vector<std::int64_t>& first, std::vector<std::int64_t>& last) const;

  /// Calls visit(row, place in the channels) for each row and each of its series, where the row
  /// lies on the series' steps.
  template <typename Visit>
  void for_each_step(const std::vector<std::int64_t>& first,
                     const std::vector<std::int64_t>& offsets, Visit visit) const {
    for (std::size_t row = 0; row < periods_.size(); ++row) {
      if (!is_on_a_step(row) || (!left_out_.empty() && left_out_[row] != 0)) continue;
      for (const std::int32_t s : series_of(row)) {
        const auto i = static_cast<std::size_t>(s);
        const std::int64_t place = offsets[i] + periods_[row] - first[i];
        if (place < offsets[i] || place >= offsets[i + 1]) continue;
        visit(row, place);
      }
    }
  }

  const std::string& source() const { return table_.impl().source; }
  bool has_channel(const std::string& name) const;
  bool has_category(const std::string& name) const;

  /// Writes a channel that it has where that is missing so far; says where the two differ. The
  /// names are for that remark.
  void fill(const std::string& channel, const std::vector<std::string>& ids,
            const std::vector<std::int64_t>& first, const std::vector<std::int64_t>& offsets,
            std::vector<float>& values, CatalogNotes& notes) const;

  /// The numbers of a channel that it has once more, in double, at their places.
  void put_exact(const std::string& channel, const std::vector<std::int64_t>& first,
                 const std::vector<std::int64_t>& offsets, ExactSeries& exact) const;

  /// The words of a category that it has, a row each.
  Codes words(const std::string& category) const;

  /// "29 of 30 series, 2024-01-01 .. 2024-01-14": the rows after the end of the series' histories;
  /// `ends` are their last periods.
  std::string coverage(const std::vector<std::int64_t>& ends) const;

  /// Says where the file does not help a forecast: no row lies after the end of the histories, or
  /// steps that it reaches over have no value of a column that seldom lacks one before.
  void tell_reach(const CatalogParts& parts, const std::vector<std::int64_t>& ends,
                  CatalogNotes& notes) const;

  /// "f.csv: 12 values of 'price' inside the history differ from the data's ...".
  void tell_differences(const std::string& column, std::int64_t count, const std::string& example,
                        CatalogNotes& notes) const;
  std::string step_text(const std::vector<std::string>& ids, const std::vector<std::int64_t>& first,
                        const std::vector<std::int64_t>& offsets, std::int64_t place) const;

  /// Rows of series that the main file does not have.
  std::int64_t unmatched_rows() const;

 private:
  void join(const Table::Impl& main, const Series& series, const FutureColumns& asked,
            CatalogNotes& notes);
  void hold_for_all(const Series& series);
  /// Throws DataError where a column may say otherwise.
  void tell_that_all_are_for_all(const Series& series, CatalogNotes& notes) const;
  void refuse_bridge(const Series& series) const;
  void refuse_other_words(const Series& series) const;
  void index_series();
  void describe_new_series(Series& series, std::span<const std::int32_t> keys) const;
  bool repeats(const Join& join) const;
  bool is_on_a_step(std::size_t row) const { return periods_[row] != kNoPeriod; }
  bool merges_rows() const;
  void settle_duplicates(CatalogNotes& notes);
  /// "2024-01-01 .. 2024-01-14" of all rows that are on a step.
  std::string range_text() const;
  [[noreturn]] void refuse_second_row(std::size_t row, std::size_t first) const;
  std::vector<float> numbers(std::size_t channel) const;
  std::vector<double> exact_numbers(std::size_t channel) const;
  std::span<const std::int32_t> series_of(std::size_t row) const {
    const std::size_t key = join_.keys.at(static_cast<std::int64_t>(row));
    return std::span(series_of_keys_)
        .subspan(begin_of_key_[key], begin_of_key_[key + 1] - begin_of_key_[key]);
  }

  const CatalogSpec& spec_;
  Table table_;
  std::vector<std::string> channels_, categories_;  // those of data.future... that it has
  const TimeAxis& axis_;                            // the data's
  int time_column_ = 0;
  std::vector<int> columns_, category_columns_;  // theirs
  Join join_;
  std::vector<std::size_t> begin_of_key_;  // [keys + 1], into series_of_keys_
  std::vector<std::int32_t> series_of_keys_;
  std::size_t series_count_ = 0;  // in the data: layout `columns` is one of many here
  std::size_t known_series_ = 0;  // those after them are in this file only
  std::int64_t main_end_ = std::numeric_limits<std::int64_t>::max();
  std::vector<std::int64_t> periods_;  // [rows], kNoPeriod: it is used for nothing
  std::vector<char> left_out_;         // [rows], another row of its step counts; or empty
  std::vector<std::int64_t> leader_;   // [rows], where rows merge: the first row of its step
};

}  // namespace sluice
