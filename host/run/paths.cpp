#include "run/paths.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <vector>

#include "base/links.hpp"
#include "base/output_file.hpp"
#include "base/path_lock.hpp"
#include "data/table/glob.hpp"
#include "data/table/inputs.hpp"
#include "data/table/write.hpp"
#include "run/cached_data.hpp"
#include "run/config/part_path.hpp"
#include "run/part_directory.hpp"
#include "sluice/base/error.hpp"
#include "sluice/data/table.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/forecast.hpp"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr const char* kEarlierModel = "the model to go on from (training.init_from)";

struct NamedPath {
  std::string name;  ///< "path.forecast", "the data"
  fs::path path;
  bool folder = false;     ///< what is written lies in it
  std::string key = name;  ///< the setting to change
};

/// Whether two names mean one file, or would. Each is looked up once: there may be very many.
class SameFile {
 public:
  bool operator()(const fs::path& a, const fs::path& b) {
    const Place &first = place_of(a), &second = place_of(b);
    if (first.exists != second.exists) return false;
    // Devices and pipes hold nothing that could be lost.
    if (first.exists) {
      return first.may_be_lost && first.device == second.device && first.inode == second.inode;
    }
    return !first.canonical.empty() && first.canonical == second.canonical;
  }

 private:
  struct Place {
    bool exists = false, may_be_lost = false;
    dev_t device = 0;
    ino_t inode = 0;
    fs::path canonical;  ///< where it would be; empty: it exists, or cannot be told
  };

  static Place look_up(const fs::path& path) {
    Place place;
    struct stat status = {};
    place.exists = ::stat(path.c_str(), &status) == 0;
    if (!place.exists) {
      std::error_code failure;
      place.canonical = fs::weakly_canonical(fs::absolute(path, failure), failure);
      if (failure) place.canonical.clear();
      // "new/../sales.csv" is there once the folder "new" is made.
      place.exists = ::stat(place.canonical.c_str(), &status) == 0;
    }
    place.may_be_lost = S_ISREG(status.st_mode) || S_ISDIR(status.st_mode);
    place.device = status.st_dev;
    place.inode = status.st_ino;
    return place;
  }

  const Place& place_of(const fs::path& path) {
    const auto [at, fresh] = places_.try_emplace(path.native());
    if (fresh) at->second = look_up(path);
    return at->second;
  }

  std::unordered_map<std::string, Place> places_;
};

/// The paths, and beside patterns what they mean; one that means nothing is an error when the data
/// are read.
std::vector<fs::path> with_matches(const std::vector<std::string>& paths) {
  std::vector<fs::path> all;
  for (const std::string& path : paths) {
    all.emplace_back(path);
    if (!is_pattern(path)) continue;
    const std::vector<fs::path> matches = matches_of(path);
    all.insert(all.end(), matches.begin(), matches.end());
  }
  return all;
}

/// What is read: settings, data (each file of a directory, too), files beside them.
std::vector<NamedPath> inputs_of(const SettingsRequest& request, const Config& config) {
  std::vector<NamedPath> inputs;
  const auto add = [&](const char* name, const fs::path& path) {
    if (!path.empty()) inputs.push_back({name, path});
  };
  add("the file of settings", request.settings);
  const auto add_files = [&](const char* name, const std::vector<std::string>& paths) {
    for (const fs::path& path : with_matches(paths)) {
      add(name, path);
      std::error_code status, kind;
      constexpr auto kAsTheReader = fs::directory_options::follow_directory_symlink;
      for (fs::recursive_directory_iterator file(path, kAsTheReader, status), end;
           !status && file != end; file.increment(status)) {
        add(name, file->path());
        if (file->is_directory(kind) && !inputs::is_partition(file->path())) {
          file.disable_recursion_pending();
        }
      }
    }
  };
  const auto add_data = [&](const Config& of) {
    add_files("a data file (path.data)", of.path.data);
    add_files("path.future", of.path.future);
    add_files("path.statics", of.path.statics);
  };
  add_data(config);
  // Converted data are converted again when these change.
  if (const std::string cache = cache_of(config); !cache.empty()) {
    add_data(converted_settings(cache));
  }
  add(kEarlierModel, config.training.init_from);
  return inputs;
}

