#include "data/cache/arrays.hpp"

#include <arrow/array/array_binary.h>
#include <arrow/array/array_dict.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/builder_binary.h>
#include <arrow/buffer.h>
#include <arrow/type.h>
#include <arrow/util/utf8.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "base/checksum.hpp"
#include "data/cache/block_checksum.hpp"
#include "data/table/files.hpp"
#include "sluice/base/error.hpp"

namespace sluice::cache {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;

template <typename ArrowArray, typename T>
ArrayPtr plain(std::span<const T> values) {
  return std::make_shared<ArrowArray>(static_cast<std::int64_t>(values.size()),
                                      arrow::Buffer::Wrap(values.data(), values.size()));
}

template <typename ArrowArray, typename T>
ArrayPtr plain(const std::vector<T>& values) {
  return plain<ArrowArray>(std::span<const T>(values));
}

/// As bytes where one of them is no UTF-8, which Arrow's texts have to be.
ArrayPtr texts(const std::vector<std::string>& values) {
  arrow::util::InitializeUTF8();
  const bool is_utf8 = std::ranges::all_of(
      values, [](const std::string& text) { return arrow::util::ValidateUTF8(text); });
  const auto built = [&](auto builder) {
    files::check(builder.AppendValues(values), "the catalogue's names", files::kMemoryRemedy);
    return files::value_of(builder.Finish(), "the catalogue's names", files::kMemoryRemedy);
  };
  return is_utf8 ? built(arrow::LargeStringBuilder()) : built(arrow::LargeBinaryBuilder());
}

ArrayPtr words(std::span<const std::int32_t> codes, const std::vector<std::string>& vocabulary) {
  const ArrayPtr dictionary = texts(vocabulary);
  return files::value_of(
      arrow::DictionaryArray::FromArrays(arrow::dictionary(arrow::int32(), dictionary->type()),
                                         plain<arrow::Int32Array>(codes), dictionary),
      "the catalogue's words", files::kMemoryRemedy);
}

/// A list of steps a series.
ArrayPtr lists(std::span<const std::int64_t> offsets, const ArrayPtr& steps) {
  return std::make_shared<arrow::LargeListArray>(
      arrow::large_list(steps->type()), static_cast<std::int64_t>(offsets.size()) - 1,
      arrow::Buffer::Wrap(offsets.data(), offsets.size()), steps);
}

/// Puts columns side by side.
class Batch {
 public:
  explicit Batch(Fields& fields) : fields_(fields) {}

  void add(const char* kind, const std::string& name, ArrayPtr array, Role role = Role::target) {
    fields_.columns.push_back({kind, name, role});
    schema_.push_back(arrow::field(name, array->type(), false));
    arrays_.push_back(std::move(array));
  }
  std::shared_ptr<arrow::RecordBatch> made(std::int64_t rows) && {
    return arrow::RecordBatch::Make(arrow::schema(std::move(schema_)), rows, std::move(arrays_));
  }

 private:
  Fields& fields_;
  std::vector<std::shared_ptr<arrow::Field>> schema_;
  std::vector<ArrayPtr> arrays_;
};

/// Takes the columns of a batch one after the other, by what each is said to be.
class Columns {
 public:
  Columns(const arrow::RecordBatch& batch, const std::vector<Column>& columns,
          const std::filesystem::path& path)
      : batch_(batch), columns_(columns), path_(path) {
    if (static_cast<std::size_t>(batch.num_columns()) != columns.size()) refuse("its columns");
  }

  const std::string& name() const { return columns_[at_].name; }
  Role role() const { return columns_[at_].role; }
  const std::string& kind() const { return columns_[at_].kind; }
  bool ended() const { return at_ == columns_.size(); }
  void next() { ++at_; }

