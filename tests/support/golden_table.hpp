// Rows of tests/golden/*.csv: the name of a loss and numbers.
#pragma once

#include <array>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "sluice/model/spec.hpp"

namespace sluice {

struct GoldenRow {
  Loss loss;
  std::string text;  ///< the whole line, for messages
  std::vector<double> numbers;
};

inline Loss loss_named(const std::string& name) {
  constexpr std::array kNames = {"gaussian", "student_t", "poisson", "negative_binomial",
                                 "tweedie"};
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (name == kNames[i]) {
      return static_cast<Loss>(static_cast<std::size_t>(Loss::gaussian) + i);
    }
  }
  throw std::runtime_error("no distribution: " + name);
}

inline std::vector<GoldenRow> golden_rows(const std::string& file) {
  std::ifstream in(SLUICE_SOURCE_DIR "/tests/golden/" + file);
  std::vector<GoldenRow> rows;
  std::string line;
  std::getline(in, line);  // names
  while (std::getline(in, line)) {
    std::istringstream cells(line);
    std::string cell;
    std::getline(cells, cell, ',');
    GoldenRow& row = rows.emplace_back(GoldenRow{loss_named(cell), line, {}});
    while (std::getline(cells, cell, ',')) row.numbers.push_back(std::stod(cell));
  }
  return rows;
}

}  // namespace sluice
