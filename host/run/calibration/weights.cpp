#include "run/calibration/weights.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <span>
#include <utility>

#include "sluice/run/metrics.hpp"

namespace sluice {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
/// Weights are looked for in steps of a twentieth.
constexpr int kGrid = 20;
/// Gains of unseen forecasts below this share are taken for chance.
constexpr double kWorth = 0.01;
/// Forecasts that pull a weight towards 0 as much as the independent ones hold it.
constexpr double kDoubt = 3;
/// Partners that one forecast has at most.
constexpr int kMostPartners = 2;

/// Weights of the first and of the second half of the horizon.
struct Halves {
  double near = 0, far = 0;
};

/// Losses of rows, halves apart.
struct Losses {
  std::vector<double> of[2];

  double mean(int fold) const {
    double sum = 0;
    std::size_t count = 0;
    for (const double x : of[fold]) {
      if (std::isnan(x)) continue;
      sum += x;
      ++count;
    }
    return count > 0 ? sum / static_cast<double>(count) : kNone;
  }
  /// Of both; a half without a row does not count.
  double mean() const {
    const double a = mean(0), b = mean(1);
    if (std::isnan(a)) return b;
    return std::isnan(b) ? a : (a + b) / 2;
  }
};

class Mixer {
 public:
  explicit Mixer(const MixProblem& p)
      : p_(p), K_(static_cast<std::size_t>(p.K)), size_(mean_size()) {}

  Mix run();

 private:
  Losses losses(std::span<const double> own, std::span<const double> partner, Halves w) const;
  double mean_size() const;
  double weight_at(Halves w, std::size_t k) const { return 2 * k < K_ ? w.near : w.far; }
  /// Of cell i, whose mean so far is `own`.
  double mixed(std::size_t i, double own, double partner, double w) const {
    const double network = p_.own[i];
    return own + w * (network + partner_part(1, partner, network) - own);
  }

  struct Trial {
    Halves weight;
    double gain = 0, unseen = -1;
    bool holds = false;
    NotTaken why = NotTaken::none;  ///< where it does not hold
  };
  Trial tried(std::span<const double> own, std::span<const double> partner) const;
  void by_halves(std::span<const double> own, std::span<const double> partner, Trial& trial) const;

