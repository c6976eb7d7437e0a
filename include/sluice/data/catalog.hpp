// The catalogue: all series, ragged and columnar, one block of numbers a channel, NaN where a value
// is missing, every series on the same regular time grid. Immutable once built. Windows are never
// cut out of it: a window is two integers (data/window.hpp).
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/data/calendar.hpp"
#include "sluice/data/table.hpp"
#include "sluice/data/time_axis.hpp"

namespace sluice {

/// What a channel is to the model. target: to be forecast (and an input). past: known up to the
/// forecast origin. future: known for the horizon too (prices, promotions, holidays).
enum class Role { target, past, future };

struct Channel {
  std::string name;
  Role role = Role::target;
  std::vector<float> values;  ///< [offsets.back()], series after series; NaN = missing
};

/// A channel of words: what day it is (Easter, none), which promotion runs. Role past or future.
struct CategoryChannel {
  std::string name;
  Role role = Role::future;
  std::vector<std::string> vocabulary;  ///< vocabulary[0] is "unknown", also for a missing cell
  std::vector<std::int32_t> codes;      ///< [offsets.back()], series after series
};

/// A channel of a finished catalogue, whose values lie in memory that catalogues share: the parts
/// that it was made of, or a mapped file.
struct ChannelView {
  std::string name;
  Role role = Role::target;
  std::span<const float> values;  ///< as Channel::values
};

/// The same of a channel of words.
struct CategoryChannelView {
  std::string name;
  Role role = Role::future;
  std::vector<std::string> vocabulary;  ///< vocabulary[0] is "unknown", also for a missing cell
  std::span<const std::int32_t> codes;  ///< as CategoryChannel::codes
};

/// A number that belongs to a series, not to a time (shop area).
struct StaticReal {
  std::string name;
  std::vector<float> values;  ///< [S], NaN = missing
};

/// A category that belongs to a series (shop type). Code 0 is "unknown".
struct StaticCategory {
  std::string name;
  std::vector<std::string> vocabulary;  ///< vocabulary[0] is "unknown"
  std::vector<std::int32_t> codes;      ///< [S]
};

/// Which series of a catalogue are sums of others, level by level (data.groups). The others, the
/// bottom of the hierarchy, come first; a level's sums stand together behind them.
struct Hierarchy {
  struct Level {
    std::string name;                   ///< "state/store", "total"
    std::int64_t first = 0, count = 0;  ///< its sums, as series of the catalogue
    std::vector<std::int32_t> sum_of;   ///< [bottom] the sum, as a series, that each one is in
  };
  std::int64_t bottom = 0;
  std::vector<Level> levels;  ///< empty: there are no sums
};

/// The parts of a catalogue; S series.
struct CatalogParts {
  TimeAxis axis;
  std::vector<std::string> ids;  ///< [S], distinct
  std::vector<std::int64_t>
      offsets;  ///< [S+1], offsets[0] = 0; where each series begins in a channel
  std::vector<std::int64_t> first;  ///< [S], period of each series' first step
  std::vector<Channel> channels;    ///< targets first, then past, then future
  std::vector<StaticReal> static_reals;
  std::vector<StaticCategory> static_categories;
  std::vector<CategoryChannel> categories;  ///< past first, then future
  /// What was taken off the targets' values so that a float holds their steps: y = value + offset.
  /// [M * S], target after target; empty: nothing.
  std::vector<double> value_offset;
  /// [S], steps of each history where they end together (data.end) and not at each one's last
  /// target; empty: they do not.
  std::vector<std::int64_t> history;
  /// [S], 1: the series ended long before the catalogue did (data.ended_after). Empty: none did.
  std::vector<char> ended;
  Hierarchy hierarchy;
};

/// The channels of a catalogue whose memory something else keeps.
struct CatalogSteps {
  std::vector<ChannelView> channels;            ///< targets first, then past, then future
  std::vector<CategoryChannelView> categories;  ///< past first, then future
  std::shared_ptr<const void> memory;           ///< what keeps the values and codes
};

/// Copies share the steps' memory.
class Catalog {
 public:
  /// Checks that the parts fit together; throws InternalError if not.
  explicit Catalog(CatalogParts parts);
  /// The same of parts without channels and categories, which `steps` has.
  Catalog(CatalogParts parts, CatalogSteps steps);

  const TimeAxis& axis() const { return parts_.axis; }
  const Frequency& frequency() const { return parts_.axis.frequency; }
  std::int64_t series_count() const { return static_cast<std::int64_t>(parts_.ids.size()); }
  const std::vector<std::string>& ids() const { return parts_.ids; }
  const std::string& id(std::int64_t s) const { return parts_.ids[static_cast<std::size_t>(s)]; }

