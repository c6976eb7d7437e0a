// What the model is, with every choice made: no "auto" is left here. Notation (sluice.hpp): T steps
// of a window, C inputs, H hidden units, L layers, K horizon steps, M targets, Q outputs per target
// and step.
//
// Everything happens in the model's own space u. A target value y is first scaled per series
// (data/scaling), then
//   log space     v = log(y)      u = v - o_t
//   asinh space   v = asinh(a y)  u = v - o_t, a = kAsinhSlope
//   linear space  v = y           u = v s_t - o_t
// where (s_t, o_t) come from the level at step t (lev_t: trailing mean of |y| over `level_window`
// steps, t included, or an exponential smoothing): log: o_t = log lev_t; asinh: o_t = asinh(a
// lev_t); linear: s_t = 1 / lev_t, o_t = 1. Without a level s_t = 1, o_t = 0. The head adds a
// correction z to a base: u^_{t,k} = base_{t,k} + z_{t,k}; the forecast inverts the maps.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice {

enum class Space { linear, log, asinh };
/// Slope of the asinh space at 0. Values far above 1 / kAsinhSlope of their series' scale are seen
/// as by a logarithm, those far below as they are: zeros and negative values have a place.
inline constexpr float kAsinhSlope = 4;
enum class Level { none, mean, smoothing };
enum class Base { none, last, seasonal, smoothing, trend };
/// From `gaussian` on: the likelihood of a distribution whose parameters the head gives.
enum class Loss {
  mse,
  mae,
  huber,
  quantile,
  gaussian,
  student_t,
  poisson,
  negative_binomial,
  tweedie
};

constexpr bool is_distribution(Loss loss) { return loss >= Loss::gaussian; }
/// Of whole numbers from 0 on, in the units of y.
constexpr bool is_count(Loss loss) {
  return loss == Loss::poisson || loss == Loss::negative_binomial;
}
/// Of numbers from 0 on: the target's zero and its unit must reach the loss.
constexpr bool is_nonnegative(Loss loss) { return is_count(loss) || loss == Loss::tweedie; }
/// Parameters of a distribution, which are the head's outputs; 1 for any other loss.
constexpr int parameter_count(Loss loss) {
  if (loss == Loss::student_t) return 3;
  return is_distribution(loss) && loss != Loss::poisson ? 2 : 1;
}

/// How a forecast of K steps comes about. direct: the head gives all of them at once. recursive:
/// it gives the distribution of step t+1, of which values are drawn and fed back, path by path
/// (DeepAR; Salinas et al. 2020).
enum class Decoding { direct, recursive };

/// Scaling of each window by its own inputs (needs forking and level off), instead of per series.
enum class WindowScaling { none, mean, standard, robust };

struct ModelSpec {
  int T = 1, H = 1, L = 1, K = 1, M = 1;
  /// Steps that the recurrence takes as one; T is a multiple. x of such a patch holds the values
  /// and what goes with each of its steps, on the level of its last one, and once what is the
  /// patch's or the series' (PatchTST; Nie et al. 2023).
  int patch = 1;
  Decoding decoding = Decoding::direct;
  float dropout = 0;  ///< between layers, none after the last

  Space space = Space::linear;
  WindowScaling window_scaling = WindowScaling::none;
  Level level = Level::none;
  int level_window = 0;  ///< steps; Level::mean
  float smoothing_alpha =
      0.1f;  ///< of what is smoothed: level, base, drift; the first steps use 1/age if larger
  Base base = Base::none;
  int base_season = 1;         ///< Base::seasonal: y_{t+k - season*ceil(k/season)}
  float trend_damping = 0.9f;  ///< Base::trend: step k adds phi + phi^2 + .. + phi^k drifts

  std::vector<int> lags;     ///< inputs: the targets so many steps ago, on the level of t
  int context = 0;           ///< the head sees the last so many target values
  int seasonal_context = 0;  ///< and y_{t+k - p*ceil(k/p)}, k = 1..K, for this period p; 0: not
  bool forking = false;      ///< the head is trained at every step >= warmup, not only at the last
  int warmup = 0;
  int head_hidden = 0;  ///< units of the head's hidden layer (ReLU); 0: one linear layer
  bool head_starts_at_zero = true;
  bool carry_state = false;  ///< forecasts too start from the state of the windows before

  bool level_input = false;        ///< input: log lev_t, standardised over the catalogue
  bool level_change = false;       ///< input: log lev_t - log lev_{t - base_season}
  bool missing_indicator = false;  ///< input: 1 where the target is missing
  int past_channels = 0;
  int future_channels = 0;  ///< at step t to the LSTM, at t+1..t+K to the head
  int calendar = 0;         ///< calendar terms of step t+1 to the LSTM
  int static_reals = 0;     ///< to the LSTM and to the head
  struct Embedding {
    int cardinality = 0;  ///< with code 0 = unknown
    int width = 0;
    bool operator==(const Embedding&) const = default;
  };
  std::vector<Embedding> embeddings;  ///< of a series' categories: to the LSTM and to the head
  /// Of a step's categories, past ones first. One table each: that of step t goes to the LSTM, and
  /// of a future one those of t+1..t+K to the head.
  struct StepEmbedding {
    int cardinality = 0;  ///< with code 0 = unknown
    int width = 0;
    bool future = false;
    bool operator==(const StepEmbedding&) const = default;
  };
  std::vector<StepEmbedding> step_embeddings;

  Loss loss = Loss::mae;
  std::vector<float> quantiles;  ///< Loss::quantile, ascending, with the median
  float huber_delta = 1;
  float tweedie_power = 1.5f;  ///< of Loss::tweedie: variance = dispersion * mean^power
  /// The loss at step t is weighted by this power of the level (in units of the series' scale):
  /// with 2, squared errors in the model's space become squared errors in y.
  float level_weight = 0;

  bool is_recursive() const { return decoding == Decoding::recursive; }
  /// Steps that the head gives at once, and that a loss is taken of.
  int head_steps() const { return is_recursive() ? 1 : K; }
  /// Last steps of a training window that may hold drawn values: up to a horizon of them, and all
  /// after a step that the head is trained at. 0: none.
  int drawn_steps() const {
    const int trained = T - 1 - first_head_step();
    return !is_recursive() ? 0 : (trained < K ? trained : K);
  }
  /// The model as its network is: that of head_steps(), whatever is made of them.
  ModelSpec network() const {
    ModelSpec spec = *this;
    spec.K = head_steps(), spec.decoding = Decoding::direct;
    return spec;
  }
  int Q() const {
    return loss == Loss::quantile ? static_cast<int>(quantiles.size()) : parameter_count(loss);
  }
  /// Outputs of a target that the base is added to: a distribution's location alone.
  int based_outputs() const { return is_distribution(loss) ? 1 : Q(); }
  int input_embeddings() const;  ///< numbers of x_t from tables, its last ones: embeddings', steps'
  int head_embeddings() const;   ///< likewise of what the head sees, with K of each future step's
  int inputs() const;            ///< C: width of x_t, of a whole patch
  int head_context() const;      ///< F: what the head sees beside h_t
  int outputs() const { return head_steps() * M * Q(); }  ///< of the head at one step, [K, M, Q]
  int patches() const { return T / patch; }               ///< steps of the recurrence in a window
  /// Of the recurrence: the first that ends at or after the warmup. The head is trained from it on.
  int first_head_step() const { return forking ? warmup / patch : patches() - 1; }

  bool operator==(const ModelSpec&) const = default;
};

/// Throws ConfigError naming the key if a size is out of range or two choices exclude each other.
void check_spec(const ModelSpec& spec);

}  // namespace sluice
