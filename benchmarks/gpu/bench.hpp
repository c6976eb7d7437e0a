// What a benchmark on a GPU is, and the sections that exist. A section is a file
// section_SECTION.cpp with one function that gives its cases, declared at the end of this file.
// Every case is checked against double precision before it is timed; a case that is refused is a
// row with the reason.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/context.hpp"
#include "sluice/model/precision.hpp"

namespace sluice::bench {

/// The type of a recurrence's products: the engine's precisions (sluice/model/precision.hpp) and
/// fp16, which only cuDNN is measured in.
enum class Number { fp32, tf32, bf16, fp16 };
std::string_view to_string(Number number);
Number number_of(Precision precision);

/// forward: h from x as in a forecast, nothing kept. backward: of a forward that kept what it
/// needs, which is not timed. train: take new weights, forward, backward.
enum class Phase { forward, backward, train };
std::string_view to_string(Phase phase);

struct GpuShape {
  int B = 1, T = 1, I = 1, H = 1, L = 1;
  bool operator==(const GpuShape&) const = default;
};

/// Something a case tells of itself: which kernel ran, how far an array is from another's.
struct Fact {
  std::string name;
  std::variant<double, std::string> value;
};

/// What a case asks of the device. The functions queue work on context.stream(), allocate nothing
/// and do not wait, unless said; everything that `run` needs is owned by them.
struct GpuWork {
  std::function<void()> run;     ///< what is timed, as a stream of launches and as a graph
  std::function<void()> before;  ///< queued before each run, not timed; may be empty
  /// Largest error relative to double precision (of an engine: to gemm in fp32); may wait and
  /// allocate. Called once, before the timing. Empty: there is nothing to compare.
  std::function<double()> error;
  /// Called once, after error() and before the timing; written with the case. May be empty.
  std::function<std::vector<Fact>()> facts;
  double tolerance = 0;    ///< a larger error (or NaN) is a failed row, which is not timed
  bool capturable = true;  ///< false: timed as a stream of launches only
  /// Above 0: `run` does so many steps on a stream of its own and waits for them. It is timed by
  /// the host's clock, without a graph; seconds are of one step.
  int waited_steps = 0;
  double model_bytes = 0;  ///< 0: the traffic model of roof.hpp
};

struct GpuCase {
  std::string section;  ///< "recurrence", "cudnn", "engine"
  std::string method;   ///< "fused_mma", "cudnn_persist_static": what is compared in a shape
  Number number = Number::fp32;
  Phase phase = Phase::forward;
  GpuShape shape;
  /// Makes the arrays. Throws DeviceError where the case is refused; the row keeps the reason.
  /// Called for chosen cases only; at most one case's work is alive at a time.
  std::function<GpuWork(DeviceContext&)> make;
};

/// "recurrence/fused_mma/bf16/train/1024,28,8,64,1" (B,T,I,H,L): for --filter and tables.
std::string name_of(const GpuCase& gpu_case);

/// One number of the device itself: "tanh.approx", 1e12/s.
struct RateCase {
  std::string name;
  std::string unit;  ///< of `work` a second
  double work = 0;   ///< of one run
  std::function<GpuWork(DeviceContext&)> make;
};

/// The shapes of the recurrence section. Sections that are to be compared with it - cuDNN in fp16,
/// above all - take them too: ratios are made between rows of one shape and phase.
std::vector<GpuShape> recurrence_shapes(bool quick);

/// A point of the grid over {H, B}: one layer, T 24 and 16 inputs.
GpuShape grid_shape(int H, int B);

/// "9.24.0", or empty where cuDNN was not built or is not found.
std::string cudnn_version();
/// SharedLibrary::listing() of cuBLAS and cuDNN.
std::vector<std::string> library_listings();

/// The sections. `quick`: a few shapes, for a first look.
std::vector<GpuCase> recurrence_cases(bool quick);
/// Those of ours that are fastest of their type, where cudnn_grid_cases() has cuDNN.
std::vector<GpuCase> recurrence_grid_cases(bool quick);
std::vector<GpuCase> recurrence_cases_of(const GpuShape& shape);
/// cuDNN itself beside those: bf16, tf32 and fp16, arrays in its own type ("cudnn_standard.own").
std::vector<GpuCase> cudnn_own_cases(const GpuShape& shape);
/// cuDNN itself over {algorithm, type, H, B}, below our recurrence; none where cuDNN was not built.
std::vector<GpuCase> cudnn_grid_cases(bool quick);
/// Whole CUDA engines, resident and streamed.
std::vector<GpuCase> engine_cases(bool quick);
std::vector<RateCase> rate_cases(const DeviceInfo& device);

}  // namespace sluice::bench
