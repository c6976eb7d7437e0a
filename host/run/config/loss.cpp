#include "run/config/loss.hpp"

#include <fmt/core.h>

#include "sluice/base/error.hpp"

namespace sluice {

Loss automatic_loss(const Config& config, const TargetFacts& facts) {
  const Config::Network& n = config.network;
  const Loss usual = n.decoding == "recursive" ? Loss::gaussian : Loss::quantile;
  if (!facts.are_rare_counts()) return usual;
  const bool keeps_zero = (n.space == "auto" || n.space == "linear") &&
                          (n.scaling == "auto" || n.scaling == "none" || n.scaling == "mean");
  return keeps_zero ? Loss::negative_binomial : usual;
}

std::string medians_text(const Config::Data& data, const std::string& loss) {
  if (data.groups.empty() ||
      (loss != "auto" && loss != "quantile" && loss != "mae" && loss != "huber")) {
    return {};
  }
  return fmt::format(
      "training.loss = \"{}\" forecasts medians{}, and the sum of medians lies below the median of "
      "a sum where values are skewed, as small counts are; for sums (data.groups) train with a "
      "loss "
      "that gives means: \"tweedie\", \"negative_binomial\", \"gaussian\" or \"mse\"",
      loss, loss == "auto" ? " of all but rare counts" : "");
}

void check_values(Loss loss, const std::string& name, const TargetFacts& facts) {
  if (is_nonnegative(loss) && !facts.negative.empty()) {
    throw DataError(fmt::format(
        "{}, and training.loss = \"{}\" is a distribution of numbers from 0 on; correct "
        "the value or leave its cell empty, or set training.loss = \"student_t\", "
        "\"gaussian\" or \"quantile\"",
        facts.negative, name));
  }
  if (is_count(loss) && !facts.not_whole.empty()) {
    throw DataError(fmt::format(
        "{}, and training.loss = \"{}\" is a distribution of whole numbers; correct the "
        "value or leave its cell empty, or set training.loss = \"tweedie\", which takes "
        "any number from 0 on",
        facts.not_whole, name));
  }
}

}  // namespace sluice
