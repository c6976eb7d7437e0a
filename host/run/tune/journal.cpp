#include "run/tune/journal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/input_file.hpp"
#include "base/presence.hpp"
#include "run/checkpoint/atomic_file.hpp"
#include "run/checkpoint/json.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr std::int64_t kVersion = 1;
constexpr std::int64_t kMost = std::int64_t{1} << 53;

nlohmann::json json_of(const std::map<std::string, std::string>& texts) {
  nlohmann::json out = nlohmann::json::object();
  for (const auto& [key, text] : texts) out[key] = escaped(text);
  return out;
}

std::map<std::string, std::string> texts_of(const nlohmann::json& json, std::string_view name,
                                            const std::string& where) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_object()) {
    throw DataError(fmt::format("{}: '{}' is missing", where, name));
  }
  std::map<std::string, std::string> out;
  for (const auto& [key, text] : found->items()) {
    out[key] = unescaped(text_field(*found, key, where), where);
  }
  return out;
}

/// Where two maps differ first: key, value before, value now; "" where one has it not.
struct Difference {
  std::string key, before, now;
};

Difference first_difference(const std::map<std::string, std::string>& before,
                            const std::map<std::string, std::string>& now) {
  const auto value = [](const std::map<std::string, std::string>& map, const std::string& key) {
    const auto at = map.find(key);
    return at == map.end() ? std::string("not there") : at->second;
  };
  for (const auto* map : {&before, &now}) {
    for (const auto& [key, text] : *map) {
      if (value(before, key) != value(now, key)) return {key, value(before, key), value(now, key)};
    }
  }
  return {};
}

constexpr std::string_view kRemedy =
    "set it back to go on with that search, or begin another one: move the journal away, or choose "
    "another path.tuned";

void check_identity(const std::filesystem::path& path, const SearchIdentity& before,
                    const SearchIdentity& now) {
  if (const Difference d = first_difference(before.space, now.space); !d.key.empty()) {
    throw ConfigError(fmt::format("{}: it is of another space: {} was {}, and is {}; {}",
                                  path.string(), d.key, d.before, d.now, kRemedy));
  }
  if (const Difference d = first_difference(before.settings, now.settings); !d.key.empty()) {
    throw ConfigError(fmt::format("{}: it is of other settings: {} was {}, and is {}; {}",
                                  path.string(), d.key, d.before, d.now, kRemedy));
  }
  if (before.data != now.data) {
    throw DataError(
        fmt::format("{}: it is of other data; give path.data, and what is read beside it, as they "
                    "were then, or "
                    "begin another search: move the journal away, or choose another path.tuned",
                    path.string()));
  }
}

FinishedRun run_of(const nlohmann::json& json, const std::string& where) {
  FinishedRun run;
  run.run.trial = integer_field(json, "trial", 0, kMost, where);
  run.run.rung = static_cast<int>(integer_field(json, "rung", 0, 1000, where));
  run.steps = integer_field(json, "steps", 0, kMost, where);
  run.score = number_field(json, "score", where);
  run.wql = number_field(json, "wql", where);
  run.seconds = number_field(json, "seconds", where);
  for (const auto& [key, text] : texts_of(json, "settings", where)) {
    run.settings.emplace_back(key, text);
  }
  return run;
}

nlohmann::json json_of(const FinishedRun& run) {
  const std::map<std::string, std::string> settings(run.settings.begin(), run.settings.end());
  return {{"trial", run.run.trial},       {"rung", run.run.rung},
          {"steps", run.steps},           {"score", number_json(run.score)},
          {"wql", number_json(run.wql)},  {"seconds", number_json(run.seconds)},
          {"settings", json_of(settings)}};
}

[[noreturn]] void refuse(const std::filesystem::path& path, int error) {
  throw DataError(fmt::format("{}: cannot be written ({}); choose another path.tuned",
                              path.string(), std::generic_category().message(error)));
}