  template <typename T, typename ArrowArray>
  std::span<const T> numbers() const {
    return numbers_of<T, ArrowArray>(column());
  }
  std::vector<std::string> texts() const { return texts_of(column()); }
  /// What lies in the lists of all series, one after the other, and where each begins.
  const arrow::Array& steps(std::vector<std::int64_t>& offsets) const {
    const arrow::Array& array = column();
    if (array.type_id() != arrow::Type::LARGE_LIST) refuse("a column of lists");
    const auto& lists = static_cast<const arrow::LargeListArray&>(array);
    const std::span<const std::int64_t> here(lists.raw_value_offsets(),
                                             static_cast<std::size_t>(lists.length()) + 1);
    if (offsets.empty()) offsets.assign(here.begin(), here.end());
    if (!std::ranges::equal(offsets, here) || lists.values()->offset() != 0 ||
        lists.values()->length() < offsets.back()) {
      refuse("the lengths of its series");
    }
    return *lists.values();
  }
  std::span<const std::int32_t> codes(const arrow::Array& array,
                                      std::vector<std::string>& vocabulary) const {
    if (array.type_id() != arrow::Type::DICTIONARY || array.null_count() != 0) refuse("its words");
    const auto& dictionary = static_cast<const arrow::DictionaryArray&>(array);
    vocabulary = texts_of(*dictionary.dictionary());
    return numbers_of<std::int32_t, arrow::Int32Array>(*dictionary.indices());
  }
  const arrow::Array& column() const {
    const arrow::Array& array = *batch_.column(static_cast<int>(at_));
    if (array.offset() != 0 || array.null_count() != 0) refuse("a column");
    return array;
  }
  template <typename T, typename ArrowArray>
  std::span<const T> numbers_of(const arrow::Array& array) const {
    if (array.type_id() != ArrowArray::TypeClass::type_id || array.null_count() != 0) {
      refuse("the type of a column");
    }
    return {static_cast<const ArrowArray&>(array).raw_values(),
            static_cast<std::size_t>(array.length())};
  }
  [[noreturn]] void refuse(const char* what) const {
    throw DataError(fmt::format(
        "{}: the catalogue is damaged ({}{}); convert the data again", path_.string(), what,
        ended() ? "" : fmt::format(", at column {} '{}'", at_ + 1, columns_[at_].name)));
  }

 private:
  std::vector<std::string> texts_of(const arrow::Array& array) const {
    const arrow::Type::type type = array.type_id();
    if ((type != arrow::Type::LARGE_STRING && type != arrow::Type::LARGE_BINARY) ||
        array.null_count() != 0) {
      refuse("a column of names");
    }
    const auto& held = static_cast<const arrow::LargeBinaryArray&>(array);
    std::vector<std::string> texts;
    texts.reserve(static_cast<std::size_t>(held.length()));
    for (std::int64_t i = 0; i < held.length(); ++i) texts.emplace_back(held.GetView(i));
    return texts;
  }

