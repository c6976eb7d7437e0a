// What is fed with arbitrary bytes: by libFuzzer (fuzzer.cpp, scripts/fuzz) and, with the files of
// corpus/, by each run of the tests (replay.cpp). Bytes are read or refused by a DataError or
// ConfigError; whatever else happens is a fault.
#pragma once

#include <span>
#include <string_view>

namespace sluice::fuzz {

struct Target {
  std::string_view name;  ///< also the folder in corpus/
  void (*run)(std::string_view bytes);
};

/// All of them.
std::span<const Target> targets();

/// The target of this name, or null.
const Target* find_target(std::string_view name);

/// Runs it; DataError and ConfigError are answers.
void run(const Target& target, std::string_view bytes);

}  // namespace sluice::fuzz