/// What `add` has in hand is trained again: the journal ends with the one before it.
[[noreturn]] void refuse_trial(const std::filesystem::path& path, int error) {
  throw DataError(fmt::format(
      "{}: cannot be written ({}); the trials before are in it: make room, and the same command "
      "goes on after them",
      path.string(), std::generic_category().message(error)));
}

}  // namespace

Journal::Journal(const std::filesystem::path& path, const SearchIdentity& identity)
    : path_(path), identity_(identity), lock_(path, "path.tuned") {
  read();
  if (begun_) open();
}

Journal::~Journal() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void Journal::read() {
  if (!is_there(path_)) return;
  const std::string text = bytes_of(path_, "look at the disk, or choose another path.tuned");
  std::size_t line = 0;
  for (std::size_t begin = 0; begin < text.size(); ++line) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string::npos) break;  // a line whose writing was cut short
    const std::string where = fmt::format("{}:{}", path_.string(), line + 1);
    const nlohmann::json json = parse_object(text.substr(begin, end - begin), where);
    if (line == 0) {
      if (integer_field(json, "sluice_tune", 0, kMost, where) != kVersion) {
        throw DataError(fmt::format("{}: it is a journal of another version; move it away", where));
      }
      check_identity(path_,
                     {.settings = texts_of(json, "given", where),
                      .space = texts_of(json, "space", where),
                      .data = integer_field(json, "data", 0, INT64_MAX, where)},
                     identity_);
      start_.chosen = unescaped(text_field(json, "chosen", where), where);
      start_.choice = from_lines(text_field(json, "choice", where), where);
      start_.measure = text_field(json, "measure", where);
      start_.windows = integer_field(json, "windows", 0, kMost, where);
      for (const auto& one : json.value("beside", nlohmann::json::array())) {
        start_.beside.push_back(
            {text_field(one, "name", where), number_field(one, "score", where)});
      }
      begun_ = true;
    } else {
      finished_.push_back(run_of(json, where));
    }
    begin = end + 1;
    good_bytes_ = static_cast<std::int64_t>(begin);
  }
  if (!begun_) {
    throw DataError(
        fmt::format("{}: is no journal of a search, whose name it has; move it, or "
                    "choose another path.tuned",
                    path_.string()));
  }
}

void Journal::open() {
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (descriptor_ < 0) refuse(path_, errno);
  if (::ftruncate(descriptor_, good_bytes_) != 0) refuse(path_, errno);
}

void Journal::begin(const SearchStart& start) {
  nlohmann::json beside = nlohmann::json::array();
  for (const SimpleScore& one : start.beside) {
    beside.push_back({{"name", one.name}, {"score", number_json(one.score)}});
  }
  const nlohmann::json head = {{"sluice_tune", kVersion},
                               {"given", json_of(identity_.settings)},
                               {"space", json_of(identity_.space)},
                               {"data", identity_.data},
                               {"chosen", escaped(start.chosen)},
                               {"choice", to_lines(start.choice)},
                               {"measure", start.measure},
                               {"windows", start.windows},
                               {"beside", beside}};
  const std::string line = head.dump() + "\n";
  const std::string_view parts[] = {line};
  write_atomically(path_, parts, "path.tuned");
  start_ = start;
  begun_ = true;
  good_bytes_ = static_cast<std::int64_t>(line.size());
  open();
}

void Journal::add(const FinishedRun& run) {
  const std::string line = json_of(run).dump() + "\n";
  for (std::size_t done = 0; done < line.size();) {
    const ssize_t wrote = ::write(descriptor_, line.data() + done, line.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) refuse_trial(path_, errno);
    done += static_cast<std::size_t>(wrote);
  }
  if (::fdatasync(descriptor_) != 0 && errno != EINVAL && errno != EROFS)
    refuse_trial(path_, errno);
  finished_.push_back(run);
}

}  // namespace sluice