  const arrow::RecordBatch& batch_;
  const std::vector<Column>& columns_;
  const std::filesystem::path& path_;
  std::size_t at_ = 0;
};

template <typename T>
std::vector<T> copied(std::span<const T> values) {
  return {values.begin(), values.end()};
}

double seconds_in(Unit unit) {
  constexpr double kDay = 86400;
  switch (unit) {
    case Unit::integer:
    case Unit::second:
      return 1;
    case Unit::minute:
      return 60;
    case Unit::hour:
      return 3600;
    case Unit::day:
    case Unit::business_day:
      return kDay;
    case Unit::week:
      return 7 * kDay;
    case Unit::month:
      return 28 * kDay;
    case Unit::quarter:
      return 90 * kDay;
    case Unit::year:
      return 365 * kDay;
  }
  return 1;
}

/// Whether all times of the axis are such as files have them, so that nothing that computes with
/// them overflows: years with four digits, or integers of 62 bits.
bool has_possible_times(const CatalogParts& parts) {
  const Frequency& frequency = parts.axis.frequency;
  const bool integers = frequency.unit == Unit::integer;
  const double most = integers ? 0x1p62 : 4e11;
  const auto fits = [&](std::int64_t number, double size) {
    return std::abs(static_cast<double>(number)) * size < most;
  };
  const double step = static_cast<double>(frequency.multiple) * seconds_in(frequency.unit);
  if (frequency.multiple < 1 || !fits(1, step) || frequency.anchor < 0 || frequency.anchor > 6 ||
      frequency.phase < 0 || !fits(frequency.phase, 1)) {
    return false;
  }
  std::int64_t longest = 0;
  for (std::size_t s = 0; s + 1 < parts.offsets.size(); ++s) {
    // Lengths that are none, the catalogue itself refuses.
    if (parts.offsets[s + 1] < parts.offsets[s]) return true;
    longest = std::max(longest, parts.offsets[s + 1] - parts.offsets[s]);
  }
  constexpr double kMostOffset = 200'000;  // seconds: two days and more
  const auto is_offset = [](std::int64_t seconds) {
    return std::abs(static_cast<double>(seconds)) < kMostOffset;
  };
  return fits(longest, step) &&
         std::ranges::all_of(parts.first, [&](std::int64_t first) { return fits(first, step); }) &&
         std::ranges::all_of(parts.axis.shift,
                             [&](std::int64_t shift) { return fits(shift, 1); }) &&
         std::ranges::all_of(parts.axis.clock,
                             [&](const UtcOffset& one) { return is_offset(one.seconds); }) &&
         is_offset(parts.axis.ahead_of_utc);
}

bool has_room_for(const Hierarchy::Level& level, std::size_t series) {
  return level.first >= 0 && level.count >= 0 && std::cmp_less_equal(level.first, series) &&
         std::cmp_less_equal(level.count, series);
}

void add_data(Checksum& checksum, const arrow::ArrayData& data) {
  checksum.add(static_cast<std::uint64_t>(data.length));
  for (const std::shared_ptr<arrow::Buffer>& buffer : data.buffers) {
    if (buffer == nullptr) continue;
    add_in_blocks(checksum, std::as_bytes(std::span(buffer->data(),
                                                    static_cast<std::size_t>(buffer->size()))));
  }
  for (const std::shared_ptr<arrow::ArrayData>& child : data.child_data) add_data(checksum, *child);
  if (data.dictionary != nullptr) add_data(checksum, *data.dictionary);
}

}  // namespace

std::shared_ptr<arrow::RecordBatch> batch_of(const Catalog& catalog, Fields& fields) {
  const CatalogParts& parts = catalog.parts();
  Batch batch(fields);
  batch.add("id", "unique_id", texts(parts.ids));
  batch.add("first", "first", plain<arrow::Int64Array>(parts.first));
  batch.add("history", "history", plain<arrow::Int64Array>(catalog.histories()));
  if (!parts.ended.empty()) {
    const auto* ended = reinterpret_cast<const std::int8_t*>(parts.ended.data());
    batch.add("ended", "ended", plain<arrow::Int8Array>(std::span(ended, parts.ended.size())));
  }
  if (!parts.axis.shift.empty()) {
    batch.add("shift", "shift", plain<arrow::Int64Array>(parts.axis.shift));
  }
  const std::size_t series = parts.ids.size();
  for (std::size_t m = 0; m * series < parts.value_offset.size(); ++m) {
    batch.add("value_offset", fmt::format("value_offset.{}", m),
              plain<arrow::DoubleArray>(std::span(parts.value_offset).subspan(m * series, series)));
  }
  for (const Hierarchy::Level& level : parts.hierarchy.levels) {
    // A row for each series: a sum is in none.
    std::vector<std::int32_t> sums = level.sum_of;
    sums.resize(series, -1);
    batch.add("sum_of", level.name,
              std::make_shared<arrow::Int32Array>(static_cast<std::int64_t>(series),
                                                  arrow::Buffer::FromVector(std::move(sums))));
  }
  for (const StaticReal& real : parts.static_reals) {
    batch.add("static_real", real.name, plain<arrow::FloatArray>(real.values));
  }
  for (const StaticCategory& category : parts.static_categories) {
    batch.add("static_category", category.name, words(category.codes, category.vocabulary));
  }
  for (const ChannelView& channel : catalog.channels()) {
    batch.add("channel", channel.name,
              lists(catalog.offsets(), plain<arrow::FloatArray>(channel.values)), channel.role);
  }
  for (const CategoryChannelView& category : catalog.categories()) {
    batch.add("category", category.name,
              lists(catalog.offsets(), words(category.codes, category.vocabulary)), category.role);
  }
  return std::move(batch).made(catalog.series_count());
}

