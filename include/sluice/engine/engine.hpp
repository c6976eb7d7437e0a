// The engine: the only seam between host and device. It owns a copy of the catalogue in the model's
// space, the parameters, the optimizer's state and the workspace; it is called once a step with a
// list of windows. Device memory never crosses it. Nothing is allocated after the first step of a
// batch size; calls that wait say "Blocks".
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/data/scaling.hpp"
#include "sluice/data/window.hpp"
#include "sluice/engine/attribution.hpp"
#include "sluice/model/optimizer.hpp"
#include "sluice/model/spec.hpp"

namespace sluice {

class Ranks;  // host/base/ranks/ranks.hpp

/// Implementations of the LSTM by name: the CPU has "onednn" and "fused", CUDA all but "onednn"
/// ("fused" and "cudnn" stand there for the one of them that fits the precision).
inline constexpr std::string_view kRecurrences[] = {"auto",
                                                    "onednn",
                                                    "gemm",
                                                    "fused",
                                                    "fused_simt",
                                                    "fused_mma",
                                                    "cudnn",
                                                    "cudnn_standard",
                                                    "cudnn_persist_static",
                                                    "cudnn_persist_dynamic",
                                                    "cudnn_persist_static_small_h"};

struct EngineSetup {
  const Catalog* catalog = nullptr;  ///< copied; may go after construction
  const ModelSpec* spec = nullptr;
  const SeriesScaling* scaling = nullptr;
  std::span<const float> series_weight;  ///< [S], or empty: all 1
  /// Category codes in the model's vocabularies, [embeddings][S]; empty: the catalogue's own codes.
  std::vector<std::vector<std::int32_t>> codes;
  /// The model's code of each word of the catalogue's vocabulary, [categories][words], for the
  /// categories of steps; empty: the catalogue's own codes.
  std::vector<std::vector<std::int32_t>> word_codes;
  int batch = 1;           ///< most windows in one step
  int usual_batch = 0;     ///< windows of most steps, for "auto"; 0: `batch`
  std::uint64_t seed = 0;  ///< of dropout, and of values that train_step() draws
  /// train_step() may be given windows with drawn values (Window::drawn), which the model has
  /// (ModelSpec::drawn_steps()).
  bool draws_pasts = false;
  std::string recurrence = "auto";  ///< one of kRecurrences, or "check:A,B" of two
  std::string precision = "auto";   ///< "fp32", "bf16"; on CUDA also "tf32"
  int threads = 0;                  ///< 0: all
  int cuda_device = 0;              ///< of the CUDA engine: N of "cuda:N"
  /// Most bytes of memory for the copy of the catalogue (0: no limit). A larger one lies in a file
  /// of $TMPDIR (else /var/tmp) that is mapped, with the same numbers; DataError if there is no
  /// room.
  std::int64_t memory_limit = 0;
  /// [S], or empty: no window of series s has an origin before earliest_origin[s] (kNoWindow: there
  /// is none), and the copy leaves out the steps that the others do not read. What they give does
  /// not change by a bit. All steps are kept where a model goes on from a series' start
  /// (carry_state), or from its own draws. attribute() is refused, whose baseline is of all steps.
  std::span<const std::int64_t> earliest_origin;
  static constexpr std::int64_t kNoWindow = std::numeric_limits<std::int64_t>::max();
  /// The processes that share the windows of each training step, an engine each; null: this one
  /// alone. Between backward and update the gradient and the loss become those of all. They outlive
  /// the engine, and every train_step() is called by all, with windows or without.
  Ranks* ranks = nullptr;
  /// Most bytes of device memory (0: what is free). A catalogue that does not fit beside the
  /// workspace is streamed.
  std::int64_t device_memory_limit = 0;
  /// Mean and spread of log levels over the catalogue, for the level input (model.level_input).
  /// Taken from the catalogue if `level_spread` is 0.
  float level_mean = 0, level_spread = 0;
};

/// `setup` without what it borrows (spec, catalogue, scaling, weights) and the codes: what an
/// engine keeps of it.
inline EngineSetup without_data(EngineSetup setup) {
  setup.catalog = nullptr, setup.spec = nullptr, setup.scaling = nullptr;
  setup.series_weight = {}, setup.earliest_origin = {};
  setup.codes.clear(), setup.word_codes.clear();
  return setup;
}

struct StepSettings {
  AdamWSettings adamw;
  double clip_norm = 0;     ///< 0: no clipping
  float average_decay = 0;  ///< 0: no moving average of the weights
  /// Where the step's windows lie in a batch of `windows` that processes share
  /// (EngineSetup::ranks); 0: they are the batch.
  std::int64_t first = 0, windows = 0;
};

/// Sums since the last call of take_loss(), over valid targets.
struct LossReport {
  /// Mean weighted loss of one target value, in the model's space; a negative log-likelihood may be
  /// below 0.
  double loss = 0;
  double gradient_norm = 0;  ///< of the last step, before clipping
  std::int64_t targets = 0;  ///< valid target values
  std::int64_t windows = 0;
  std::int64_t bad_series = -1;  ///< a series whose loss was not finite, or -1
};

/// Which sample paths. A path is a pure function of the parameters, its window, `seed`, its stream
/// and its number: the same whatever else is in a batch, on any number of threads, and on another
/// engine up to the rounding of its network.
struct PathSettings {
  std::int64_t first = 0;  ///< number of the first path of each window
  std::int64_t count = 1;  ///< paths of each window
  std::uint64_t seed = 0;
  std::span<const std::uint64_t> streams;  ///< [windows, M] what names each one's random numbers
};

/// Everything that a resumed training needs, as host memory.
struct EngineState {
  std::vector<float> params;                ///< [P], layout of model/params.hpp
  std::vector<float> average;               ///< [P]; empty if there is no moving average yet
  std::vector<float> m, v;                  ///< [P], AdamW's moments; empty: zero
  std::int64_t step = 0;                    ///< training steps done
  std::vector<float> carried_h, carried_c;  ///< [L, N, H] of carry_state; empty: none
};

class Engine {
 public:
  virtual ~Engine() = default;

