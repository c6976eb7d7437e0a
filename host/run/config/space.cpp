#include "run/config/space.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "run/config/setting_texts.hpp"
#include "run/config/toml_file.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr std::string_view kDefaultSpace = R"(
[tune.space]
training.learning_rate = {min = 5e-4, max = 1e-2, log = true}
training.batch_size = [32, 64, 128]
training.series_weight = [0, 0.5, 1]
network.hidden_size = [16, 32, 64, 96]
network.level = ["mean", "smoothing"]
)";

/// Keys of the network and its training that a trial cannot have, and why.
constexpr std::pair<std::string_view, std::string_view> kRefused[] = {
    {"network.predict_day", "trials of different horizons cannot be compared"},
    {"training.preset", "list the keys that it stands for: training.steps"},
    {"training.seed", "it would choose chance; trials share one seed"},
    {"training.seeds", "a trial is one training of one seed; set it under [training]"},
    {"training.parallel_seeds", "a trial is one training of one seed; set tune.jobs under [tune]"},
    {"training.choice", "what it chooses is chosen once before the trials, or a key of the space"},
    {"training.max_seconds", "a trial's length is counted in steps; set training.steps"},
    {"training.final_fit", "a trial ends before it; set it under [training]"},
    {"training.init_from", "a trial begins with random weights; set it under [training]"},
    {"training.checkpoint_seconds", "a trial has no checkpoints"},
};

/// Calls f(key, member type) for the key of this name. False: there is none.
bool with_key(const std::string& name, const std::function<void(const Key&, MemberType)>& f) {
  static const Config defaults;
  bool found = false;
  visit_keys(defaults, [&](const Key& key, const auto& member) {
    if (key.name != name) return;
    found = true;
    f(key, member_type<std::remove_cvref_t<decltype(member)>>());
  });
  return found;
}

void refuse_what_no_trial_has(const std::string& where, const std::string& key) {
  if (!key.starts_with("network.") && !key.starts_with("training.")) {
    throw ConfigError(fmt::format(
        "{}: '{}' cannot be searched: trials differ in keys of [network] and [training]; set it "
        "under [{}]",
        where, key, key.substr(0, key.find('.'))));
  }
  for (const auto& [refused, why] : kRefused) {
    if (key == refused)
      throw ConfigError(fmt::format("{}: '{}' cannot be searched: {}", where, key, why));
  }
}

/// The members of {min, max, log, step}.
class RangeReader {
 public:
  RangeReader(const toml::table& table, const std::string& origin, const Key& key, MemberType type)
      : table_(table), origin_(origin), key_(key), type_(type) {}

  SpaceKey read() {
    SpaceKey out{.key = std::string(key_.name)};
    const std::string where = fmt::format("{}: {}", place(origin_, table_.source()), out.key);
    const bool number = type_.kind == Kind::integer || type_.kind == Kind::number;
    if (!number || type_.list) {
      throw ConfigError(fmt::format("{} takes {}, which has no range; list the values to try: [..]",
                                    where, expected_text(key_, type_)));
    }
    constexpr std::string_view kNames[] = {"min", "max", "log", "step"};
    for (const auto& [name, node] : table_) {
      if (std::ranges::find(kNames, name.str()) != std::end(kNames)) continue;
      throw ConfigError(
          fmt::format("{}: a range has {}, not '{}'", where, fmt::join(kNames, ", "), name.str()));
    }
    out.integer = type_.kind == Kind::integer;
    out.min = bound("min", where);
    out.max = bound("max", where);
    if (!(out.min < out.max)) {
      throw ConfigError(fmt::format("{}: min ({}) must be below max ({})", where,
                                    number_text(out.min), number_text(out.max)));
    }
    if (const toml::node* log = table_.get("log")) {
      if (!log->is_boolean()) throw ConfigError(where + ": log must be true or false");
      out.log = log->as_boolean()->get();
    }
    if (out.log && !(out.min > 0)) {
      throw ConfigError(
          fmt::format("{}: min ({}) has no logarithm; give one above 0, or leave out log", where,
                      number_text(out.min)));
    }
    if (table_.contains("step")) read_step(out, where);
    out.text = fmt::format("{{min = {}, max = {}{}{}}}", number_text(out.min), number_text(out.max),
                           out.log ? ", log = true" : "",
                           out.step > 0 ? ", step = " + number_text(out.step) : "");
    return out;
  }