Catalog catalog_of(const arrow::RecordBatch& batch, Fields fields,
                   std::shared_ptr<const void> memory, const std::filesystem::path& path) {
  CatalogParts parts;
  CatalogSteps steps;
  steps.memory = std::move(memory);
  parts.axis = std::move(fields.axis);
  parts.hierarchy = std::move(fields.hierarchy);
  std::size_t level = 0;
  Columns columns(batch, fields.columns, path);
  if (batch.num_rows() == 0) columns.refuse("it has no series");
  for (; !columns.ended(); columns.next()) {
    const std::string& kind = columns.kind();
    if (kind == "id") {
      parts.ids = columns.texts();
    } else if (kind == "first") {
      parts.first = copied(columns.numbers<std::int64_t, arrow::Int64Array>());
    } else if (kind == "history") {
      parts.history = copied(columns.numbers<std::int64_t, arrow::Int64Array>());
    } else if (kind == "ended") {
      const auto ended = columns.numbers<std::int8_t, arrow::Int8Array>();
      parts.ended.assign(ended.begin(), ended.end());
    } else if (kind == "shift") {
      parts.axis.shift = copied(columns.numbers<std::int64_t, arrow::Int64Array>());
    } else if (kind == "value_offset") {
      const auto offset = columns.numbers<double, arrow::DoubleArray>();
      parts.value_offset.insert(parts.value_offset.end(), offset.begin(), offset.end());
    } else if (kind == "sum_of") {
      const auto sums = columns.numbers<std::int32_t, arrow::Int32Array>();
      if (level == parts.hierarchy.levels.size() || parts.hierarchy.bottom < 0 ||
          std::cmp_greater(parts.hierarchy.bottom, sums.size()) ||
          !has_room_for(parts.hierarchy.levels[level], sums.size())) {
        columns.refuse("its sums");
      }
      parts.hierarchy.levels[level++].sum_of =
          copied(sums.first(static_cast<std::size_t>(parts.hierarchy.bottom)));
    } else if (kind == "static_real") {
      parts.static_reals.push_back(
          {columns.name(), copied(columns.numbers<float, arrow::FloatArray>())});
    } else if (kind == "static_category") {
      StaticCategory category{columns.name(), {}, {}};
      category.codes = copied(columns.codes(columns.column(), category.vocabulary));
      parts.static_categories.push_back(std::move(category));
    } else if (kind == "channel") {
      const auto values =
          columns.numbers_of<float, arrow::FloatArray>(columns.steps(parts.offsets));
      steps.channels.push_back({columns.name(), columns.role(), values});
    } else if (kind == "category") {
      CategoryChannelView category{columns.name(), columns.role(), {}, {}};
      category.codes = columns.codes(columns.steps(parts.offsets), category.vocabulary);
      steps.categories.push_back(std::move(category));
    } else {
      columns.refuse("a kind of column that is not known");
    }
  }
  if (parts.offsets.empty()) columns.refuse("it has no channel");
  if (!has_possible_times(parts)) columns.refuse("its times");
  return {std::move(parts), std::move(steps)};
}

std::uint64_t checksum_of(const std::string& fields, const arrow::RecordBatch& batch) {
  Checksum checksum;
  checksum.add(fields);
  for (int c = 0; c < batch.num_columns(); ++c) add_data(checksum, *batch.column_data(c));
  return checksum.value();
}

}  // namespace sluice::cache