  virtual std::string description() const = 0;  ///< "cpu, fused recurrence, fp32, 2 threads"
  virtual std::string recurrence() const = 0;   ///< the one in use: what "auto" became

  /// Restores parameters and optimizer. Blocks. Throws InternalError if sizes do not fit.
  virtual void set_state(const EngineState& state) = 0;
  virtual EngineState state() const = 0;  ///< Blocks.
  /// Parameters for validate() and forecast() only; training goes on with its own. Blocks.
  virtual void set_evaluation_params(std::span<const float> params) = 0;

  /// No target at or after limit[s] is seen by train_step; [S]. Blocks.
  virtual void set_target_limit(std::span<const std::int64_t> limit) = 0;

  /// One step: gather, forward, loss, backward, clip, AdamW, average. At most `batch` windows.
  /// Where a window is `drawn`, a sample path of the parameters as they are takes the place of its
  /// last ModelSpec::drawn_steps() values, and levels, lags and bases follow it; targets stay what
  /// they are, and no gradient flows through drawn values. A series that begins after the first of
  /// these steps keeps its values.
  virtual void train_step(std::span<const Window> windows, const StepSettings& settings) = 0;
  /// Loss since the last call. Blocks.
  virtual LossReport take_loss() = 0;

  // Of a recursive model these three are of the step after an origin alone, as its training is: K
  // is 1 there.

  /// Loss at the windows' origins (no forking, no dropout) with the evaluation parameters, whatever
  /// the target limit; any number of windows. Blocks.
  virtual LossReport validate(std::span<const Window> windows,
                              std::span<const std::int64_t> limit) = 0;