/// Every file that some command writes under these settings.
std::vector<NamedPath> outputs_of(const Config& config) {
  std::vector<NamedPath> outputs = {
      {"path.model", config.path.model},
      {"the training's state beside path.model", state_path(config.path.model), false,
       "path.model"},
      {"the training's lock beside path.model", lock_path(config.path.model), false, "path.model"},
      {"path.forecast", config.path.forecast, is_path_of_parts(config.path.forecast)},
      {"path.report", config.path.report},
      {"path.tuned", config.path.tuned},
      {"the search's journal beside path.tuned", journal_path(config.path.tuned), false,
       "path.tuned"}};
  if (config.forecast.sidecar) {
    outputs.push_back({"the sidecar beside path.forecast", sidecar_path(config.path.forecast),
                       false, "path.forecast"});
  }
  if (config.mode.log_file) outputs.push_back({"path.log", config.path.log});
  if (!config.path.html.empty()) outputs.push_back({"path.html", config.path.html});
  if (!config.path.explanation.empty()) {
    outputs.push_back({"path.explanation", config.path.explanation});
  }
  if (!config.path.scores.empty()) outputs.push_back({"path.scores", config.path.scores});
  if (config.forecast.sums && !config.forecast.sums->empty()) {
    outputs.push_back({"path.sums", config.path.sums});
  }
  if (!config.path.samples.empty()) outputs.push_back({"path.samples", config.path.samples});
  if (config.mode.figures && !config.path.figures.empty()) {
    outputs.push_back({"path.figures", config.path.figures, true});
  }
  return outputs;
}

fs::path holder(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

/// Whether `output`, which is not there yet, would be one of the files of `folder`, a directory or
/// a pattern, that are read.
bool would_be_read(const fs::path& output, const fs::path& folder, TableFormat format,
                   SameFile& same_file) {
  std::error_code status;
  if (is_pattern(folder)) return !fs::exists(output, status) && would_match(output, folder);
  if (inputs::is_hidden(output)) return false;
  if (format == TableFormat::automatic && format_by_name(output) == format) return false;
  fs::path parent = holder(output);
  // Folders COLUMN=VALUE inside it are read too.
  while (inputs::is_partition(parent) && !same_file(parent, folder)) {
    parent = holder(parent);
  }
  return same_file(parent, folder) && fs::is_directory(folder, status) &&
         !fs::exists(output, status);
}

/// Those of them that this command writes.
bool writes(const SettingsRequest& request, const std::string& name) {
  if (name == "path.log") return true;
  if (request.command == "train") return name == "path.model" || name.starts_with("the training");
  if (request.command == "tune") return name == "path.tuned" || name.starts_with("the search");
  if (request.command == "forecast") {
    return name == "path.forecast" || name == "path.explanation" || name == "path.sums" ||
           name == "path.samples" || name.starts_with("the sidecar");
  }
  if (request.command == "report") return name == "path.html";
  if (request.command == "convert") return false;  // what it writes no setting names
  return name == "path.report" || name == "path.html" || name == "path.scores" ||
         name == "path.figures";
}

/// Refuses the ending of another format, by which people and programs would take the file for one.
void check_ending(const NamedPath& output) {
  using Endings = std::vector<std::string_view>;
  static const std::map<std::string, Endings, std::less<>> kOwn = {
      {"path.html", {".html", ".htm"}}, {"path.report", {".json"}}, {"path.tuned", {".toml"}}};
  constexpr std::array<std::string_view, 16> kOthers = {
      ".html",  ".htm",     ".json", ".jsonl", ".toml", ".safetensors", ".csv",  ".tsv",
      ".arrow", ".feather", ".ipc",  ".pq",    ".pdf",  ".parquet",     ".xlsx", ".png"};
  const auto own = kOwn.find(output.name);
  if (own == kOwn.end()) return;
  const std::string ending = output.path.extension().string();
  if (std::ranges::find(kOthers, ending) == kOthers.end()) return;
  if (std::ranges::find(own->second, ending) != own->second.end()) return;
  throw ConfigError(
      fmt::format("{} = {}: it is written as {}, which the ending {} does not say; "
                  "name it {}",
                  output.name, output.path.string(), own->second.front().substr(1), ending,
                  fs::path(output.path).replace_extension(own->second.front()).string()));
}

/// Throws DataError where no file can be made in it.
void check_folder(const NamedPath& output) {
  std::error_code error;
  const fs::file_type type = fs::status(output.path, error).type();
  if (type == fs::file_type::none) {
    throw DataError(fmt::format("{}: cannot be looked at ({}); choose another {}",
                                output.path.string(), error.message(), output.name));
  }
  if (type != fs::file_type::not_found && type != fs::file_type::directory) {
    throw DataError(fmt::format("{}: is a file, and {} is a directory; choose another {}",
                                output.path.string(), output.name, output.name));
  }
  // A name that the folder may have: a process that is killed here leaves it.
  const bool parts = output.name == "path.forecast";
  if (parts) look_at_parts(output.path);
  const OutputFile probe(output.path / (parts ? kPlanName : "predict.png"), output.name);
}

/// A sidecar is of a file's bytes, which are read again.
void check_sidecar(const SettingsRequest& request, const Config& config) {
  if (request.command != "forecast" || !config.forecast.sidecar) return;
  std::error_code status;
  const fs::file_type type = fs::status(config.path.forecast, status).type();
  if (type == fs::file_type::regular || type == fs::file_type::not_found) return;
  throw ConfigError(fmt::format(
      "forecast.sidecar = true: path.forecast = {} is no regular file, whose bytes could be read "
      "again for it; name one, or leave forecast.sidecar out",
      config.path.forecast));
}

}  // namespace

