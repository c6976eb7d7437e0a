// The simple methods of evaluate.methods for many histories at once.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/ranks/ranks.hpp"
#include "model/simple/methods.hpp"

namespace sluice {

/// What a method forecasts from. Values are stored beside the offset (Catalog::value_offset).
struct SimpleHistory {
  std::span<const float> values;
  double offset = 0;
};

/// Forecasts by methods named as in evaluate.methods; counts what they take.
class SimpleRows {
 public:
  /// Throws InternalError for a name that is none.
  SimpleRows(std::span<const std::string> methods, int season, int K,
             Workers workers = Workers::this_process);

  std::size_t count() const { return methods_.size(); }
  std::string title(std::size_t method) const { return std::string(methods_[method].title); }
  /// Of a processor, all threads and all histories of this process so far together.
  double seconds(std::size_t method) const { return seconds_[method]; }

  /// Writes [histories, count(), K] forecasts. All threads of OpenMP work on it, each worker on a
  /// range of histories. Blocks.
  void forecast(std::span<const SimpleHistory> histories, std::span<double> out);

 private:
  void one(const SimpleHistory& history, std::span<double> out, std::span<double> seconds) const;

  std::vector<simple::MethodName> methods_;
  int season_, K_;
  Workers workers_;
  std::vector<double> seconds_;
};

}  // namespace sluice
