// What a search over settings may take: [tune.space] of a file of settings.
//
//   [tune.space]
//   training.learning_rate = {min = 1e-4, max = 1e-2, log = true}
//   network.hidden_size = {min = 16, max = 128, step = 16}
//   network.space = ["log", "linear"]
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "run/config/value.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

/// One key and the values that it may take: some by name, or numbers of a range.
struct SpaceKey {
  std::string key;                  ///< "training.learning_rate"
  std::vector<Value> choices = {};  ///< of a range: empty
  double min = 0, max = 0;
  double step = 0;  ///< of a range: 0: any number between, or any whole one
  bool log = false;
  bool integer = false;
  std::string text = {};  ///< as TOML, the same however it was written

  /// The value at `at`, 0 <= at < 1. Choices and steps are equally likely, numbers of a range
  /// evenly spread, in their logarithm where `log`; they have three digits.
  Value value(double at) const;
};

struct TuneSpace {
  std::string origin;          ///< of messages
  std::vector<SpaceKey> keys;  ///< by name
};

/// The table of `file`. Throws ConfigError with file, line, key and remedy for a key that there is
/// not or that a trial cannot have, a value that the key does not take, a range that is none. Where
/// there is no file, or no table in it: what has been seen to matter most.
TuneSpace load_space(const std::filesystem::path& file);
/// The table in `toml`. `origin` names it in messages. Throws ConfigError where it has none, too.
TuneSpace parse_space(const std::string& toml, const std::string& origin);
/// "training.learning_rate {min = 0.0001, max = 0.01, log = true}; ..."
std::string space_text(const TuneSpace& space);

/// Sets one key. Throws ConfigError, whose message begins with `where`, for what it does not take.
void set_key(Config& config, const std::string& key, const Value& value, const std::string& where);

/// A value as TOML.
std::string toml_of(const Value& value);

}  // namespace sluice