std::filesystem::path journal_path(const std::filesystem::path& tuned) {
  return followed(tuned).string() + ".journal";
}

void check_paths(const SettingsRequest& request, const Config& config) {
  SameFile same_file;
  const std::vector<NamedPath> inputs = inputs_of(request, config);
  const std::vector<NamedPath> outputs = outputs_of(config);
  const TableFormat format = parse_table_format(config.data.format);
  check_sidecar(request, config);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const NamedPath& output = outputs[i];
    // Another command's output may be this one's input, as forecasts are data of a next step.
    for (const NamedPath& input : inputs) {
      if (!writes(request, output.name)) continue;
      // A training may go on from the very model that it writes: it replaces it by a better one.
      if (output.name == "path.model" && input.name == kEarlierModel) continue;
      const bool parts = output.name == "path.forecast" && output.folder;
      const fs::path written = parts ? part_path(output.path, 0) : output.path;
      if (would_be_read(written, input.path, format, same_file)) {
        throw ConfigError(fmt::format(
            "{} = {} would be read as data from then on, as it lies in {}, {}; choose "
            "another folder for {}",
            output.name, output.path.string(), input.path.string(), input.name, output.key));
      }
      const bool inside = parts && same_file(output.path, holder(input.path));
      if (!inside && !same_file(output.path, input.path)) continue;
      throw ConfigError(fmt::format("{} = {} would replace {}, {}; choose another {}", output.name,
                                    output.path.string(), input.name, input.path.string(),
                                    output.key));
    }
    for (std::size_t j = 0; j < i; ++j) {
      const NamedPath& other = outputs[j];
      if (!writes(request, output.name) && !writes(request, other.name)) continue;
      if (!same_file(output.path, other.path)) continue;
      throw ConfigError(fmt::format("{} and {} are one file, {}; choose another name for one",
                                    other.name, output.name, output.path.string()));
    }
  }
  for (const NamedPath& output : outputs) {
    if (!writes(request, output.name)) continue;
    constexpr std::array kTables = {"path.forecast", "path.explanation", "path.sums",
                                    "path.samples", "path.scores"};
    std::error_code status;
    const fs::file_type type = fs::status(output.path, status).type();
    if (output.name == "path.forecast" && !output.folder && type == fs::file_type::directory) {
      throw DataError(fmt::format(
          "{0}: is a directory; write it as {0}/ to have the forecasts there, in Parquet files of "
          "forecast.part_series series, or choose another path.forecast",
          output.path.string()));
    }
    if (std::ranges::find(kTables, output.name) != kTables.end() && !output.folder) {
      output_format(output.path);
    }
    check_ending(output);
    if (output.folder) {
      check_folder(output);
    } else if (type != fs::file_type::regular && type != fs::file_type::not_found &&
               type != fs::file_type::directory) {
      continue;  // a pipe's reader would take a trial for the whole
    } else if (output.name == output.key && output.name != "path.log") {
      const OutputFile probe(output.path, output.name);  // never committed: only tried
    }
  }
}

}  // namespace sluice
