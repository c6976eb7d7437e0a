#include "data/catalog/gaps.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "base/text.hpp"
#include "data/catalog/ends.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

std::optional<CovariateGapPolicy> policy_of(std::string_view word) {
  if (word == "auto") return CovariateGapPolicy::automatic;
  if (word == "forward_fill") return CovariateGapPolicy::forward_fill;
  if (word == "zero") return CovariateGapPolicy::zero;
  if (word == "missing") return CovariateGapPolicy::missing;
  if (word == "error") return CovariateGapPolicy::error;
  return std::nullopt;
}

std::vector<std::string> covariates_of(const CatalogParts& parts) {
  std::vector<std::string> names;
  for (const Channel& channel : parts.channels) {
    if (channel.role != Role::target) names.push_back(channel.name);
  }
  for (const CategoryChannel& channel : parts.categories) names.push_back(channel.name);
  return names;
}

/// Steps of the histories and those of them without a value, where the data have a row and where
/// they have none.
struct Coverage {
  std::int64_t rows = 0, rows_missing = 0, made = 0, made_missing = 0;
  std::int64_t example_series = 0, example_step = 0;  ///< the first made step without a value

  /// Whether a missing (or a present) value tells a made step from a row: where one of the two is
  /// more than twice as frequent in the one as in the other.
  bool tells() const {
    if (made_missing == 0) return false;
    const double row_share = rows > 0 ? share(rows_missing, rows) : 0;
    const double made_share = share(made_missing, made);
    return made_share > 2 * row_share || 1 - row_share > 2 * (1 - made_share);
  }
  static double share(std::int64_t part, std::int64_t whole) {
    return static_cast<double>(part) / static_cast<double>(whole);
  }
};

/// Walks over every step of every history; `fill(i, known)` is called for the steps without a row,
/// where `known` is the last step before that has a value, or -1.
template <typename Missing, typename Fill>
Coverage fill_channel(const CatalogParts& parts, std::span<const std::int64_t> history,
                      const Bits& has_row, Missing missing, Fill fill) {
  Coverage coverage;
  for (std::size_t s = 0; s < history.size(); ++s) {
    std::int64_t known = -1;
    for (std::int64_t t = 0; t < history[s]; ++t) {
      const std::int64_t i = parts.offsets[s] + t;
      const bool row = has_row.test(i);
      if (!row && missing(i)) fill(i, known);
      const bool none = missing(i);
      if (!none) known = i;
      ++(row ? coverage.rows : coverage.made);
      if (!none) continue;
      if (!row && coverage.made_missing == 0) {
        coverage.example_series = static_cast<std::int64_t>(s);
        coverage.example_step = t;
      }
      ++(row ? coverage.rows_missing : coverage.made_missing);
    }
  }
  return coverage;
}

class Filler {
 public:
  Filler(CatalogParts& parts, const Bits& has_row, const CatalogSpec& spec,
         const std::string& source, CatalogNotes& notes)
      : parts_(parts),
        has_row_(has_row),
        spec_(spec),
        source_(source),
        notes_(notes),
        rules_(spec.covariate_gaps, parts),
        history_(histories_of(parts)) {}

  void fill() {
    if (spec_.gaps != GapPolicy::zero && spec_.gaps != GapPolicy::forward_fill &&
        rules_.all_automatic()) {
      return;
    }
    std::int64_t made = 0;
    for (Channel& channel : parts_.channels) {
      if (channel.role == Role::target) {
        made = fill_target(channel);
        continue;
      }
      float* values = channel.values.data();
      const auto missing = [&](std::int64_t i) { return std::isnan(values[i]); };
      fill_covariate(channel.name, channel.role, missing,
                     [&](CovariateGapPolicy rule, std::int64_t i, std::int64_t known) {
                       if (rule == CovariateGapPolicy::zero) values[i] = 0;
                       if (rule == CovariateGapPolicy::forward_fill && known >= 0) {
                         values[i] = values[known];
                       }
                     });
    }
    for (CategoryChannel& channel : parts_.categories) fill_category(channel);
    if (made > 0 && made_up()) {
      notes_.remarks.insert(
          notes_.remarks.begin() + first_remark_,
          fmt::format("{} without a row {} {} (data.gaps = \"{}\")", steps_text(made),
                      made == 1 ? "is" : "are",
                      spec_.gaps == GapPolicy::zero ? "zero" : "the value before", gaps_word()));
    }
  }

 private:
  /// Whether targets of steps without a row are made up, so that their inputs could tell them.
  bool made_up() const {
    return spec_.gaps == GapPolicy::zero || spec_.gaps == GapPolicy::forward_fill;
  }
  const char* gaps_word() const {
    return spec_.gaps == GapPolicy::zero           ? "zero"
           : spec_.gaps == GapPolicy::forward_fill ? "forward_fill"
                                                   : "missing";
  }
  static std::string steps_text(std::int64_t count) {
    return fmt::format("{} {}", grouped(count), count == 1 ? "step" : "steps");
  }