 private:
  static std::string number_text(double number) { return fmt::format("{}", number); }

  double bound(std::string_view name, const std::string& where) {
    const toml::node* node = table_.get(name);
    if (node == nullptr) {
      throw ConfigError(
          fmt::format("{}: a range needs min and max, and '{}' is missing", where, name));
    }
    const std::string of = fmt::format("{}: {}", where, name);
    const Value value = value_of(*node);
    return type_.kind == Kind::integer ? static_cast<double>(as_integer(value, key_, type_, of))
                                       : as_number(value, key_, type_, of);
  }

  void read_step(SpaceKey& out, const std::string& where) {
    const toml::node& node = *table_.get("step");
    const std::optional<double> step = node.value<double>();
    if (!step || !(*step > 0) || *step > out.max - out.min ||
        (out.integer && *step != std::floor(*step))) {
      throw ConfigError(fmt::format("{}: step must be {} above 0 and at most max - min ({})", where,
                                    out.integer ? "a whole number" : "a number",
                                    number_text(out.max - out.min)));
    }
    if (out.log) {
      throw ConfigError(where + ": log and step exclude each other; list the values instead: [..]");
    }
    out.step = *step;
  }

  const toml::table& table_;
  const std::string& origin_;
  const Key& key_;
  MemberType type_;
};

SpaceKey read_choices(const toml::array& array, const std::string& origin, const Key& key) {
  SpaceKey out{.key = std::string(key.name)};
  const std::string where = fmt::format("{}: {}", place(origin, array.source()), out.key);
  if (array.empty()) throw ConfigError(where + ": the list is empty; name the values to try");
  Config scratch;
  std::vector<std::string> texts;
  for (const toml::node& node : array) {
    Value value = value_of(node);
    set_key(scratch, out.key, value, fmt::format("{}: {}", place(origin, node.source()), out.key));
    texts.push_back(toml_of(value));
    if (std::ranges::count(texts, texts.back()) > 1) {
      throw ConfigError(
          fmt::format("{}: {} stands twice in the list; name it once", where, texts.back()));
    }
    out.choices.push_back(std::move(value));
  }
  out.text = fmt::format("[{}]", fmt::join(texts, ", "));
  return out;
}

SpaceKey read_key(const std::string& name, const toml::node& node,
                  const toml::source_region& source, const std::string& origin) {
  const std::string where = place(origin, source);
  SpaceKey out;
  const bool known = with_key(name, [&](const Key& key, MemberType type) {
    refuse_what_no_trial_has(where, name);
    if (const toml::table* range = node.as_table()) {
      out = RangeReader(*range, origin, key, type).read();
    } else if (const toml::array* choices = node.as_array()) {
      out = read_choices(*choices, origin, key);
    } else {
      throw ConfigError(
          fmt::format("{}: {} has one value in [{}]; list those to try, [..], give a range, "
                      "{{min = .., max = ..}}, or set it under [{}]",
                      where, name, kSpaceTable, name.substr(0, name.find('.'))));
    }
  });
  if (!known) refuse_key(where, name);
  return out;
}

/// Values of a range have so many digits: more of them tell nothing.
double rounded(double number) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, number, std::chars_format::general, 3);
  double out = 0;
  std::from_chars(text, end.ptr, out);
  return out;
}

}  // namespace

