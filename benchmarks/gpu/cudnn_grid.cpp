// cuDNN itself, below our seam: beside our recurrences ("cudnn_standard.own"), and as a grid of
// {algorithm, type, H, B}. Arrays are in cuDNN's own type, so that
// no cast of ours is timed ("train" holds two small kernels of ours, which bring the weights and
// their gradients over). What cuDNN refuses, by descriptor or by call, is a row with its words.
#include <array>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

#include "gpu/bench.hpp"
#include "gpu/kernel_names.hpp"
#include "gpu/problem.hpp"
#include "gpu/proof.hpp"
#include "recurrence/cudnn/recurrence.hpp"
#include "recurrence/shared/weight_copy.hpp"

namespace sluice::bench {
namespace {

constexpr std::array kH{16, 32, 64, 96, 128, 160, 192, 256, 384, 512};
constexpr std::array kB{16, 64, 256, 1024, 4096, 16384, 32768, 65536};

CudnnType type_of(Number number) {
  switch (number) {
    case Number::tf32:
      return CudnnType::tf32;
    case Number::bf16:
      return CudnnType::bf16;
    case Number::fp16:
      return CudnnType::fp16;
    case Number::fp32:
      break;
  }
  return CudnnType::fp32;
}

ElementType element_of(Number number) {
  return number == Number::bf16   ? ElementType::bf16
         : number == Number::fp16 ? ElementType::fp16
                                  : ElementType::fp32;
}

std::int64_t cells(const GpuShape& shape, int width) {
  return std::int64_t{shape.T} * shape.B * width;
}

constexpr std::string_view kOwn = ".own";

/// "cudnn_standard.own" -> "cudnn_standard".
std::string recurrence_name(const std::string& method) {
  return method.ends_with(kOwn) ? method.substr(0, method.size() - kOwn.size()) : method;
}

/// The arrays of a case and the recurrence that works on them. Spans have as many elements as the
/// seam asks for; with a 16-bit type these fill only the first half of that many floats.
class Run {
 public:
  Run(const GpuCase& gpu_case, DeviceContext& context)
      : shape_(gpu_case.shape),
        element_(element_of(gpu_case.number)),
        context_(context),
        recurrence_(make_cudnn_recurrence(recurrence_name(gpu_case.method),
                                          CudnnSpec{.C = shape_.I,
                                                    .H = shape_.H,
                                                    .L = shape_.L,
                                                    .type = type_of(gpu_case.number),
                                                    .dropout = false,
                                                    .own_type = true},
                                          context)),
        problem_(shape_, gpu_case.phase, context) {
    const bool training = gpu_case.phase != Phase::forward;
    recurrence_->prepare(shape_.T, shape_.B, training);
    recurrence_->load(problem_.weights());
    x_ = array(shape_.I, "x in cuDNN's type");
    h_ = array(shape_.H, "h in cuDNN's type");
    copy_as(element_, cells(shape_, shape_.I), problem_.x().data(), x_.data(), context.stream());
    if (!training) return;
    dh_ = array(shape_.H, "dh in cuDNN's type");
    dweights_ = DeviceBuffer<float>(context.memory(), weight_count(shape_), "dweights");
    take_dh();
  }

  void infer() {
    recurrence_->infer(shape_.T, shape_.B, {.x = {x_.data(), cells(shape_, shape_.I)}}, {}, h(),
                       {});
  }
  void forward() {
    recurrence_->forward(shape_.T, shape_.B, {x_.data(), cells(shape_, shape_.I)}, {}, {}, h(), {});
  }
  void backward() {
    recurrence_->backward({dh_.data(), cells(shape_, shape_.H)}, {}, {}, dweights_.span(), {});
  }
  void train() {
    recurrence_->load(problem_.weights());
    forward();
    backward();
  }

