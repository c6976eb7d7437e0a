// CSV output: blocks of rows are formatted by several threads and written in order. Numbers are the
// shortest text that reads back to the same value.
#include <arrow/io/compressed.h>
#include <arrow/io/file.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "base/region_failure.hpp"
#include "data/calendar/civil.hpp"
#include "data/table/files.hpp"
#include "data/table/write.hpp"
#include "data/table/zone.hpp"
#include "sluice/data/calendar.hpp"

namespace sluice {
namespace {

constexpr std::int64_t kBlockRows = 1 << 14;
constexpr const char* kRemedy = "check the path and the free space of the disk";

void append_text(fmt::memory_buffer& out, std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out.append(text.data(), text.data() + text.size());
    return;
  }
  out.push_back('"');
  for (const char c : text) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  out.push_back('"');
}

void append_number(fmt::memory_buffer& out, double number) {
  if (std::isnan(number)) return;
  const auto end = std::back_inserter(out);
  // Values that are floats (all of Sluice's are) need a float's digits only; whole numbers beyond
  // a float's 24 bits would lose digits that way.
  const auto narrow = static_cast<float>(number);
  if (static_cast<double>(narrow) == number && std::abs(number) < 0x1p24) {
    fmt::format_to(end, "{}", narrow);
  } else {
    fmt::format_to(end, "{}", number);
  }
}

/// How the times of a column are written.
struct DateForm {
  Frequency grid;
  std::vector<UtcOffset> clock;  // of the column's zone; empty: it has none
  bool with_offset = false;
};

/// Dates where all times are midnights (of their zone), else dates with the time of day and, where
/// there is a zone, its offset from UTC.
DateForm date_form_of(const OutputColumn& column) {
  DateForm form;
  if (!column.time_zone.empty()) form.clock = clock_of_zone(column.time_zone, column.name);
  const bool midnights = std::all_of(column.times.begin(), column.times.end(), [&](Timestamp time) {
    const std::int64_t offset = form.clock.empty() ? 0 : offset_at(form.clock, time);
    return civil::floor_mod(time + offset, civil::kDay) == 0;
  });
  form.grid = {.unit = midnights ? Unit::day : Unit::minute};
  form.with_offset = !form.clock.empty() && !midnights;
  return form;
}

void append_cell(fmt::memory_buffer& out, const OutputColumn& column, std::size_t row,
                 const DateForm& date_form) {
  if (!column.codes.empty()) {
    append_text(out, column.text[static_cast<std::size_t>(column.codes[row])]);
  } else if (!column.text.empty()) {
    append_text(out, column.text[row]);
  } else if (!column.numbers.empty()) {
    append_number(out, column.numbers[row]);
  } else if (!column.integers.empty()) {
    fmt::format_to(std::back_inserter(out), "{}", column.integers[row]);
  } else {
    const Timestamp utc = column.times[row];
    const std::int64_t offset = date_form.clock.empty() ? 0 : offset_at(date_form.clock, utc);
    std::string text = format_time(date_form.grid, utc + offset);
    if (date_form.with_offset) text += column.time_zone == "Z" ? "Z" : offset_text(offset);
    out.append(text.data(), text.data() + text.size());
  }
}

}  // namespace

void write_csv(const OutputFile& file, const std::filesystem::path& name,
               const std::vector<OutputColumn>& columns) {
  std::shared_ptr<arrow::io::OutputStream> out = stream_to(file, name);
  const auto compression = files::compression_of(name);
  std::unique_ptr<arrow::util::Codec> codec;
  if (compression != arrow::Compression::UNCOMPRESSED) {
    codec = files::value_of(arrow::util::Codec::Create(compression), name, kRemedy);
    out = files::value_of(arrow::io::CompressedOutputStream::Make(codec.get(), out), name, kRemedy);
  }
  const files::QuietEnd end(out);
  std::vector<DateForm> date_forms;
  fmt::memory_buffer header;
  for (const OutputColumn& column : columns) {
    if (header.size() > 0) header.push_back(',');
    append_text(header, column.name);
    date_forms.push_back(date_form_of(column));
  }
  header.push_back('\n');
  files::check(out->Write(header.data(), static_cast<std::int64_t>(header.size())), name, kRemedy);

  const std::int64_t rows = rows_of(columns.front());
  constexpr std::int64_t kBlocks = 16;  // formatted at a time
  std::vector<fmt::memory_buffer> blocks(kBlocks);
  for (std::int64_t first = 0; first < rows; first += kBlocks * kBlockRows) {
    RegionFailure failure;
#pragma omp parallel for schedule(dynamic)
    for (std::int64_t b = 0; b < kBlocks; ++b) {
      failure.keep([&] {
        fmt::memory_buffer& block = blocks[static_cast<std::size_t>(b)];
        block.clear();
        const std::int64_t begin = first + b * kBlockRows;
        for (std::int64_t row = begin; row < std::min(begin + kBlockRows, rows); ++row) {
          for (std::size_t c = 0; c < columns.size(); ++c) {
            if (c > 0) block.push_back(',');
            append_cell(block, columns[c], static_cast<std::size_t>(row), date_forms[c]);
          }
          block.push_back('\n');
        }
      });
    }
    failure.rethrow();
    for (const fmt::memory_buffer& block : blocks) {
      files::check(out->Write(block.data(), static_cast<std::int64_t>(block.size())), name,
                   kRemedy);
    }
  }
  files::check(out->Close(), name, kRemedy);
}

}  // namespace sluice