Value SpaceKey::value(double at) const {
  if (!choices.empty()) {
    const auto count = static_cast<double>(choices.size());
    return choices[static_cast<std::size_t>(std::min(at * count, count - 1))];
  }
  double number = 0;
  if (step > 0) {
    const double count = std::floor((max - min) / step * (1 + 1e-12)) + 1;
    number = min + step * std::floor(std::min(at * count, count - 1));
  } else if (log) {
    // Whole numbers get the share of the logarithm between their halves.
    const double half = integer ? 0.5 : 0;
    number = std::exp(std::log(min - half) + at * (std::log(max + half) - std::log(min - half)));
  } else {
    number = integer ? std::floor(min + at * (max - min + 1)) : min + at * (max - min);
  }
  if (integer) return {static_cast<std::int64_t>(std::clamp(std::round(number), min, max))};
  return {std::clamp(step > 0 ? number : rounded(number), min, max)};
}

void set_key(Config& config, const std::string& name, const Value& value,
             const std::string& where) {
  visit_keys(config, [&](const Key& key, auto& member) {
    if (key.name != name) return;
    using Member = std::remove_reference_t<decltype(member)>;
    assign(value, key, member_type<Member>(), where, member);
  });
}

std::string toml_of(const Value& value) {
  if (const auto* boolean = std::get_if<bool>(&value.data)) return *boolean ? "true" : "false";
  if (const auto* integer = std::get_if<std::int64_t>(&value.data))
    return fmt::format("{}", *integer);
  if (const auto* number = std::get_if<double>(&value.data)) return fmt::format("{}", *number);
  if (const auto* text = std::get_if<std::string>(&value.data)) return toml_text_of(*text);
  if (const auto* list = std::get_if<ValueList>(&value.data)) {
    std::vector<std::string> parts;
    for (const Value& part : *list) parts.push_back(toml_of(part));
    return fmt::format("[{}]", fmt::join(parts, ", "));
  }
  throw InternalError("a value of a space is no value");
}

TuneSpace parse_space(const std::string& toml, const std::string& origin) {
  const toml::table root = toml_table(toml, origin);
  const toml::node* node = root.at_path(kSpaceTable).node();
  if (node == nullptr || !node->is_table()) {
    throw ConfigError(
        fmt::format("{}: it has no [{}], which says what to search: a key and its values, as in "
                    "training.learning_rate = {{min = 1e-4, max = 1e-2, log = true}}",
                    origin, kSpaceTable));
  }
  TuneSpace space{.origin = origin, .keys = {}};
  for (const auto& [name, inner] : *node->as_table()) {
    const std::string first(name.str());
    const toml::table* section = inner.as_table();
    if (section == nullptr || first.find('.') != std::string::npos ||
        std::ranges::find(kSections, first, &Section::name) == std::end(kSections)) {
      space.keys.push_back(read_key(first, inner, name.source(), origin));
      continue;
    }
    for (const auto& [last, value] : *section) {
      space.keys.push_back(
          read_key(fmt::format("{}.{}", first, last.str()), value, last.source(), origin));
    }
  }
  if (space.keys.empty()) {
    throw ConfigError(
        fmt::format("{}: [{}] is empty; name a key and its values", origin, kSpaceTable));
  }
  std::ranges::sort(space.keys, {}, &SpaceKey::key);
  const auto twice = std::ranges::adjacent_find(space.keys, {}, &SpaceKey::key);
  if (twice != space.keys.end()) {
    throw ConfigError(fmt::format("{}: '{}' stands twice in [{}]; write it once", origin,
                                  twice->key, kSpaceTable));
  }
  return space;
}

TuneSpace load_space(const std::filesystem::path& file) {
  if (!file.empty()) {
    const std::string text = read_toml(file);
    const toml::table root = toml_table(text, file.string());
    if (root.at_path(kSpaceTable)) return parse_space(text, file.string());
  }
  return parse_space(std::string(kDefaultSpace), "the default space");
}

std::string space_text(const TuneSpace& space) {
  std::vector<std::string> parts;
  for (const SpaceKey& key : space.keys) parts.push_back(key.key + " " + key.text);
  return fmt::format("{}", fmt::join(parts, "; "));
}

}  // namespace sluice
