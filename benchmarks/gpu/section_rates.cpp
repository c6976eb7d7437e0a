// What the device itself can do, one rate a case: the roofs of roof.hpp, the price of a launch, the
// error of tanh.approx, and what cuBLAS makes of the products of weight gradients.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/matmul.hpp"
#include "gpu/bench.hpp"
#include "gpu/fill.hpp"
#include "gpu/kernel_names.hpp"
#include "gpu/rates.hpp"
#include "gpu/tanh_error.hpp"
#include "recurrence/fused_mma/rows.hpp"
#include "recurrence/shared/cast.hpp"

namespace sluice::bench {
namespace {

constexpr int kBlocksPerMultiprocessor = 8;

using Spend = void (*)(RateShape, DeviceSpan<float>, cudaStream_t);

RateCase spending(const char* name, const char* unit, Spend spend, double work_of_thread_round,
                  RateShape shape) {
  const double threads = static_cast<double>(shape.blocks) * kRateThreads;
  RateCase c;
  c.name = name, c.unit = unit;
  c.work = work_of_thread_round * kChains * shape.rounds * threads;
  c.make = [=](DeviceContext& context) {
    auto out = std::make_shared<DeviceBuffer<float>>(
        context.memory(), std::int64_t{shape.blocks} * kRateThreads, "results of a rate");
    GpuWork work;
    work.run = [=, stream = context.stream()] { spend(shape, out->span(), stream); };
    return work;
  };
  return c;
}

RateCase device_copy(std::int64_t bytes) {
  RateCase c;
  c.name = "device copy", c.unit = "B";
  c.work = 2 * static_cast<double>(bytes);  // read and written
  c.make = [bytes](DeviceContext& context) {
    struct Pair {
      DeviceBuffer<std::byte> from, to;
    };
    auto pair = std::make_shared<Pair>();
    pair->from = DeviceBuffer<std::byte>(context.memory(), bytes, "a copy's source");
    pair->to = DeviceBuffer<std::byte>(context.memory(), bytes, "a copy's target");
    set_zero(pair->from.span(), context.stream());
    GpuWork work;
    work.run = [pair, stream = context.stream()] {
      check(cudaMemcpyAsync(pair->to.data(), pair->from.data(), pair->from.span().bytes(),
                            cudaMemcpyDeviceToDevice, stream),
            "cudaMemcpyAsync on the device");
    };
    return work;
  };
  return c;
}

RateCase empty_kernels() {
  constexpr int kLaunches = 100;
  RateCase c;
  c.name = "empty kernel", c.unit = "launch", c.work = kLaunches;
  c.make = [](DeviceContext& context) {
    GpuWork work;
    work.run = [stream = context.stream()] {
      for (int i = 0; i < kLaunches; ++i) launch_nothing(stream);
    };
    return work;
  };
  return c;
}

/// dA^T [h | 1 | x]: a weight gradient's product, m = 4H, n columns of a row of `pitch` elements,
/// k = T B.
struct ProductShape {
  std::int64_t m = 1, n = 1, k = 1, pitch = 1;
};

/// Those of the shapes that are looked at first, as fused_mma asks for them (first layer, upper
/// layer); dW and dR alone where the product is largest.
std::vector<ProductShape> product_shapes(Precision precision) {
  constexpr std::int64_t kSteps = 32768 * 24;
  std::vector<ProductShape> shapes{{.m = 512, .n = 16, .k = kSteps, .pitch = 16},
                                   {.m = 512, .n = 128, .k = kSteps, .pitch = 128}};
  for (const GpuShape& s : {GpuShape{.B = 32768, .T = 24, .I = 15, .H = 128, .L = 1},
                            GpuShape{.B = 16384, .T = 28, .I = 16, .H = 64, .L = 1},
                            GpuShape{.B = 256, .T = 24, .I = 15, .H = 128, .L = 1},
                            GpuShape{.B = 4096, .T = 28, .I = 8, .H = 32, .L = 1},
                            GpuShape{.B = 16384, .T = 10, .I = 14, .H = 64, .L = 4}}) {
    const mma::TrainingRows rows = mma::training_rows(precision, s.L, s.H, s.I, false);
    for (int l = 0; l < std::min(s.L, 2); ++l) {
      shapes.push_back({.m = 4LL * s.H,
                        .n = rows.width(l),
                        .k = std::int64_t{s.B} * s.T,
                        .pitch = rows.pitch()});
    }
  }
  return shapes;
}

/// Random operands in the type of the product; bf16 as rows of Bf16, else floats.
struct Product {
  MatmulShape shape;
  Precision precision;
  DeviceBuffer<float> a, b, c;
  DeviceBuffer<Bf16> a16, b16;

