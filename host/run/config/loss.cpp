#include "run/config/loss.hpp"

#include <fmt/core.h>

#include <cstddef>
#include <string>
#include <vector>

#include "sluice/base/error.hpp"

namespace sluice {

namespace {

bool is_linear(const Config& given) {
  return given.network.space == "auto" || given.network.space == "linear";
}

/// Whether the settings go with a distribution of numbers from 0 on.
bool keeps_zero(const Config& given) {
  const std::string& scaling = given.network.scaling;
  return is_linear(given) && (scaling == "auto" || scaling == "none" || scaling == "mean");
}

/// Losses whose points are means, of those that go with the settings and the values.
std::vector<std::string> losses_of_means(const Config& given, const TargetFacts& facts) {
  std::vector<std::string> losses;
  if (keeps_zero(given) && facts.negative.empty()) {
    losses.emplace_back("\"tweedie\"");
    if (facts.not_whole.empty()) losses.emplace_back("\"negative_binomial\"");
  }
  losses.emplace_back("\"gaussian\"");
  // Of another space it is the mean there.
  if (is_linear(given) && given.network.decoding != "recursive") losses.emplace_back("\"mse\"");
  return losses;
}

/// "a, b or c"
std::string either(const std::vector<std::string>& words) {
  std::string text = words.front();
  for (std::size_t i = 1; i < words.size(); ++i) {
    text += (i + 1 == words.size() ? " or " : ", ") + words[i];
  }
  return text;
}

/// The setting that goes with no distribution of counts, and what to set it to; empty: none.
std::string against_counts(const Config& given) {
  if (!is_linear(given)) {
    return fmt::format(
        "network.space = \"{}\", which goes with no distribution of counts; \"linear\" "
        "does",
        given.network.space);
  }
  if (!keeps_zero(given)) {
    return fmt::format(
        "network.scaling = \"{}\", which goes with no distribution of counts; "
        "\"auto\" does",
        given.network.scaling);
  }
  return {};
}

}  // namespace

Loss automatic_loss(const Config& config, const TargetFacts& facts) {
  const Loss usual = config.network.decoding == "recursive" ? Loss::gaussian : Loss::quantile;
  return facts.are_rare_counts() && keeps_zero(config) ? Loss::negative_binomial : usual;
}

std::string automatic_loss_text(const Config& given, const std::string& loss,
                                const TargetFacts& facts) {
  if (!facts.are_rare) return {};
  if (loss == "negative_binomial") {
    return "loss negative_binomial: counts that are 0 so often that medians would be 0; \"sluice\" "
           "is the mean";
  }
  std::string text =
      fmt::format("loss {}: most series are 0 so often that medians may be 0; ", loss);
  if (loss == "gaussian") {
    text += "\"sluice\" is the mean";
  } else {
    std::vector<std::string> losses = losses_of_means(given, facts);
    // It has no place for so many zeros.
    if (losses.size() > 1) std::erase(losses, "\"gaussian\"");
    text += "a mean needs training.loss = " + either(losses);
  }
  const std::string& value = facts.negative.empty() ? facts.not_whole : facts.negative;
  const std::string setting = against_counts(given);
  return text +
         fmt::format(" (not {}: {})",
                     facts.negative.empty() ? "negative_binomial" : "negative_binomial or tweedie",
                     value.empty() ? setting : value);
}

bool sums_medians(const Config::Data& data, const std::string& loss) {
  return !data.groups.empty() &&
         (loss == "auto" || loss == "quantile" || loss == "mae" || loss == "huber");
}

std::string medians_text(const Config& given, const std::string& loss, const TargetFacts& facts) {
  return fmt::format(
      "training.loss = \"{}\" forecasts medians{}, and the sum of medians lies below the median of "
      "a sum where values are skewed, as small counts are; for sums (data.groups) train with a "
      "loss that gives means: {}",
      loss, loss == "auto" ? " of all but rare counts" : "", either(losses_of_means(given, facts)));
}

void check_values(Loss loss, const std::string& name, bool recursive, const TargetFacts& facts) {
  if (is_nonnegative(loss) && !facts.negative.empty()) {
    throw DataError(fmt::format(
        "{}, and training.loss = \"{}\" is a distribution of numbers from 0 on; correct "
        "the value or leave its cell empty, or set training.loss = {}",
        facts.negative, name,
        recursive ? "\"student_t\" or \"gaussian\""
                  : "\"student_t\", \"gaussian\" or \"quantile\""));
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
