// Two recurrences on the same batch: by how much their results differ, array by array. Plain
// arithmetic on host arrays, the same for CPU and GPU; the recurrences that run both are
// checked.hpp and cuda/recurrence/checked.hpp.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// "check:A,B" as engine.recurrence has it.
struct RecurrencePair {
  std::string used, other;
};
/// The two names of "check:A,B", or nothing if `name` does not begin so. A and B may be the same.
/// Throws ConfigError if there are not two, or one is a check itself; whether they exist is not
/// asked.
std::optional<RecurrencePair> recurrence_pair(const std::string& name);

/// Differences of two arrays, summed over batches. Relative: to the larger of the two numbers.
struct Differences {
  /// Relative differences: equal bits or values, below 1e-7, 1e-7 to 1e-6, ..., 1e-2 to 1e-1, 1e-1
  /// and more.
  static constexpr int kDecades = 9;
  std::array<std::int64_t, kDecades> histogram{};
  std::int64_t count = 0;
  std::int64_t not_finite = 0;  ///< one of the two is not: counted nowhere else
  double sum_absolute = 0, sum_relative = 0, largest_absolute = 0, largest_relative = 0;
  double largest = 0;  ///< of the numbers themselves

  /// Of as many numbers each.
  void add(std::span<const float> a, std::span<const float> b);
  void add(const Differences& more);
  /// One line: "h: 4096 numbers, absolute 1.2e-07 at most and 3e-09 in the mean, ..."; of zeros,
  /// which agree without saying anything, that they are zeros.
  std::string text(std::string_view name) const;
};

/// What is known of a pair of recurrences. Says the first training batch and the first inference
/// when they are complete, and all of them at its end.
class RecurrenceComparison {
 public:
  using Say = std::function<void(std::string_view)>;

  RecurrenceComparison(std::string used, std::string other, Say say);
  ~RecurrenceComparison();
  RecurrenceComparison(const RecurrenceComparison&) = delete;
  RecurrenceComparison& operator=(const RecurrenceComparison&) = delete;

  /// Counts the array `name` of the batch under way. `used` and `other` have the same size; nothing
  /// is counted if they are empty.
  void add(std::string_view name, std::span<const float> used, std::span<const float> other);
  /// The batch under way is complete.
  void end_training_batch() { end_batch(training_, "training batch"); }
  void end_inference() { end_batch(inference_, "inference"); }

  /// All complete batches: a head line and a line an array; empty if there was none.
  std::string text() const;

 private:
  struct Array {
    std::string name;
    Differences differences;
  };
  using Arrays = std::vector<Array>;
  struct Kind {
    std::int64_t batches = 0;
    Arrays arrays;
  };
  void end_batch(Kind& kind, std::string_view what);
  std::string lines(const Arrays& arrays) const;

  std::string used_, other_;
  Say say_;
  Arrays batch_;
  Kind training_, inference_;
};

}  // namespace sluice