  Product(const ProductShape& s, Precision p, DeviceContext& context)
      : shape{.m = s.m,
              .n = s.n,
              .k = s.k,
              .transpose_a = true,
              .lda = s.m,
              .ldb = s.pitch,
              .ldc = s.n},
        precision(p) {
    const auto filled = [&](std::int64_t size, std::uint64_t key) {
      DeviceBuffer<float> buffer(context.memory(), size, "an operand of a product");
      fill_random(buffer.span(), key, 1, context.stream());
      return buffer;
    };
    a = filled(s.m * s.k, 1), b = filled(s.pitch * s.k, 2);
    c = DeviceBuffer<float>(context.memory(), s.m * s.n, "a product");
    if (p != Precision::bf16) return;
    const auto cast_down = [&](DeviceBuffer<float>& from) {
      DeviceBuffer<Bf16> to(context.memory(), from.size(), "an operand of a product");
      cast(from.size(), from.data(), to.data(), context.stream());
      context.synchronize();
      from = DeviceBuffer<float>();
      return to;
    };
    a16 = cast_down(a), b16 = cast_down(b);
  }

  void run(cublasHandle_t blas) const {
    if (precision == Precision::bf16) {
      matmul(blas, shape, a16.data(), b16.data(), c.data());
    } else {
      matmul(blas, shape, precision, a.data(), b.data(), c.data());
    }
  }
};

/// `parts`: of its k, one of so many is summed; the name is that of the whole.
RateCase product(ProductShape shape, Precision precision, std::int64_t parts) {
  RateCase c;
  c.name = fmt::format("product {} {}x{}x{}", to_string(precision), shape.m, shape.n, shape.k);
  shape.k /= parts;
  const auto m = static_cast<double>(shape.m), n = static_cast<double>(shape.n),
             k = static_cast<double>(shape.k);
  const double bytes = (precision == Precision::bf16 ? 2 : 4) * (m + n) * k + 4 * m * n;
  c.unit = "FLOP", c.work = 2 * m * n * k;
  c.make = [=](DeviceContext& context) {
    const auto product = std::make_shared<Product>(shape, precision, context);
    GpuWork work;
    work.run = [product, blas = context.blas()] { product->run(blas); };
    work.facts = [=, &context, run = work.run] {
      run();  // first use: what may not happen in the capture of kernel_facts()
      std::vector<Fact> facts{{"bytes", bytes}};  // of one run, each read or written once
      for (Fact& fact : kernel_facts(run, context)) facts.push_back(std::move(fact));
      return facts;
    };
    return work;
  };
  return c;
}

/// What is timed is the range where most of a cell's inputs lie; the table over all is its facts:
/// "max abs 0.1..1", "max rel 0.1..1" and "max rel at 0.1..1" (the input) for each range.
RateCase tanh_errors(std::int64_t step) {
  static constexpr std::size_t kTimed = 6;
  RateCase c;
  c.name = "tanh.approx error", c.unit = "input";
  c.work = static_cast<double>(TanhProbe::inputs(tanh_ranges()[kTimed], step));
  c.make = [step](DeviceContext& context) {
    const auto probe = std::make_shared<TanhProbe>(context);
    GpuWork work;
    work.run = [=] { probe->run(tanh_ranges()[kTimed], step); };
    work.facts = [=] {
      std::vector<Fact> facts{{"every n-th input", static_cast<double>(step)}};
      for (const TanhRange& range : tanh_ranges()) {
        probe->run(range, step);
        const TanhError error = probe->result();
        facts.push_back({"max abs " + range.words, static_cast<double>(error.absolute)});
        facts.push_back({"max rel " + range.words, static_cast<double>(error.relative)});
        facts.push_back({"max rel at " + range.words, static_cast<double>(error.relative_at)});
      }
      return facts;
    };
    return work;
  };
  return c;
}

}  // namespace

/// The names are read by measured_rates(), and are the same for every device: they are chosen by a
/// process that has none. A device of one multiprocessor gets little work: that is the stand-in of
/// the tests.
std::vector<RateCase> rate_cases(const DeviceInfo& device) {
  const bool small = device.multiprocessors <= 1;
  const RateShape shape{device.multiprocessors * (small ? 1 : kBlocksPerMultiprocessor),
                        small ? 2 : 2000};
  constexpr double kFmaFlops = 2, kBf16 = 2.0 * 16 * 8 * 16 / 32, kTf32 = 2.0 * 16 * 8 * 8 / 32;
  constexpr std::int64_t kLargestCopy = 1 << 30;
  const std::int64_t copy = std::min(kLargestCopy, device.memory_bytes / 8);
  std::vector<RateCase> cases{spending("tanh.approx", "op", spend_tanh, 1, shape),
                              spending("fma fp32", "FLOP", spend_fma, kFmaFlops, shape),
                              spending("mma.sync bf16", "FLOP", spend_mma_bf16, kBf16, shape),
                              spending("mma.sync tf32", "FLOP", spend_mma_tf32, kTf32, shape),
                              device_copy(copy),
                              empty_kernels()};
  constexpr std::int64_t kAll = 1, kSample = 1 << 22;
  cases.push_back(tanh_errors(small ? kSample : kAll));
  for (const Precision precision : {Precision::bf16, Precision::tf32}) {
    for (const ProductShape& s : product_shapes(precision)) {
      constexpr std::int64_t kFewSteps = 24;
      cases.push_back(product(s, precision, small ? 256 * 24 / kFewSteps : 1));
    }
  }
  return cases;
}

}  // namespace sluice::bench
