// The device's gather against the host's: the same functions, compiled twice. One compiler may fuse
// a product with the sum after it where the other does not, and exp, log and pow of a card are not
// the host's: numbers agree within a few of their last bits.
#include "engine/gather.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "engine/embedding_gradient.hpp"
#include "engine/shared/gather.hpp"
#include "engine/space.hpp"
#include "engine/step_gradient.hpp"
#include "support/device.hpp"
#include "support/gappy_catalog.hpp"

namespace sluice {
namespace {

using Floats = std::vector<float>;
using testing::download;
using testing::NamedSpec;
using testing::upload;

/// 4 units in the last place of a function; and of u = v s - o with |o| <= `offset` the rounding of
/// the product v s = u + o, which a fused multiply-add does not have.
void expect_same(const Floats& device, const Floats& host, const char* what, float offset = 0) {
  ASSERT_EQ(device.size(), host.size()) << what;
  for (std::size_t i = 0; i < host.size(); ++i) {
    ASSERT_EQ(std::isnan(device[i]), std::isnan(host[i])) << what << " " << i;
    if (std::isnan(host[i])) continue;
    const float allowed = 4 * 0x1p-23f * std::max(1.0f, std::abs(host[i])) + 0x1p-24f * offset;
    ASSERT_NEAR(device[i], host[i], allowed) << what << " " << i;
  }
}

float largest_offset(const std::vector<Affine>& maps) {
  float largest = 0;
  for (const Affine& map : maps) largest = std::max(largest, std::abs(map.o));
  return largest;
}

/// A catalogue and a batch, on the host and on the device.
struct Both {
  Both(const Catalog& catalog, const ModelSpec& wanted, std::vector<Window> batch)
      : spec(wanted),
        params(testing::some_params(spec)),
        space(testing::space_of(catalog, spec)),
        host(space),
        windows(std::move(batch)),
        device_space(space, Resident::everything, context) {
    std::vector<std::int64_t> limit, limits;
    for (std::int64_t s = 0; s < catalog.series_count(); ++s)
      limit.push_back(catalog.length(s) - 2);
    for (const Window& w : windows) limits.push_back(limit[static_cast<std::size_t>(w.series)]);
    host.begin(windows, limit);
    device_windows = upload(context.memory(), windows);
    device_limit = upload(context.memory(), limits);
    device_params = upload(context.memory(), params);
    rows.space = device_space.view();
    rows.windows = device_windows.data();
    rows.N = static_cast<std::int64_t>(windows.size());
    rows.params = device_params.data();
    rows.limit = device_limit.data();
    if (spec.window_scaling != WindowScaling::none) {
      affine = DeviceBuffer<Affine>(context.memory(), rows.N * spec.M, "a test");
      fit_windows(rows, spec.window_scaling, affine.span(), context.stream());
      rows.window_affine = affine.data();
    }
  }
  DeviceBuffer<float> floats(std::int64_t size) {
    return DeviceBuffer<float>(context.memory(), size, "a test");
  }