  std::int64_t fill_target(Channel& channel) {
    if (!made_up()) return 0;
    std::int64_t made = 0;
    for (std::size_t s = 0; s < history_.size(); ++s) {
      const std::int64_t before = made;
      float* values = channel.values.data() + parts_.offsets[s];
      for (std::int64_t t = 0; t < history_[s]; ++t) {
        if (has_row_.test(parts_.offsets[s] + t)) continue;
        ++made;
        if (spec_.gaps == GapPolicy::zero) {
          values[t] = 0;
        } else if (t > 0 && std::isnan(values[t])) {
          values[t] = values[t - 1];
        }
      }
      if (made > before && spec_.gaps == GapPolicy::zero) put_back_offset(channel, s);
    }
    return made;
  }

  /// Beside a zero, large values are as wide as they are far from it: an offset holds no more
  /// steps.
  void put_back_offset(Channel& channel, std::size_t s) {
    if (parts_.value_offset.empty()) return;
    const auto m = static_cast<std::size_t>(&channel - parts_.channels.data());
    double& offset = parts_.value_offset[m * history_.size() + s];
    for (std::int64_t i = parts_.offsets[s]; i < parts_.offsets[s + 1]; ++i) {
      if (!has_row_.test(i) && i - parts_.offsets[s] < history_[s]) continue;
      float& value = channel.values[static_cast<std::size_t>(i)];
      value = static_cast<float>(static_cast<double>(value) + offset);
    }
    offset = 0;
  }

  void fill_category(CategoryChannel& channel) {
    std::int32_t* codes = channel.codes.data();
    const auto zero = std::find(channel.vocabulary.begin(), channel.vocabulary.end(), "0");
    if (rules_.of(channel.name) == CovariateGapPolicy::zero && zero == channel.vocabulary.end()) {
      throw ConfigError(
          fmt::format("data.covariate_gaps: '{}' is a column of words, and 0 is none of them; use "
                      "forward_fill, missing or error",
                      channel.name));
    }
    const auto code = static_cast<std::int32_t>(zero - channel.vocabulary.begin());
    const auto missing = [&](std::int64_t i) { return codes[i] == 0; };
    fill_covariate(channel.name, channel.role, missing,
                   [&](CovariateGapPolicy rule, std::int64_t i, std::int64_t known) {
                     if (rule == CovariateGapPolicy::zero) codes[i] = code;
                     if (rule == CovariateGapPolicy::forward_fill && known >= 0) {
                       codes[i] = codes[known];
                     }
                   });
  }

  template <typename Missing, typename Put>
  void fill_covariate(const std::string& name, Role role, Missing missing, Put put) {
    const CovariateGapPolicy asked = rules_.of(name);
    CovariateGapPolicy rule = asked;
    if (asked == CovariateGapPolicy::automatic) {
      rule = spec_.gaps == GapPolicy::forward_fill ? CovariateGapPolicy::forward_fill
                                                   : CovariateGapPolicy::missing;
    }
    std::int64_t filled = 0;
    const Coverage coverage =
        fill_channel(parts_, history_, has_row_, missing, [&](std::int64_t i, std::int64_t known) {
          put(rule, i, known);
          filled += missing(i) ? 0 : 1;
        });
    if (asked == CovariateGapPolicy::error && coverage.made_missing > 0) refuse(name, coverage);
    if (asked == CovariateGapPolicy::automatic && role == Role::future && made_up() &&
        coverage.tells()) {
      refuse(name, coverage);
    }
    if (asked == CovariateGapPolicy::missing && role == Role::future && made_up() &&
        coverage.tells()) {
      notes_.remarks.push_back(fmt::format(
          "{} is missing in {} of {} without a row and so tells the target that data.gaps made up "
          "there: scores are better than any forecast can be (data.covariate_gaps)",
          name, grouped(coverage.made_missing), steps_text(coverage.made)));
    }
    if (filled > 0) {
      notes_.remarks.push_back(
          fmt::format("{}: {} without a row {} {} (data.{})", name, steps_text(filled),
                      filled == 1 ? "is" : "are",
                      rule == CovariateGapPolicy::zero ? "zero" : "the value before",
                      asked == CovariateGapPolicy::automatic ? "gaps" : "covariate_gaps"));
    }
  }