  const MixProblem& p_;
  std::size_t K_;
  double size_;
};

/// Of the values of a row's half, the mean over those that have any: what errors are divided by
/// for a WAPE. 0 has none.
double Mixer::mean_size() const {
  double sum = 0;
  std::set<std::int64_t> halves;
  for (std::size_t i = 0; i < p_.actual.size(); ++i) {
    if (std::isnan(p_.actual[i])) continue;
    sum += std::abs(p_.actual[i]);
    halves.insert(2 * p_.row[i / K_] + p_.fold[i / K_]);
  }
  return sum > 0 ? sum / static_cast<double>(halves.size()) : kNone;
}

Losses Mixer::losses(std::span<const double> own, std::span<const double> partner, Halves w) const {
  Scorer scorer(2 * p_.rows, {}, {});
  std::vector<double> point(K_);
  for (std::size_t n = 0; n < p_.row.size(); ++n) {
    for (std::size_t k = 0; k < K_; ++k) {
      const std::size_t i = n * K_ + k;
      const double y = mixed(i, own[i], partner[i], weight_at(w, k));
      point[k] = p_.nonnegative[n] != 0 ? std::max(y, 0.0) : y;
    }
    scorer.add({.row = 2 * p_.row[n] + p_.fold[n],
                .actual = std::span(p_.actual).subspan(n * K_, K_),
                .forecast = point,
                .mase_scale = p_.mase_scale[n],
                .rmsse_scale = p_.rmsse_scale[n]});
  }
  Losses out;
  for (std::int64_t i = 0; i < 2 * p_.rows; ++i) {
    const Metrics m = scorer.row(i);
    const double loss = p_.measure == "MASE"    ? m.mase
                        : p_.measure == "RMSSE" ? m.rmsse
                                                : m.mae * static_cast<double>(m.points) / size_;
    out.of[i % 2].push_back(loss);
  }
  return out;
}

/// Both halves by the weight that the other one has best, `at[w]` being the losses of weight w.
/// `base`: without.
struct Unseen {
  double gain = -1;
  bool both = false;   ///< neither half is worse
  bool tried = false;  ///< there are both halves
};
Unseen unseen_gain(const std::vector<Losses>& at, const Losses& base) {
  double with = 0, without = 0;
  bool both = true;
  for (const int fold : {0, 1}) {
    const int other = 1 - fold;
    std::size_t best = 0;
    for (std::size_t w = 1; w < at.size(); ++w) {
      if (at[w].mean(other) < at[best].mean(other)) best = w;
    }
    const double a = at[best].mean(fold), b = base.mean(fold);
    if (std::isnan(a) || std::isnan(b)) return {};
    both = both && a <= b;
    with += a;
    without += b;
  }
  return {without > 0 ? 1 - with / without : 0, both, true};
}

Mixer::Trial Mixer::tried(std::span<const double> own, std::span<const double> partner) const {
  std::vector<Losses> at;
  for (int w = 0; w <= kGrid; ++w) {
    const double weight = static_cast<double>(w) / kGrid;
    at.push_back(losses(own, partner, {weight, weight}));
  }
  const auto best = std::ranges::min_element(
      at, [](const Losses& a, const Losses& b) { return a.mean() < b.mean(); });
  const double weight = static_cast<double>(best - at.begin()) / kGrid;
  Trial trial;
  trial.weight = {weight, weight};
  trial.gain = 1 - best->mean() / at[0].mean();
  const Unseen unseen = unseen_gain(at, at[0]);
  trial.unseen = unseen.gain;
  trial.holds = weight > 0 && unseen.both && unseen.gain >= kWorth;
  if (trial.holds || !(trial.gain >= kWorth)) return trial;
  trial.why = !unseen.tried          ? NotTaken::untried
              : unseen.gain < kWorth ? NotTaken::unseen
                                     : NotTaken::one_half;
  return trial;
}

/// A weight for each half of the horizon, where unseen forecasts are better for it.
void Mixer::by_halves(std::span<const double> own, std::span<const double> partner,
                      Trial& trial) const {
  if (K_ < 4) return;
  const double pooled = trial.weight.near;
  std::vector<Losses> at;  // weights of the second half beside those of the first
  std::vector<Halves> weights;
  for (int near = 0; near <= kGrid; near += 2) {
    for (int far = 0; far <= kGrid; far += 2) {
      weights.push_back({static_cast<double>(near) / kGrid, static_cast<double>(far) / kGrid});
      at.push_back(losses(own, partner, weights.back()));
    }
  }
  const Losses base = losses(own, partner, {pooled, pooled});
  const Unseen unseen = unseen_gain(at, base);
  if (!unseen.both || unseen.gain < kWorth / 2) return;
  const auto best = std::ranges::min_element(
      at, [](const Losses& a, const Losses& b) { return a.mean() < b.mean(); });
  trial.weight = weights[static_cast<std::size_t>(best - at.begin())];
}

Mix Mixer::run() {
  Mix out;
  const std::size_t P = p_.partners.size();
  out.weights.assign(P, std::vector<double>(K_, 0.0));
  out.rows.resize(P);
  std::vector<double> own = p_.own;
  out.own_score = losses(own, own, {}).mean();
  std::vector<char> taken(P, 0);
  for (int round = 0; round < kMostPartners; ++round) {
    std::vector<Trial> trials(P);
    std::size_t best = P;
    for (std::size_t i = 0; i < P; ++i) {
      if (taken[i] != 0) continue;
      trials[i] = tried(own, p_.partners[i]);
      if (round == 0) {
        out.rows[i].score = losses(own, p_.partners[i], {1, 1}).mean();
        out.rows[i].gain = trials[i].gain;
        out.rows[i].unseen = trials[i].unseen;
        out.rows[i].why = trials[i].holds ? NotTaken::beside : trials[i].why;
      }
      if (trials[i].holds && (best == P || trials[i].unseen > trials[best].unseen)) best = i;
    }
    if (best == P) break;
    Trial& trial = trials[best];
    by_halves(own, p_.partners[best], trial);
    const double trust = p_.independent / (p_.independent + kDoubt);
    taken[best] = 1;
    for (std::size_t k = 0; k < K_; ++k) {
      const double w = trust * weight_at(trial.weight, k);
      for (auto& weight : out.weights) weight[k] *= 1 - w;
      out.weights[best][k] = w;
      for (std::size_t n = 0; n < p_.row.size(); ++n) {
        const std::size_t i = n * K_ + k;
        own[i] = mixed(i, own[i], p_.partners[best][i], w);
      }
    }
  }
  for (std::size_t i = 0; i < P; ++i) {
    double sum = 0;
    for (const double w : out.weights[i]) sum += w;
    out.rows[i].weight = sum / static_cast<double>(K_);
    if (taken[i] != 0) out.rows[i].why = NotTaken::none;
  }
  out.score = losses(own, own, {}).mean();
  return out;
}

}  // namespace

Mix choose_mix(const MixProblem& problem) { return Mixer(problem).run(); }

}  // namespace sluice
