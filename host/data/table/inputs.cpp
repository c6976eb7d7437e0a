#include "data/table/inputs.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "data/table/files.hpp"
#include "data/table/glob.hpp"
#include "data/table/kinds.hpp"
#include "data/table/source.hpp"
#include "sluice/base/error.hpp"

namespace sluice::inputs {

namespace fs = std::filesystem;

namespace {

/// So many first bytes tell what a file is.
constexpr std::int64_t kKindBytes = 1 << 16;

/// "a b" of "a%20b", as Hive writes the values that name folders.
std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned code = 0;
    const char* digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(digits, digits + 2, code, 16).ptr == digits + 2) {
      out += static_cast<char>(code);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

/// What the name of a folder that is_partition says.
Partition partition_of(const fs::path& folder) {
  const std::string name = folder.filename().string();
  const std::size_t equals = name.find('=');
  const std::string value = decoded(std::string_view(name).substr(equals + 1));
  Partition partition{decoded(std::string_view(name).substr(0, equals)), value};
  if (value == "__HIVE_DEFAULT_PARTITION__") partition.value.reset();
  return partition;
}

/// What a directory holds, and the directories inside of it that hold parts of the table.
class Directory {
 public:
  Directory(TableFormat format, std::vector<Input>& inputs) : format_(format), inputs_(inputs) {}

  void add(const fs::path& directory, const std::vector<Partition>& above) {
    std::vector<fs::path> paths, folders;
    std::error_code error;
    for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
         entry.increment(error)) {
      if (is_hidden(entry->path())) continue;
      if (entry->is_directory()) {
        (is_partition(entry->path()) ? folders : others_).push_back(entry->path());
      } else if (entry->is_regular_file() &&
                 (format_ != TableFormat::automatic || format_by_name(entry->path()) != format_)) {
        paths.push_back(entry->path());
      }
    }
    if (error) {
      throw DataError(fmt::format("{}: cannot list the directory ({}); check that it may be read",
                                  directory.string(), error.message()));
    }
    const auto in_order = [](const fs::path& a, const fs::path& b) {
      return natural_less(a.native(), b.native());
    };
    std::ranges::sort(paths, in_order);
    std::ranges::sort(folders, in_order);
    for (const fs::path& path : paths) {
      const bool by_name = format_ == TableFormat::automatic;
      inputs_.push_back({path, by_name ? format_by_name(path) : format_, above});
    }
    for (const fs::path& folder : folders) {
      std::vector<Partition> all = above;
      all.push_back(partition_of(folder));
      add(folder, all);
    }
  }

  /// The directories that were passed by: "a, b and 3 more"; empty: there are none.
  std::string passed_by() const {
    constexpr std::size_t kShown = 3;
    std::vector<std::string> names;
    for (const fs::path& folder : others_) names.push_back(folder.filename().string());
    std::sort(names.begin(), names.end());
    const std::size_t more = names.size() - std::min(kShown, names.size());
    names.resize(names.size() - more);
    return fmt::format("{}{}", fmt::join(names, ", "),
                       more > 0 ? fmt::format(" and {} more", more) : "");
  }

 private:
  TableFormat format_;
  std::vector<Input>& inputs_;
  std::vector<fs::path> others_;
};

void add_directory(const fs::path& path, const std::vector<Partition>& above, TableFormat format,
                   std::vector<Input>& inputs, std::vector<std::string>& remarks) {
  const std::size_t before = inputs.size();
  Directory directory(format, inputs);
  directory.add(path, above);
  const std::string passed_by = directory.passed_by();
  if (inputs.size() == before) {
    throw DataError(fmt::format(
        "{}: no .csv, .parquet, .arrow, .feather or .tsf file in this directory{}; give the files "
        "themselves, or set data.format",
        path.string(),
        passed_by.empty() ? ""
                          : fmt::format(", and folders inside are read only if they are named "
                                        "COLUMN=VALUE, not {}",
                                        passed_by)));
  }
  if (!passed_by.empty()) {
    remarks.push_back(
        fmt::format("{}: the folders inside are not read: {}", path.string(), passed_by));
  }
}

/// Renaming would not help these.
void refuse_workbook(const fs::path& path) {
  const std::string extension = files::extension_of(path);
  for (const char* workbook : {".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"}) {
    if (extension != workbook) continue;
    throw DataError(fmt::format(
        "{}: a workbook cannot be read; save its sheet as CSV (\"CSV UTF-8\") and give that file",
        path.string()));
  }
}

/// A file, or what is in a directory.
void add(const fs::path& path, const std::vector<Partition>& above, const ReadOptions& options,
         std::vector<Input>& inputs, std::vector<std::string>& remarks) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    add_directory(path, above, options.format, inputs, remarks);
    return;
  }
  Input input{path, options.format, above};
  if (input.format == TableFormat::automatic) input.format = format_by_name(path);
  if (input.format == TableFormat::automatic && fs::exists(path, error)) {
    refuse_workbook(path);
    refuse_other_kinds(path, Source(path).head(kKindBytes));
    throw DataError(fmt::format(
        "{}: the extension '{}' names no format; rename the file (.csv, .parquet, .arrow, "
        ".feather, .tsf, each also with .gz or .zst) or set data.format",
        path.string(), files::without_compression(path).extension().string()));
  }
  inputs.push_back(std::move(input));
}

std::vector<fs::path> matches_or_error(const fs::path& pattern) {
  std::vector<fs::path> matches = matches_of(pattern);
  if (!matches.empty()) return matches;
  std::error_code error;
  throw DataError(
      fmt::format("{}: no file has such a name; check path.data and the working "
                  "directory ({})",
                  pattern.string(), fs::current_path(error).string()));
}

/// What the folders of a match say that are named COLUMN=VALUE, from the pattern's first wild one
/// on: where a folder is named in full, all files have what it says.
std::vector<Partition> partitions_of(const fs::path& match, const fs::path& pattern) {
  std::vector<Partition> partitions;
  std::error_code error;
  const bool is_folder = fs::is_directory(match, error);
  bool wild = false;
  auto of_pattern = pattern.begin();
  for (auto part = match.begin(); part != match.end() && of_pattern != pattern.end();
       ++part, ++of_pattern) {
    wild = wild || of_pattern->native().find_first_of("*?[") != std::string::npos;
    const bool is_file = std::next(part) == match.end() && !is_folder;
    if (wild && !is_file && is_partition(*part)) partitions.push_back(partition_of(*part));
  }
  return partitions;
}

}  // namespace

bool is_hidden(const fs::path& entry) {
  const std::string name = entry.filename().string();
  return name.starts_with('.') || name.starts_with('_');
}

bool is_partition(const fs::path& folder) {
  const std::size_t equals = folder.filename().string().find('=');
  return equals != std::string::npos && equals > 0;
}

std::vector<Input> list(const ReadOptions& options, std::vector<std::string>& remarks) {
  if (options.paths.empty()) throw DataError("no data file is given; set path.data");
  std::vector<Input> inputs;
  for (const fs::path& path : options.paths) {
    if (options.memory.contains(path.string())) {
      inputs.push_back({path, TableFormat::memory, {}});
      continue;
    }
    if (!is_pattern(path)) {
      add(path, {}, options, inputs, remarks);
      continue;
    }
    for (const fs::path& match : matches_or_error(path)) {
      add(match, partitions_of(match, path), options, inputs, remarks);
    }
  }
  return inputs;
}

}  // namespace sluice::inputs
