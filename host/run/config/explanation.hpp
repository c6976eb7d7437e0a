// Every setting told for people: what `sluice explain`, configs/README.md, the shells' completions
// and the manual are made from.
#pragma once

#include <string>
#include <vector>

namespace sluice {

struct Explanation {
  std::string key, type, default_value, meaning, automatic;
  std::vector<std::string> words;  ///< all that it takes, but for patterns; empty: anything
  bool path = false;               ///< it names a file or a folder
};

/// All keys, in the order of `sluice explain`.
std::vector<Explanation> explanations();

}  // namespace sluice
