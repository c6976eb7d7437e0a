// Catalogues from files written by the test.
#pragma once

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "data/temporary.hpp"
#include "sluice/base/error.hpp"
#include "sluice/data/catalog.hpp"

namespace sluice {

inline constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

inline CatalogSpec spec_of(const std::filesystem::path& path) {
  CatalogSpec spec;
  spec.read.paths = {path};
  return spec;
}

/// All series' values of a channel, for comparison.
inline std::vector<std::vector<float>> series_of(const Catalog& catalog, int channel = 0) {
  std::vector<std::vector<float>> all;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    const auto values = catalog.values(channel, s);
    all.emplace_back(values.begin(), values.end());
  }
  return all;
}

MATCHER_P(Values, expected, "") {
  if (arg.size() != expected.size()) return false;
  for (std::size_t i = 0; i < arg.size(); ++i) {
    if (arg[i] != expected[i] && !(std::isnan(arg[i]) && std::isnan(expected[i]))) return false;
  }
  return true;
}
inline auto values(std::vector<float> expected) { return Values(std::move(expected)); }

class CatalogBuild : public WithFiles {
 protected:
  Catalog build(const CatalogSpec& spec) { return read_catalog(spec, &notes_); }
  Catalog build(const std::string& csv) { return build(spec(csv)); }
  CatalogSpec spec(const std::string& csv) { return spec_of(file("a.csv", csv)); }
  std::string error(const CatalogSpec& s) {
    return data_error([&] { read_catalog(s); });
  }
  /// A single series of values 0, 1, ... at `times`, in a column of that name.
  static std::string rows(const std::vector<std::string>& times, const std::string& name = "ds") {
    std::string csv = name + ",y\n";
    for (std::size_t i = 0; i < times.size(); ++i) {
      csv += "\"" + times[i] + "\"," + std::to_string(i) + "\n";
    }
    return csv;
  }
  static std::vector<std::string> dates(const Catalog& catalog) {
    std::vector<std::string> all;
    for (std::int64_t t = 0; t < std::ssize(catalog.values(0, 0)); ++t) {
      all.push_back(catalog.date(0, t));
    }
    return all;
  }
  std::string config_error(const CatalogSpec& s) {
    try {
      read_catalog(s);
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "no error";
  }
  /// Three shops of two days, 2024-01-01 and -02.
  CatalogSpec shops() {
    return spec(
        "unique_id,ds,y\n001,2024-01-01,1\n001,2024-01-02,2\n002,2024-01-01,3\n002,2024-01-02,4\n"
        "003,2024-01-01,5\n003,2024-01-02,6\n");
  }
  void expect_remark(const std::string& part) {
    EXPECT_THAT(notes_.remarks, testing::Contains(testing::HasSubstr(part)));
  }
  CatalogNotes notes_;
};

}  // namespace sluice