  double forward_error() {
    infer();
    return problem_.forward_error(h_in_fp32());
  }
  double gradient_error() {
    const double error = problem_.gradient_error(
        [this] {
          take_dh();
          train();
        },
        {}, dweights_.span());
    take_dh();
    return error;
  }
  /// Compares all with gemm; see proof.hpp.
  std::vector<Fact> proof(Phase phase, double tolerance) {
    std::vector<Fact> facts = prove(
        problem_, phase, kBothSides * tolerance,
        [&] { phase == Phase::forward ? infer() : train(); },
        [&] {
          return Results{h_in_fp32(), {}, dweights_.span()};
        },
        context_);
    h32_ = DeviceBuffer<float>();
    return facts;
  }

 private:
  /// Allocates; valid until it is called again.
  DeviceSpan<const float> h_in_fp32() {
    h32_.grow(context_.memory(), cells(shape_, shape_.H), "h in fp32");
    copy_from(element_, h32_.size(), h_.data(), h32_.data(), context_.stream());
    return h32_.span();
  }
  DeviceBuffer<float> array(int width, const char* purpose) {
    const std::int64_t bytes = cells(shape_, width) * element_bytes(element_);
    return {context_.memory(), (bytes + 3) / 4, purpose};
  }
  DeviceSpan<float> h() const { return {h_.data(), cells(shape_, shape_.H)}; }
  void take_dh() {
    copy_as(element_, cells(shape_, shape_.H), problem_.dh().data(), dh_.data(), context_.stream());
  }

  GpuShape shape_;
  ElementType element_;
  DeviceContext& context_;
  std::unique_ptr<DeviceRecurrence> recurrence_;
  Problem problem_;
  DeviceBuffer<float> x_, h_, dh_, dweights_, h32_;
};

GpuWork work_of(const GpuCase& gpu_case, DeviceContext& context) {
  const auto run = std::make_shared<Run>(gpu_case, context);
  GpuWork work;
  work.tolerance = tolerance_of(gpu_case.number, gpu_case.shape.T);
  work.error = [run] { return run->gradient_error(); };
  switch (gpu_case.phase) {
    case Phase::forward:
      work.run = [run] { run->infer(); };
      work.error = [run] { return run->forward_error(); };
      break;
    case Phase::backward:
      work.before = [run] { run->forward(); };
      work.run = [run] { run->backward(); };
      break;
    case Phase::train:
      work.run = [run] { run->train(); };
      break;
  }
  const bool beside_ours = gpu_case.method.ends_with(kOwn);
  work.facts = [=, phase = gpu_case.phase, tolerance = work.tolerance, timed = work.run, &context] {
    std::vector<Fact> facts;
    if (beside_ours) facts = run->proof(phase, tolerance);
    for (Fact& fact : kernel_facts(timed, context)) facts.push_back(std::move(fact));
    return facts;
  };
  return work;
}

void add_cases(const std::string& section, std::string_view variant, const GpuShape& shape,
               Number number, std::initializer_list<Phase> phases, std::vector<GpuCase>& cases) {
  for (const char* name : kCudnnRecurrences) {
    for (const Phase phase : phases) {
      GpuCase one{.section = section,
                  .method = name + std::string(variant),
                  .number = number,
                  .phase = phase,
                  .shape = shape,
                  .make = nullptr};
      GpuCase made = one;
      made.make = [one = std::move(one)](DeviceContext& context) { return work_of(one, context); };
      cases.push_back(std::move(made));
    }
  }
}

}  // namespace

std::vector<GpuCase> cudnn_own_cases(const GpuShape& shape) {
  std::vector<GpuCase> cases;
  for (const Number number : {Number::fp16, Number::bf16, Number::tf32}) {
    add_cases("recurrence", kOwn, shape, number, {Phase::forward, Phase::backward, Phase::train},
              cases);
  }
  return cases;
}

std::vector<GpuCase> cudnn_grid_cases(bool quick) {
  std::vector<GpuCase> cases;
  if (cudnn_version().empty()) return cases;
  for (const int H : kH) {
    for (const int B : kB) {
      if (quick && ((H != 64 && H != 128 && H != 512) || (B != 64 && B != 4096))) continue;
      for (const Number number : {Number::fp32, Number::tf32, Number::bf16, Number::fp16}) {
        add_cases("cudnn", "", grid_shape(H, B), number, {Phase::forward, Phase::train}, cases);
      }
    }
  }
  return cases;
}

}  // namespace sluice::bench