  /// Forecasts in the units of y; [windows, K, M, J]. J = Q if `offsets` is empty; else Q must be
  /// 1, `offsets` is [K, M, J] in the model's space and output j is the forecast moved by offsets
  /// j. With the likelihood of a distribution `offsets` is empty and the Q numbers are its
  /// parameters (model/likelihood.hpp): of y if y is not negative by it, else of v
  /// (model/spec.hpp). Reads no target after an origin. Blocks.
  virtual void forecast(std::span<const Window> windows, std::span<const float> offsets,
                        std::span<float> out) = 0;
  /// Sample paths of a recursive model (ModelSpec::decoding), of K steps each: the value of every
  /// step is drawn of the distribution of that step and fed back. In the units of y; out
  /// [windows, settings.count, K, M]; not finite where a distribution was not. Of counts whole
  /// numbers. Any number of windows, none of which reads a target after its origin. Blocks.
  virtual void sample(std::span<const Window> windows, const PathSettings& settings,
                      std::span<float> out) = 0;
  /// Errors in the model's space, target - forecast (the median's where Q > 1); [windows, K, M],
  /// NaN where the target is missing or at or after limit[s]. Not of a distribution. Blocks.
  virtual void residuals(std::span<const Window> windows, std::span<const std::int64_t> limit,
                         std::span<float> out) = 0;
  /// What moved the forecasts of the evaluation parameters (attribution.hpp); any number of
  /// windows. Throws ConfigError if the engine has no such pass (CUDA) or the model carries its
  /// state from window to window. Blocks.
  virtual Attributions attribute(std::span<const Window> windows, const InputGroups& groups,
                                 const AttributionSettings& settings) = 0;

  /// Seconds since construction spent in: gather (on the CPU a batch's inputs are gathered in the
  /// recurrence's walk and count there), recurrence, head (with loss), optimizer.
  struct Seconds {
    double gather = 0, recurrence = 0, head = 0, optimizer = 0;
  };
  virtual Seconds seconds() const = 0;

  /// Mean and spread behind the level input, to be stored with the model.
  struct LevelStatistics {
    float mean = 0, spread = 0;
  };
  virtual LevelStatistics level_statistics() const = 0;

  /// Another engine with these settings and this target limit on the same copy of the catalogue,
  /// with parameters, optimizer and workspace of its own: for another thread, which may call it
  /// while this one is called. This one outlives it. `threads` as in EngineSetup. Throws
  /// DeviceError if its memory does not suffice.
  virtual std::unique_ptr<Engine> beside(int threads) const = 0;
};

/// The CPU engine. Throws ConfigError for an unknown recurrence or precision, or for two that do
/// not go together, DeviceError if it refuses the shape or this machine has no bf16 products.
std::unique_ptr<Engine> make_cpu_engine(const EngineSetup& setup);

/// The CUDA engine on device setup.cuda_device; exists in builds with CUDA. Throws DeviceError if
/// there is no such device, it is too old, its memory does not suffice or no kernel supports the
/// shape; ConfigError for an unknown recurrence or precision.
std::unique_ptr<Engine> make_cuda_engine(const EngineSetup& setup);

/// The engine for `device`: "cpu", "cuda:N", "cuda" (N = 0, or of several processes on a machine a
/// device each), or "auto" ("cuda" if this build and machine have one, else the CPU).
/// setup.cuda_device does not matter. Throws DeviceError naming what exists, or where "auto" is not
/// the same on all setup.ranks.
std::unique_ptr<Engine> make_engine(const std::string& device, const EngineSetup& setup);

/// The instruction set that the CPU's fused recurrence uses here: "AVX3, 16 floats at once" (AVX3
/// is Highway's name of AVX-512).
std::string cpu_vector_text();

/// Its name alone: "AVX3".
std::string cpu_instructions();

/// What multiplies bf16 on this machine's CPU: "AVX3_BF16, 16 pairs at once", or why nothing does.
std::string cpu_bf16_text();

/// What the device "auto" is here: "cpu" or "cuda:0".
std::string automatic_device();

/// The CUDA devices here, a line each: what `device` takes, name and facts; one line "none: why"
/// without any.
std::vector<std::string> cuda_device_texts();

}  // namespace sluice