  /// Steps of series `s` on the grid, including rows that only know future channels.
  std::int64_t length(std::int64_t s) const { return offset(s + 1) - offset(s); }
  /// Steps from the first to the last one that has any target, or to where all histories end
  /// (data.end): the history is [0, history).
  std::int64_t history(std::int64_t s) const { return history_[static_cast<std::size_t>(s)]; }
  std::int64_t offset(std::int64_t s) const { return parts_.offsets[static_cast<std::size_t>(s)]; }
  std::span<const std::int64_t> offsets() const { return parts_.offsets; }
  std::int64_t total_steps() const { return parts_.offsets.back(); }
  /// The period of step `t` of series `s` (t may lie past the end).
  std::int64_t period(std::int64_t s, std::int64_t t) const {
    return parts_.first[static_cast<std::size_t>(s)] + t;
  }
  /// When step `t` of series `s` is (t may lie past the end).
  Timestamp time(std::int64_t s, std::int64_t t) const { return axis().time(period(s, t), s); }
  /// "2023-02-04" of it, for messages and files.
  std::string date(std::int64_t s, std::int64_t t) const { return axis().text(time(s, t)); }

  std::span<const ChannelView> channels() const { return steps_.channels; }
  int count(Role role) const;  ///< number of channels with that role
  const ChannelView& target(int m) const { return steps_.channels[static_cast<std::size_t>(m)]; }
  std::span<const float> values(int channel, std::int64_t s) const {
    const std::span<const float> v = steps_.channels[static_cast<std::size_t>(channel)].values;
    return v.subspan(static_cast<std::size_t>(offset(s)), static_cast<std::size_t>(length(s)));
  }
  std::span<const StaticReal> static_reals() const { return parts_.static_reals; }
  std::span<const StaticCategory> static_categories() const { return parts_.static_categories; }
  std::span<const CategoryChannelView> categories() const { return steps_.categories; }

  /// What has to be added to values(m, s) for what the file says; 0 for nearly all series.
  double value_offset(int m, std::int64_t s) const {
    return parts_.value_offset.empty()
               ? 0
               : parts_.value_offset[static_cast<std::size_t>(m * series_count() + s)];
  }
  /// Whether the series ended long before the others: nothing to forecast from today.
  bool ended(std::int64_t s) const {
    return !parts_.ended.empty() && parts_.ended[static_cast<std::size_t>(s)] != 0;
  }

  const Hierarchy& hierarchy() const { return parts_.hierarchy; }
  /// Series that are no sums of others: the first so many.
  std::int64_t bottom_count() const {
    return hierarchy().levels.empty() ? series_count() : hierarchy().bottom;
  }
  bool is_sum(std::int64_t s) const { return s >= bottom_count(); }
  /// The catalogue without these inputs: places in channels() (of no target) and in categories().
  Catalog without(std::span<const int> channels, std::span<const int> categories) const;

  /// What the catalogue's parts are but the steps: channels and categories are empty.
  const CatalogParts& parts() const { return parts_; }
  std::span<const std::int64_t> histories() const { return history_; }  ///< [S]

  std::int64_t bytes() const;  ///< memory held, or shared

  /// The parts; the catalogue is empty then. Copied are steps that another catalogue shares, or
  /// that lie in a file.
  CatalogParts take_parts() &&;

 private:
  void check_parts() const;
  void settle();

