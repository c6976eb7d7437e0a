// A model sees the same bits on slices of the catalogue as on the whole.
#include "engine/shared/slices.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "engine/shared/space_arrays.hpp"
#include "sluice/base/error.hpp"
#include "support/gappy_catalog.hpp"

namespace sluice {
namespace {

using testing::gappy_catalog;
using testing::gappy_specs;
using testing::random_windows;
using testing::space_of;

/// A batch packed into a block of its own, for one more window than there are.
struct Packed {
  Packed(const Slices& slices, const SpaceView& whole, const std::vector<Window>& windows)
      : shape(slices.shape(static_cast<std::int64_t>(windows.size()) + 1)),
        block(static_cast<std::size_t>(shape.bytes())),
        slots(windows.size()),
        steps(slices.pack(windows, shape, block.data(), slots)) {
    rows.space = slices.view(shape, whole, block.data());
    rows.windows = slots.data();
    rows.N = static_cast<std::int64_t>(slots.size());
  }
  Slices::Shape shape;
  std::vector<std::byte> block;
  std::vector<Window> slots;
  std::int64_t steps;
  WindowRows rows;
};

WindowRows rows_of(const SpaceView& space, const std::vector<Window>& windows) {
  WindowRows rows;
  rows.space = space;
  rows.windows = windows.data();
  rows.N = static_cast<std::int64_t>(windows.size());
  return rows;
}

/// Everything that is read of window n.
std::vector<float> all_of(const WindowRows& rows, std::int64_t n, int F) {
  const SpaceView& space = rows.space;
  const Window& window = rows.windows[n];
  std::vector<float> out;
  const auto more = [&](int count) {
    out.resize(out.size() + static_cast<std::size_t>(count));
    return out.data() + out.size() - count;
  };
  for (int j = 0; j < patches(space); ++j) {
    const std::int64_t t = patch_end(space, window, j);
    input_row(rows, n, j, more(space.C));
    context_row(rows, n, t, F, more(F));
    base_row(rows, n, t, more(space.K * space.M));
    target_row(rows, n, t, more(space.K * space.M));
    *more(1) = row_weight(rows, n, t);
  }
  for (int m = 0; m < space.M; ++m) *more(1) = to_y(space, m, window.series, 0.5f);
  return out;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

class SlicesTest : public ::testing::TestWithParam<testing::NamedSpec> {
 protected:
  SlicesTest() : spec(GetParam().spec) {
    if (spec.calendar > 0) spec.calendar = calendar_size(catalog.frequency());
  }
  Catalog catalog = gappy_catalog();
  ModelSpec spec;
};

TEST_P(SlicesTest, RowsOfAnyWindowAreThoseOfTheWholeCatalogue) {
  const ModelSpace space = space_of(catalog, spec);
  const std::vector<float> params = testing::some_params(spec);
  const Slices slices(space, 2);
  std::int64_t cut = 0;  // slices that do not begin with their series
  for (unsigned seed = 0; seed < 40; ++seed) {
    const std::vector<Window> windows = random_windows(catalog, 5, seed);
    WindowRows whole = rows_of(space.view(), windows);
    Packed packed(slices, space.view(), windows);
    whole.params = packed.rows.params = params.data();
    for (std::int64_t n = 0; n < whole.N; ++n) {
      const Window& window = windows[static_cast<std::size_t>(n)];
      cut += slices.range(window).begin > 0 ? 1 : 0;
      ASSERT_TRUE(same_bits(all_of(packed.rows, n, spec.head_context()),
                            all_of(whole, n, spec.head_context())))
          << "series " << window.series << ", origin " << window.origin;
      EXPECT_EQ(packed.slots[static_cast<std::size_t>(n)].continues, window.continues);
    }
  }
  EXPECT_GT(cut, 20);
}

TEST_P(SlicesTest, ACopyOfWhatWindowsReadHasTheSameRows) {
  const ModelSpace whole_space = space_of(catalog, spec);
  const std::vector<float> params = testing::some_params(spec);
  std::int64_t left_out = 0;
  for (unsigned seed = 0; seed < 40; ++seed) {
    const std::vector<Window> windows = random_windows(catalog, 5, seed);
    std::vector<std::int64_t> earliest(static_cast<std::size_t>(catalog.series_count()),
                                       EngineSetup::kNoWindow);
    for (const Window& w : windows) {
      std::int64_t& first = earliest[static_cast<std::size_t>(w.series)];
      first = std::min(first, w.origin);
    }
    const ModelSpace space = space_of(catalog, spec, earliest);
    space.prepare(windows);
    left_out += whole_space.view().total - space.view().total;
    WindowRows whole = rows_of(whole_space.view(), windows);
    WindowRows rows = rows_of(space.view(), windows);
    Packed packed(Slices(space, 1), space.view(), windows);
    whole.params = rows.params = packed.rows.params = params.data();
    for (std::int64_t n = 0; n < whole.N; ++n) {
      const Window& window = windows[static_cast<std::size_t>(n)];
      const auto expected = all_of(whole, n, spec.head_context());
      ASSERT_TRUE(same_bits(all_of(rows, n, spec.head_context()), expected))
          << "series " << window.series << ", origin " << window.origin;
      ASSERT_TRUE(same_bits(all_of(packed.rows, n, spec.head_context()), expected))
          << "a slice of series " << window.series << ", origin " << window.origin;
    }
  }
  EXPECT_GT(left_out, 40 * 100) << "of 597 steps a time";
}

TEST_P(SlicesTest, NoSliceIsLongerThanPromised) {
  const ModelSpace space = space_of(catalog, spec);
  const Slices slices(space, 1);
  std::int64_t longest = 0;
  for (std::int32_t s = 0; s < catalog.series_count(); ++s) {
    for (std::int64_t origin = -1; origin < catalog.length(s); ++origin) {
      const Slices::Range range = slices.range({.origin = origin, .series = s});
      EXPECT_GE(range.begin, 0);
      EXPECT_LE(range.end, catalog.length(s));
      longest = std::max(longest, range.end - range.begin);
    }
  }
  EXPECT_EQ(longest, slices.longest());
  EXPECT_LT(longest, 200);  // of the longest series
}

INSTANTIATE_TEST_SUITE_P(Specs, SlicesTest, ::testing::ValuesIn(gappy_specs()),
                         [](const auto& c) { return c.param.name; });

// Their states begin with the series, whatever they were trained to draw.
TEST(SlicesBlockTest, ACopyForModelsThatGoOnFromTheStartIsWhole) {
  const Catalog catalog = gappy_catalog();
  ModelSpec spec = gappy_specs().front().spec;
  spec.calendar = calendar_size(catalog.frequency());
  std::vector<std::int64_t> late;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) late.push_back(catalog.length(s) - 1);
  EXPECT_LT(space_of(catalog, spec, late).view().total, catalog.offset(catalog.series_count()));
  ModelSpec recursive = spec;
  recursive.decoding = Decoding::recursive, recursive.loss = Loss::gaussian;
  ModelSpec draws_nothing = recursive;
  draws_nothing.forking = false, draws_nothing.warmup = 0;
  ASSERT_EQ(draws_nothing.drawn_steps(), 0);
  ModelSpec carried = spec;
  carried.carry_state = true;
  for (const ModelSpec& one : {recursive, draws_nothing, carried}) {
    EXPECT_EQ(space_of(catalog, one, late).view().total, catalog.offset(catalog.series_count()));
  }
  EXPECT_THROW(space_of(catalog, spec, {1, 2}), InternalError);
}

TEST(SlicesBlockTest, ABlockHoldsItsWorstBatch) {
  const Catalog catalog = gappy_catalog();
  ModelSpec spec = gappy_specs().front().spec;
  spec.calendar = calendar_size(catalog.frequency());
  const ModelSpace space = space_of(catalog, spec);
  const Slices slices(space, 1);
  Window worst;
  for (std::int64_t origin = 0; origin < catalog.length(6); ++origin) {
    const Window window{.origin = origin, .series = 6};
    const auto steps = [&](const Window& w) { return slices.range(w).end - slices.range(w).begin; };
    if (steps(window) >= steps(worst)) worst = window;
  }
  const Packed packed(slices, space.view(), std::vector<Window>(4, worst));
  EXPECT_EQ(packed.steps, 4 * slices.longest());
  EXPECT_GE(packed.shape.total, 5 * slices.longest());
  EXPECT_EQ(packed.shape.total % (kArrayAlignment / 4), 0);
  EXPECT_EQ(packed.shape.channels, 2 + 2 + 2 + 3);  // v, level, covariates, codes of words
}

// A gap that begins with the series is walked to its end on a slice as on the whole: it must not
// make slices long.
TEST(SlicesBlockTest, AGapBeforeTheFirstValueCostsNothing) {
  auto series = testing::weekly_series(1, 100);
  ModelSpec spec;
  spec.T = 5, spec.K = 2, spec.base = Base::last;
  const auto longest = [&] {
    const Catalog catalog{testing::daily_parts(series)};
    return Slices(space_of(catalog, spec), 1).longest();
  };
  EXPECT_EQ(longest(), 5 + 2 + 1);
  for (std::size_t t = 0; t < 40; ++t) series[0][t] = testing::kMissing;
  EXPECT_EQ(longest(), 5 + 2 + 1);
  for (std::size_t t = 60; t < 70; ++t) series[0][t] = testing::kMissing;
  EXPECT_EQ(longest(), 5 + 2 + 1 + 10);
}

}  // namespace
}  // namespace sluice
