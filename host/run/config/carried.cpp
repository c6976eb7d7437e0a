#include "run/config/carried.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

#include "base/text.hpp"

namespace sluice {
namespace {

bool same_file(const std::string& a, const std::string& b) {
  namespace fs = std::filesystem;
  if (a == b) return true;
  std::error_code error;
  if (fs::equivalent(a, b, error)) return true;
  const fs::path left = fs::weakly_canonical(fs::absolute(a), error);
  const fs::path right = fs::weakly_canonical(fs::absolute(b), error);
  return !error && left == right;
}

bool same_files(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same_file);
}

bool other_data(const Config& trained, const Config& written) {
  return !written.path.data.empty() && !same_files(written.path.data, trained.path.data);
}

/// Whether what a file begins with cannot be UTF-8: then it is in doubt, and the training's
/// encoding is the best that is known of it. What is met only later, or compressed, the reader
/// refuses.
bool is_not_utf8(const std::string& path) {
  constexpr std::size_t kLooked = std::size_t{1} << 20, kLongest = 4;
  std::error_code none;
  if (!std::filesystem::is_regular_file(path, none)) return false;  // a pipe is read only once
  std::ifstream file(path, std::ios::binary);
  std::string begin(kLooked, '\0');
  file.read(begin.data(), static_cast<std::streamsize>(begin.size()));
  begin.resize(static_cast<std::size_t>(file.gcount()));
  const bool has_mark = begin.starts_with("\xFF\xFE") || begin.starts_with("\xFE\xFF") ||
                        begin.starts_with(std::string_view("\0\0\xFE\xFF", 4));
  const bool is_packed = begin.starts_with("\x1F\x8B") || begin.starts_with("\x28\xB5\x2F\xFD");
  if (has_mark || is_packed) return false;
  const bool whole = begin.size() < kLooked;  // else a character may be cut
  const std::size_t end = whole ? begin.size() : begin.size() - kLongest;
  for (std::size_t at = 0; at < end;) {
    const std::size_t length = utf8_length(begin, at);
    const auto byte = static_cast<unsigned char>(begin[at]);
    if (byte == 0 || (length == 1 && byte >= 0x80)) return true;
    at += length;
  }
  return false;
}

bool is_rule(const std::string& end) {
  constexpr std::array<std::string_view, 3> kRules = {"auto", "common", "series"};
  return std::find(kRules.begin(), kRules.end(), end) != kRules.end();
}

/// The file beside other data: the training's, or where that was its data these.
std::string side_file(const std::string& before, const Config& trained, const Config& written) {
  const std::vector<std::string>& data = trained.path.data;
  const bool was_data =
      !before.empty() && std::any_of(data.begin(), data.end(), [&](const std::string& file) {
        return same_file(file, before);
      });
  if (!was_data) return before;
  // Of several new files none is known to have the part of that one.
  return written.path.data.size() == 1 ? written.path.data.front() : std::string();
}

std::vector<std::string> side_files(const std::vector<std::string>& before, const Config& trained,
                                    const Config& written) {
  std::vector<std::string> files;
  for (const std::string& file : before) {
    const std::string now = side_file(file, trained, written);
    if (!now.empty() && std::find(files.begin(), files.end(), now) == files.end()) {
      files.push_back(now);
    }
  }
  return files;
}

/// What the training was told of how its file is written, and this command was not.
std::vector<std::string> forms_forgotten(const Config::Data& trained, const Config::Data& written) {
  std::vector<std::string> forgotten;
  const auto add = [&](const char* flag, const std::string& before, const std::string& now) {
    if (before != "auto" && now == "auto")
      forgotten.push_back(fmt::format("{} {}", flag, shell_quoted(before)));
  };
  add("--data.delimiter", trained.delimiter, written.delimiter);
  add("--data.encoding", trained.encoding, written.encoding);
  add("--data.decimal", trained.decimal, written.decimal);
  return forgotten;
}

}  // namespace

Config carried_settings(const Config& trained, const Config& written) {
  Config config;
  config.data = trained.data;
  config.data.max_bytes = 0;  // of the machine that it was trained on
  config.network = trained.network;
  config.training = trained.training;
  config.training.init_from.clear();
  config.path.data = trained.path.data;
  config.path.future = trained.path.future;
  config.path.statics = trained.path.statics;
  config.path.figure_language = trained.path.figure_language;
  config.forecast = trained.forecast;
  config.forecast.from.clear();
  config.forecast.replace = false;
  config.explanation = trained.explanation;
  config.explanation.series.clear();
  config.evaluate = trained.evaluate;
  config.evaluate.refit = 0;
  config.evaluate.show.clear();
  if (!other_data(trained, written)) return config;
  // A decimal comma taken for the thousands' sign makes numbers a thousand times too large, so
  // that no other file is read by what holds for one.
  const Config::Data defaults;
  config.data.format = defaults.format;
  config.data.delimiter = defaults.delimiter;
  if (!std::any_of(written.path.data.begin(), written.path.data.end(), is_not_utf8)) {
    config.data.encoding = defaults.encoding;
  }
  config.data.decimal = defaults.decimal;
  if (!is_rule(trained.data.end)) config.data.end = defaults.end;
  config.path.future = side_files(trained.path.future, trained, written);
  config.path.statics = side_files(trained.path.statics, trained, written);
  return config;
}

std::vector<std::string> carried_remarks(const Config& trained, const Config& written,
                                         const Config& used, const std::string& model) {
  std::vector<std::string> remarks;
  if (!other_data(trained, written)) return remarks;
  const std::string data = fmt::format("{}", fmt::join(written.path.data, ", "));
  const auto forms = forms_forgotten(trained.data, used.data);
  if (!forms.empty()) {
    remarks.push_back(fmt::format(
        "{} was trained with {}; how {} is written is found out anew: give what is still so", model,
        fmt::join(forms, " "), data));
  }
  if (!is_rule(trained.data.end) && used.data.end == "auto") {
    remarks.push_back(fmt::format(
        "{} was trained on histories up to data.end = {}; these data are taken to their end: give "
        "--data.end to cut them",
        model, trained.data.end));
  }
  // Where no file says when its first value column is, only the training's settings do.
  if (!trained.data.start.empty() && written.data.start.empty() &&
      used.data.start == trained.data.start) {
    remarks.push_back(
        fmt::format("{}: the first value column is taken for {}, as that of the data that {} was "
                    "trained on; give --data.start where it is another time",
                    data, trained.data.start, model));
  }
  using Files = std::vector<std::string>;
  const auto tell_of_side_files = [&](const char* key, const Files& before, const Files& given,
                                      const Files& now) {
    if (before.empty() || !given.empty() || now != side_files(before, trained, written)) return;
    if (now == before) {
      remarks.push_back(fmt::format(
          "{} = {} stood beside the data that {} was trained on, and is used beside {} too; give "
          "--{} for another",
          key, fmt::join(before, ","), model, data, key));
      return;
    }
    Files lost;
    std::copy_if(
        before.begin(), before.end(), std::back_inserter(lost),
        [&](const std::string& file) { return side_file(file, trained, written).empty(); });
    if (lost.empty()) return;
    remarks.push_back(fmt::format(
        "{} = {} was among the data that {} was trained on, and none of {} is known to be it; "
        "give --{} if one is",
        key, fmt::join(lost, ","), model, data, key));
  };
  tell_of_side_files("path.future", trained.path.future, written.path.future, used.path.future);
  tell_of_side_files("path.statics", trained.path.statics, written.path.statics, used.path.statics);
  return remarks;
}

}  // namespace sluice