  CatalogParts parts_;  ///< without steps and histories
  CatalogSteps steps_;
  std::shared_ptr<CatalogParts> held_;  ///< the steps that were given as parts; else null
  std::vector<std::int64_t> history_;
};

/// How rows of a file become series.
enum class Layout {
  automatic,  ///< by what is there: id column -> long; a time column -> columns; else rows
  long_form,  ///< a row for each series and time: id, time, target(s), covariates
  single,   ///< a row for each time, one series: targets and covariates are columns (the article's
            ///< file)
  columns,  ///< a row for each time, a series in each target column (ETT)
  rows      ///< a row for each series, a value column for each time (M4, M5); and .tsf files
};
/// What the targets are in a step inside the history that has no row. missing: NaN. zero: 0.
/// forward_fill: as in the step before. error: DataError. What inputs are there:
/// CovariateGapPolicy.
enum class GapPolicy { missing, zero, forward_fill, error };
/// What a channel's input is in a step that has no row. automatic: forward_fill where the targets'
/// policy is, else missing; but an error where missing or present values of a future channel would
/// tell such steps from others, and so the target that was made up for them.
enum class CovariateGapPolicy { automatic, forward_fill, zero, missing, error };
/// What several rows of one series and time become. sum: targets are added, past and future
/// channels averaged. Missing cells do not count in sum and mean.
enum class DuplicatePolicy { error, first, last, sum, mean };

/// What a file's columns mean. A column is named by its header, or by "#n", its 0-based place;
/// "#a:b" is the places a..b-1. Empty names are looked for: first the usual ones (unique_id,
/// item_id, series, id; ds, timestamp, date, time, 日期; y, target, value, sales), then others in
/// several languages and what the columns hold, with a remark; DataError where there is a choice.
struct CatalogSpec {
  ReadOptions read;
  Layout layout = Layout::automatic;
  std::vector<std::string> id;  ///< one or more columns; several are joined with "/"
  std::string time;
  std::vector<std::string> more_time;  ///< further columns of the time: its hour, its month
  std::vector<std::string> targets;
  std::vector<std::string> past;
  std::vector<std::string> future;
  std::vector<std::string> static_reals;
  /// The id column may be one of them, and "unique_id" always means the series themselves: a code a
  /// series, whatever the layout.
  std::vector<std::string> static_categories;
  std::string frequency = "auto";
  /// rows layout: the first value column's time where the file has none. Empty: integer times from
  /// 0.
  std::string start;
  /// rows layout: the first value column ("d_1"). Empty: the first column all of whose followers
  /// are numbers.
  std::string first_value;
  /// Files and directories of them: id, time, future channels past the history's end.
  std::vector<std::filesystem::path> future_files;
  std::vector<std::filesystem::path> static_files;  ///< id, static columns
  GapPolicy gaps = GapPolicy::missing;
  DuplicatePolicy duplicates = DuplicatePolicy::error;
  std::vector<std::string> past_categories, future_categories;  ///< channels of words
  /// One word for all channels ("forward_fill"), or one for some of them ("price=forward_fill").
  std::vector<std::string> covariate_gaps;
  /// Where the histories end: "common" (the catalogue's last time), "series" (each at its last
  /// row), a date, or "auto": common where gaps are zero.
  std::string end = "auto";
  /// Steps without a row before the catalogue's end after which a series has ended; 0: never;
  /// empty: by the frequency.
  std::optional<std::int64_t> ended_after;
  std::string time_format = "auto";  ///< auto, strptime's words, epoch_s, epoch_ms, excel, iso_week
  /// Of the dates among several columns of the time, where time_format is that of whole times;
  /// build_catalog sets it.
  std::string time_part_format;
  std::string time_zone;         ///< "Europe/Berlin"; empty: as the file says
  bool align_to_period = false;  ///< a time means the period that holds it
  std::string aggregate;         ///< rows are added up to this frequency; empty: they are not
  /// "price=last", "y=mean"; by default targets are added and the others averaged.
  std::vector<std::string> aggregate_by;
  /// Whether a future file without id columns holds for every series; empty: where it has one row a
  /// time and no other text.
  std::optional<bool> future_for_all;
  std::int64_t max_steps = 0;  ///< the most steps times channels; 0: by the number of rows
  /// Sums that stand beside the series: names of static categories joined with "/", or "total".
  std::vector<std::string> groups;
};

/// One column of a file and what it is used for.
struct ColumnUse {
  std::string name;
  std::string role;    ///< "id", "time", "target", "past", ...; empty: not used
  std::string reason;  ///< of a role that was found, not given; or why it is not used
};
/// One series that is not in a result, and why.
struct LeftOut {
  std::string id, reason;
};

/// What building a catalogue met on the way; `sluice check` prints it.
struct CatalogNotes {
  std::string layout;  ///< the one used
  std::vector<std::string> id_columns, time_columns, target_columns;
  bool frequency_inferred = false;
  std::int64_t file_horizon = 0;  ///< steps that the file itself asks for (.tsf); 0: none
  std::int64_t gap_steps = 0;     ///< grid steps that had no row
  std::int64_t gap_series = 0;
  std::int64_t duplicate_rows = 0;
  std::int64_t unsorted_series = 0;
  std::int64_t all_missing_series = 0;     ///< no target value at all
  std::int64_t future_rows_unmatched = 0;  ///< rows of the future file for series not in the data
  std::int64_t new_series = 0;  ///< ids of the future file only: the last series, without history
  std::string future_coverage;  ///< "29 of 30 series, 2024-01-01 .. 2024-01-14"; empty: no file
  std::string static_coverage;  ///< "29 of 30 series"; empty: no file
  /// "A/7 2022-01-05", the first one met; the time alone where no column names the series.
  std::string example_gap, example_duplicate;
  std::vector<ColumnUse> columns;  ///< every column of the main file, in its order
  /// Sentences that whoever trains, forecasts or evaluates must be told too: what was guessed, what
  /// was filled, what was joined.
  std::vector<std::string> remarks;
  /// Those of the remarks that concern the steps after the data: a forecast says them even where
  /// the training did.
  std::vector<std::string> of_forecast;
  /// The one of the remarks on series that end before others (empty: none does), which a forecast
  /// says by its own steps instead.
  std::string early_ends;

  void remark_on_forecast(const std::string& text) {
    remarks.push_back(text);
    of_forecast.push_back(text);
  }
};

/// Rows into series, with the files that `spec` names beside the table (future_files,
/// static_files). Throws DataError: file:line:column or series and date, what was expected, the
/// remedy.
Catalog build_catalog(const Table& table, const CatalogSpec& spec, CatalogNotes* notes = nullptr);

/// read_table of spec.read and build_catalog. Unlike read_table alone it reads ids and categories
/// of CSV files as they are written: "007" stays "007".
Catalog read_catalog(const CatalogSpec& spec, CatalogNotes* notes = nullptr);

}  // namespace sluice