  [[noreturn]] void refuse(const std::string& name, const Coverage& coverage) const {
    const auto s = static_cast<std::size_t>(coverage.example_series);
    const std::string first = fmt::format(
        "{} {}", parts_.ids[s],
        parts_.axis.text_of(parts_.first[s] + coverage.example_step, coverage.example_series));
    const std::string rows =
        coverage.rows_missing == 0
            ? "in no row of the data"
            : fmt::format("in {} of {} rows of the data", grouped(coverage.rows_missing),
                          grouped(coverage.rows));
    const std::string tells =
        made_up() ? fmt::format(
                        ", so that it would tell the target, which data.gaps = \"{}\" made "
                        "up there",
                        gaps_word())
                  : "";
    throw DataError(fmt::format(
        "{}: {} is missing in {} of {} without a row (the first one: {}) and {}{}; give it for all "
        "steps in path.future, which may reach back into the history, or say what it is there: "
        "data.covariate_gaps = [\"{}=forward_fill\"] (a price holds until it changes) or "
        "\"{}=zero\", or name it in data.past, if it is not known ahead",
        source_, name, grouped(coverage.made_missing), steps_text(coverage.made), first, rows,
        tells, name, name));
  }

  CatalogParts& parts_;
  const Bits& has_row_;
  const CatalogSpec& spec_;
  const std::string& source_;
  CatalogNotes& notes_;
  CovariateGaps rules_;
  std::vector<std::int64_t> history_;
  std::ptrdiff_t first_remark_ = std::ssize(notes_.remarks);
};

}  // namespace

CovariateGaps::CovariateGaps(const std::vector<std::string>& words, const CatalogParts& parts) {
  const std::vector<std::string> names = covariates_of(parts);
  for (const std::string& word : words) {
    // A column's name may hold a '=' of its own.
    const std::size_t at = word.rfind('=');
    const auto rule = policy_of(at == std::string::npos ? word : word.substr(at + 1));
    if (!rule) {
      throw ConfigError(
          fmt::format("data.covariate_gaps has \"{}\"; it takes auto, forward_fill, zero, missing "
                      "or error, for all columns, or for one: \"price=forward_fill\"",
                      word));
    }
    if (at == std::string::npos) {
      rest_ = *rule;
      continue;
    }
    const std::string name = word.substr(0, at);
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      throw ConfigError(
          fmt::format("data.covariate_gaps names '{}', which is no past or future column; {}", name,
                      names.empty() ? "there is none: see data.past and data.future"
                                    : fmt::format("these are: {}", fmt::join(names, ", "))));
    }
    named_.emplace_back(name, *rule);
  }
}

CovariateGapPolicy CovariateGaps::of(const std::string& channel) const {
  for (const auto& [name, rule] : named_) {
    if (name == channel) return rule;
  }
  return rest_;
}

void fill_gaps(CatalogParts& parts, const Bits& has_row, const CatalogSpec& spec,
               const std::string& source, CatalogNotes& notes) {
  Filler(parts, has_row, spec, source, notes).fill();
}

void finish_wide(CatalogParts& parts, const CatalogSpec& spec, const std::string& source,
                 bool own_axes, CatalogNotes& notes) {
  Bits rows(parts.offsets.back());
  const std::vector<float>& y = parts.channels.front().values;
  for (std::size_t i = 0; i < y.size(); ++i) {
    if (!std::isnan(y[i])) rows.set(static_cast<std::int64_t>(i));
  }
  settle_ends(parts, rows, spec, source, own_axes, notes);
  fill_gaps(parts, rows, spec, source, notes);
}

void trim_missing(CatalogParts& parts, bool both_ends) {
  const std::vector<std::int64_t> offsets = parts.offsets;
  const std::vector<float>& y = parts.channels.front().values;
  const std::size_t count = parts.ids.size();
  std::vector<std::int64_t> begins(count), ends(count);
  std::vector<char> empty(count, 0);
  for (std::size_t s = 0; s < count; ++s) {
    std::int64_t begin = offsets[s], end = offsets[s + 1];
    const auto missing = [&](std::int64_t i) { return std::isnan(y[static_cast<std::size_t>(i)]); };
    while (begin < end && missing(begin)) ++begin;
    while (both_ends && end > begin && missing(end - 1)) --end;
    empty[s] = begin == end;
    if (empty[s] != 0) begin = offsets[s], end = std::min(offsets[s] + 1, offsets[s + 1]);
    begins[s] = begin;
    ends[s] = end;
    parts.first[s] += begin - offsets[s];
    parts.offsets[s + 1] = parts.offsets[s] + end - begin;
  }
  if (parts.offsets.back() == offsets.back()) return;
  const auto move = [&](auto& values) {
    std::int64_t out = 0;
    for (std::size_t s = 0; s < count; ++s) {
      // Towards the front, so that nothing is overwritten before it is moved.
      if (out != begins[s]) {
        std::copy(values.begin() + begins[s], values.begin() + ends[s], values.begin() + out);
      }
      out += ends[s] - begins[s];
    }
    values.resize(static_cast<std::size_t>(out));
    values.shrink_to_fit();
  };
  for (Channel& channel : parts.channels) move(channel.values);
  for (CategoryChannel& channel : parts.categories) move(channel.codes);
}

}  // namespace sluice
