#include "fuzz/targets.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "app/arguments.hpp"
#include "app/command_line.hpp"
#include "data/cache/open.hpp"
#include "data/calendar/stamp.hpp"
#include "data/calendar/time_format.hpp"
#include "run/settings.hpp"
#include "sluice/base/error.hpp"
#include "sluice/data/calendar.hpp"
#include "sluice/data/catalog.hpp"
#include "sluice/data/check.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/forecast.hpp"

namespace sluice::fuzz {
namespace {

/// A file of this process alone, with these bytes until it goes.
class File {
 public:
  File(const std::string& ending, std::string_view bytes)
      : path_(std::filesystem::temp_directory_path() /
              ("sluice_fuzz_" + std::to_string(::getpid()) + ending)) {
    std::ofstream out(path_, std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  ~File() { std::filesystem::remove(path_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// The last byte says how the file before it is read, so that a corpus's files are such files.
void read(std::string_view bytes, const std::string& ending) {
  if (bytes.empty()) return;
  const auto how = static_cast<unsigned char>(bytes.back());
  const File file(ending, bytes.substr(0, bytes.size() - 1));
  CatalogSpec spec;
  spec.read.paths = {file.path()};
  spec.read.max_bytes = std::int64_t{64} << 20;
  if ((how & 1) != 0) spec.read.kept_bytes = 100;  // as large files are read
  constexpr Layout kLayouts[] = {Layout::automatic, Layout::long_form, Layout::columns,
                                 Layout::rows};
  spec.layout = kLayouts[how >> 1 & 3];
  if ((how & 8) != 0) spec.duplicates = DuplicatePolicy::sum;
  if ((how & 16) != 0) spec.gaps = GapPolicy::forward_fill;
  if ((how & 32) != 0) spec.read.delimiter = '\0';
  if ((how & 64) != 0) spec.read.encoding = "cp1252";
  if ((how & 128) != 0) spec.aggregate = "W";
  CatalogNotes notes;
  read_catalog(spec, &notes);
}

/// A pattern on the first line, a time on the second.
void read_time(std::string_view bytes) {
  const std::size_t end = bytes.find('\n');
  if (end == std::string_view::npos) return;
  const std::string pattern(bytes.substr(0, end)), text(bytes.substr(end + 1));
  fitting_patterns({text});
  check_time_format(pattern);
  if (!is_pattern(pattern)) return;
  if (const auto stamp = parse_by_pattern(text, pattern)) {
    write_by_pattern(pattern, stamp->wall, stamp->offset.value_or(0));
  }
}

/// The word of a frequency on the first line, times below it: their periods, and back.
void read_calendar(std::string_view bytes) {
  const std::size_t end = std::min(bytes.find('\n'), bytes.size());
  const Frequency frequency = parse_frequency(bytes.substr(0, end));
  bytes.remove_prefix(std::min(end + 1, bytes.size()));
  std::vector<Timestamp> times;
  while (!bytes.empty()) {
    const std::size_t line = std::min(bytes.find('\n'), bytes.size());
    if (const auto time = parse_time(bytes.substr(0, line))) times.push_back(*time);
    bytes.remove_prefix(std::min(line + 1, bytes.size()));
  }
  std::ranges::sort(times);
  times.erase(std::unique(times.begin(), times.end()), times.end());
  infer_frequency(times, false);
  infer_frequency(times, true);
  if (frequency.unit == Unit::integer) return;
  std::vector<float> features(static_cast<std::size_t>(calendar_size(frequency)));
  for (const Timestamp time : times) {
    const std::int64_t period = period_containing(frequency, time);
    const Timestamp begin = time_of(frequency, period);
    if (period_of(frequency, begin) != period) {
      throw InternalError("a period that does not begin at its beginning");
    }
    calendar_features(frequency, period, features.data());
    // The week of the first day begins before all times that are read.
    if (begin >= *parse_time("0001-01-01") && !parse_time(format_time(frequency, begin))) {
      throw InternalError("a time that is written and not read");
    }
  }
}

/// The words of a command line, one a line; the settings that they are, as far as files allow.
void read_arguments(std::string_view bytes) {
  std::vector<std::string> words = {"sluice"};
  while (!bytes.empty()) {
    const std::size_t line = std::min(bytes.find('\n'), bytes.size());
    words.emplace_back(bytes.substr(0, line));
    std::erase(words.back(), '\0');  // which ends a word
    bytes.remove_prefix(std::min(line + 1, bytes.size()));
  }
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const auto request = read_command_line(static_cast<int>(words.size()), argv.data());
  if (request && takes_settings(request->command)) read_settings(*request);
}

/// A file of settings.
void read_toml(std::string_view bytes) {
  const File file(".toml", bytes);
  SettingsRequest request;
  request.command = "check";
  request.settings = file.path();
  read_settings(request);
}

/// 40 days of two series, with an input, a category and words that change.
std::string sales() {
  std::string rows = "unique_id,ds,y,x,kind,event\n";
  for (const char* id : {"A", "B"}) {
    for (int day = 0; day < 40; ++day) {
      rows += std::string(id) + ",2024-0" + std::to_string(1 + day / 28) + "-" +
              std::to_string(101 + day % 28).substr(1) + "," + std::to_string(day % 7 + 1) + "," +
              std::to_string(day % 3) + "," + id + "," + (day % 5 == 0 ? "fair" : "none") + "\n";
    }
  }
  return rows;
}

/// A model, and a forecast with it, as the program makes one.
void read_model(std::string_view bytes) {
  static const File data(".model.csv", sales());
  const File file(".safetensors", bytes);
  SettingsRequest request;
  request.command = "forecast";
  request.model = file.path();
  request.data = {data.path()};
  request.overrides = {{"engine.device", "cpu"}, {"engine.threads", "1"}};
  const Settings settings = read_settings(request);
  // Larger ones are possible, and take longer than a fuzzer has.
  const ModelSpec& spec = settings.model->spec;
  if (std::int64_t{spec.T} * spec.L * spec.H > 1'000'000) return;
  CatalogNotes notes;
  const Catalog catalog = read_data(settings, notes);
  forecast_series(*settings.model, catalog, settings.config, notes);
}

/// Converted data behind their checksum; the last byte is none of theirs, as in read().
void read_cache(std::string_view bytes) {
  if (bytes.empty()) return;
  const File file(".slc", bytes.substr(0, bytes.size() - 1));
  const Catalog catalog = cache::open(file.path(), nullptr, false);
  check_catalog(catalog);
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) catalog.date(s, catalog.length(s));
}

constexpr Target kTargets[] = {
    {"csv", [](std::string_view bytes) { read(bytes, ".csv"); }},
    {"tsf", [](std::string_view bytes) { read(bytes, ".tsf"); }},
    {"parquet", [](std::string_view bytes) { read(bytes, ".parquet"); }},
    {"arrow", [](std::string_view bytes) { read(bytes, ".arrow"); }},
    {"cache", read_cache},
    {"times", read_time},
    {"calendar", read_calendar},
    {"arguments", read_arguments},
    {"toml", read_toml},
    {"model", read_model},
};

}  // namespace

std::span<const Target> targets() { return kTargets; }

const Target* find_target(std::string_view name) {
  const auto* const found = std::ranges::find(kTargets, name, &Target::name);
  return found == std::end(kTargets) ? nullptr : found;
}

void run(const Target& target, std::string_view bytes) {
  try {
    target.run(bytes);
  } catch (const DataError&) {
  } catch (const ConfigError&) {
  }
}

}  // namespace sluice::fuzz