  ModelSpec spec;
  Floats params;
  ModelSpace space;
  Gather host;
  std::vector<Window> windows;
  DeviceContext context;
  DeviceSpace device_space;
  DeviceBuffer<Window> device_windows;
  DeviceBuffer<std::int64_t> device_limit;
  DeviceBuffer<float> device_params;
  DeviceBuffer<Affine> affine;
  WindowRows rows;
};

class GatherTest : public testing::DeviceTest, public ::testing::WithParamInterface<NamedSpec> {
 protected:
  GatherTest() : spec(GetParam().spec) {
    if (spec.calendar > 0) spec.calendar = calendar_size(catalog.frequency());
  }
  Catalog catalog = testing::gappy_catalog();
  ModelSpec spec;
};

TEST_P(GatherTest, InputsAreTheHosts) {
  if (IsSkipped()) return;
  Both both(catalog, spec, testing::random_windows(catalog, 21, 1));
  const std::int64_t size = spec.patches() * both.rows.N * spec.inputs();
  DeviceBuffer<float> x = both.floats(size);
  gather_inputs(both.rows, x.span(), both.context.stream());
  Floats expected(static_cast<std::size_t>(size));
  float offset = 0;
  if (spec.window_scaling == WindowScaling::none) {
    both.host.inputs(both.params)
        .write(0, spec.patches(), 0, both.rows.N, expected.data(), both.rows.N * spec.inputs());
  } else {  // with the device's own scaling, which is tested below
    const std::vector<Affine> affine = download(both.affine);
    WindowRows rows = both.host.rows(both.params);
    rows.window_affine = affine.data();
    offset = largest_offset(affine);
    for (std::int64_t i = 0; i < spec.patches() * rows.N; ++i) {
      input_row(rows, i % rows.N, static_cast<int>(i / rows.N),
                expected.data() + i * spec.inputs());
    }
  }
  expect_same(download(x), expected, "x", offset);
}

// Where a recurrence reads them: rows further apart than they are long, what lies between is left.
TEST_P(GatherTest, InputsWithAPitchAreTheSameAndTouchNothingBetween) {
  if (IsSkipped()) return;
  const Both both(catalog, spec, testing::random_windows(catalog, 21, 1));
  const std::int64_t C = spec.inputs(), rows = spec.patches() * both.rows.N, pitch = C + 3;
  DeviceMemory memory;
  const DeviceBuffer<float> x(memory, rows * C, "a test");
  gather_inputs(both.rows, x.span(), both.context.stream());
  const Floats expected = download(x);
  const std::vector<Bf16> before_half(static_cast<std::size_t>(rows * pitch), to_bf16(7));
  const DeviceBuffer<float> wide = upload(memory, Floats(before_half.size(), 7.0f));
  const DeviceBuffer<Bf16> half = upload(memory, before_half);
  gather_inputs(both.rows, wide.data(), pitch, both.context.stream());
  gather_inputs(both.rows, half.data(), pitch, both.context.stream());
  const Floats got = download(wide);
  const std::vector<Bf16> got_half = download(half);
  for (std::int64_t i = 0; i < rows * pitch; ++i) {
    const std::int64_t column = i % pitch;
    const float want =
        column < C ? expected[static_cast<std::size_t>(i / pitch * C + column)] : 7.0f;
    ASSERT_EQ(got[static_cast<std::size_t>(i)], want) << i;
    ASSERT_EQ(to_float(got_half[static_cast<std::size_t>(i)]), to_float(to_bf16(want))) << i;
  }
}

TEST_P(GatherTest, HeadRowsAreTheHostsFromAnyRowOn) {
  if (IsSkipped()) return;
  Both both(catalog, spec, testing::random_windows(catalog, 11, 2));
  const int first = spec.first_head_step(), F = spec.head_context();
  const std::int64_t rows = both.rows.N * (spec.patches() - first), KM = spec.K * spec.M;
  WindowRows host = both.host.rows(both.params);
  const std::vector<Affine> affine =
      both.affine.empty() ? std::vector<Affine>() : download(both.affine);
  if (!affine.empty()) host.window_affine = affine.data();
  const float offset = largest_offset(affine);
  for (const std::int64_t row : {std::int64_t{0}, rows / 3, rows - 1}) {
    const std::int64_t count = std::min<std::int64_t>(rows - row, 30);
    DeviceBuffer<float> context = both.floats(count * F), base = both.floats(count * KM);
    DeviceBuffer<float> target = both.floats(count * KM);
    gather_head(both.rows, first, row, count, F, context.data(), base.data(), target.data(),
                both.context.stream());
    Floats expected_context(static_cast<std::size_t>(count * F));
    Floats expected_base(static_cast<std::size_t>(count * KM)), expected_target(expected_base);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t n = (row + i) % host.N;
      const std::int64_t t =
          patch_end(host.space, host.windows[n], first + static_cast<int>((row + i) / host.N));
      context_row(host, n, t, F, expected_context.data() + i * F);
      base_row(host, n, t, expected_base.data() + i * KM);
      target_row(host, n, t, expected_target.data() + i * KM);
    }
    expect_same(download(context), expected_context, "context", offset);
    expect_same(download(base), expected_base, "base", offset);
    expect_same(download(target), expected_target, "target", offset);
  }
}

// The sums are added in another order: in double, so a last bit of the float.
TEST_P(GatherTest, WindowScalingIsTheHosts) {
  if (IsSkipped()) return;
  if (spec.window_scaling == WindowScaling::none) return;
  spec.T = 40;  // more than the lanes of a warp
  Both both(catalog, spec, testing::random_windows(catalog, 30, 3));
  const std::vector<Affine> device = download(both.affine);
  const Affine* host = both.host.rows().window_affine;
  for (std::size_t i = 0; i < device.size(); ++i) {
    EXPECT_NEAR(device[i].s, host[i].s, 0x1p-23f * std::abs(host[i].s)) << i;
    EXPECT_NEAR(device[i].o, host[i].o, 0x1p-22f * std::max(1.0f, std::abs(host[i].o))) << i;
  }
}

TEST_P(GatherTest, ForecastsComeBackInTheUnitsOfY) {
  if (IsSkipped()) return;
  auto windows = testing::random_windows(catalog, 9, 4);
  for (Window& w : windows) w.origin = std::max<std::int64_t>(0, w.origin);
  Both both(catalog, spec, windows);
  const std::int64_t KM = spec.K * spec.M, N = both.rows.N;
  WindowRows host = both.host.rows();
  const std::vector<Affine> affine =
      both.affine.empty() ? std::vector<Affine>() : download(both.affine);
  if (!affine.empty()) host.window_affine = affine.data();
  Floats u(static_cast<std::size_t>(N * KM * 3)), offsets(static_cast<std::size_t>(KM * 2));
  for (std::size_t i = 0; i < u.size(); ++i) u[i] = std::sin(static_cast<float>(i));
  for (std::size_t i = 0; i < offsets.size(); ++i) offsets[i] = std::cos(static_cast<float>(i));
  const DeviceBuffer<float> device_u = upload(both.context.memory(), u);
  const DeviceBuffer<float> device_offsets = upload(both.context.memory(), offsets);
  for (const bool moved : {false, true}) {
    const int Q = moved ? 1 : 3, J = moved ? 2 : 3;
    DeviceBuffer<float> y = both.floats(N * KM * J);
    forecast_rows(both.rows, Q, device_u.data(), moved ? device_offsets.data() : nullptr, J,
                  y.data(), both.context.stream());
    Floats expected;
    for (std::int64_t n = 0; n < N; ++n) {
      const Window& window = windows[static_cast<std::size_t>(n)];
      for (std::int64_t i = 0; i < KM; ++i) {
        const int m = static_cast<int>(i % spec.M);
        const Affine a = row_affine(host, m, n, window.origin);
        for (std::int64_t j = 0; j < J; ++j) {
          const float value = moved ? u[static_cast<std::size_t>(n * KM + i)] +
                                          offsets[static_cast<std::size_t>(i * J + j)]
                                    : u[static_cast<std::size_t>((n * KM + i) * Q + j)];
          expected.push_back(to_y(host.space, m, window.series, (value + a.o) / a.s));
        }
      }
    }
    expect_same(download(y), expected, moved ? "moved forecasts" : "forecasts");
  }
}

// dx and dcontext as they come, so the sums have the same terms in the same order: the same bits.
TEST_P(GatherTest, EmbeddingGradientsHaveTheBitsOfTheHosts) {
  if (IsSkipped()) return;
  auto windows = testing::random_windows(catalog, 40, 5);
  std::erase_if(windows, [](const Window& w) { return w.series == 3; });  // a row nobody uses
  Both both(catalog, spec, windows);
  const std::int64_t N = both.rows.N, rows = N * (spec.patches() - spec.first_head_step());
  Floats dx(static_cast<std::size_t>(spec.patches() * N * spec.inputs()));
  Floats dcontext(static_cast<std::size_t>(rows * spec.head_embeddings()));
  for (std::size_t i = 0; i < dx.size(); ++i) dx[i] = std::sin(0.3f * static_cast<float>(i));
  for (std::size_t i = 0; i < dcontext.size(); ++i) {
    dcontext[i] = std::cos(0.7f * static_cast<float>(i));
  }
  Floats expected(both.params.size(), 0.0f), before(both.params.size(), 7.0f);
  both.host.embedding_gradient(dx, rows, dcontext, expected);
  const DeviceBuffer<float> device_dx = upload(both.context.memory(), dx);
  const DeviceBuffer<float> device_dcontext = upload(both.context.memory(), dcontext);
  DeviceBuffer<float> gradient = upload(both.context.memory(), before);
  EmbeddingGradient embeddings(spec, both.context);
  embeddings.prepare(N + 3);
  embeddings.begin(both.rows, gradient.span());
  embeddings.run(both.rows, device_dx.span(), device_dcontext.span(), gradient.span());
  DeviceStepGradient steps(spec, both.context);
  steps.prepare(N + 3);
  steps.begin(both.rows, gradient.span());
  steps.run(both.rows, device_dx.span(), device_dcontext.span(), gradient.span());
  const Floats result = download(gradient);
  const ParamBlock first = ParamLayout(spec).block("embedding.0.weight");
  const auto begin = static_cast<std::size_t>(first.offset);
  EXPECT_EQ(Floats(result.begin(), result.begin() + first.offset),
            Floats(begin, 7.0f));  // not its part
  float largest = 0;
  for (std::size_t i = begin; i < result.size(); ++i) {
    EXPECT_EQ(result[i], expected[i]) << i;
    largest = std::max(largest, std::abs(result[i]));
  }
  EXPECT_GT(largest, 0.5f);
}

INSTANTIATE_TEST_SUITE_P(Specs, GatherTest, ::testing::ValuesIn(testing::gappy_specs()),
                         [](const auto& c) { return c.param.name; });

class GatherShapesTest : public testing::DeviceTest {};

TEST_F(GatherShapesTest, ARowTooLongForSharedMemoryIsGatheredToo) {
  if (IsSkipped()) return;
  const Catalog catalog = testing::gappy_catalog();
  ModelSpec spec = testing::gappy_specs().back().spec;
  spec.T = 2, spec.level_change = false;
  for (int i = 0; i < 12'500; ++i) spec.lags.push_back(1 + i % 50);
  Both both(catalog, spec, testing::random_windows(catalog, 3, 6));
  const std::int64_t size = spec.patches() * both.rows.N * spec.inputs();
  DeviceBuffer<float> x = both.floats(size);
  gather_inputs(both.rows, x.span(), both.context.stream());
  Floats expected(static_cast<std::size_t>(size));
  both.host.inputs(both.params)
      .write(0, spec.patches(), 0, both.rows.N, expected.data(), both.rows.N * spec.inputs());
  expect_same(download(x), expected, "x");
}

TEST_F(GatherShapesTest, ResidualsAreTargetsMinusTheMedian) {
  if (IsSkipped()) return;
  DeviceContext context;
  const float missing = missing_value();
  const DeviceBuffer<float> u = upload(context.memory(), Floats{1, 2, 3, 4, 5, 6, 7, 8, 9});
  const DeviceBuffer<float> target = upload(context.memory(), Floats{10, missing, 30});
  DeviceBuffer<float> residual(context.memory(), 3, "a test");
  residual_rows(3, 3, 1, u.data(), target.data(), residual.data(), context.stream());
  expect_same(download(residual), {8, missing, 22}, "residual");
}

}  // namespace
}  // namespace sluice
