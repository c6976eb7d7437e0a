// The ring of batches and the ring of results. On the stand-in every stream's work runs late and in
// random order, so a wait that is missing shows as a wrong number.
#include "engine/streamer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <optional>

#include "engine/gather.hpp"
#include "engine/shared/gather.hpp"
#include "engine/shared/space_arrays.hpp"
#include "sluice/base/error.hpp"
#include "support/device.hpp"
#include "support/gappy_catalog.hpp"

namespace sluice {
namespace {

using testing::download;
using ::testing::HasSubstr;
using testing::NamedSpec;
using testing::random_windows;
using testing::upload;

using Bits = std::vector<std::uint32_t>;

Bits bits(const std::vector<float>& values) {
  Bits out(values.size());
  std::memcpy(out.data(), values.data(), values.size() * sizeof(float));
  return out;
}

/// A catalogue with a ring for it.
struct World {
  World(const Catalog& catalog, const ModelSpec& wanted, Resident resident,
        std::int64_t memory_limit = 0)
      : spec(wanted),
        space(testing::space_of(catalog, spec)),
        context(memory_limit),
        device_space(space, resident, context),
        streamer(space, device_space, context, 2),
        params(upload(context.memory(), testing::some_params(spec))) {
    for (std::int64_t s = 0; s < catalog.series_count(); ++s)
      limit.push_back(catalog.length(s) - 1);
  }
  DeviceBuffer<float> floats(std::int64_t size) {
    return DeviceBuffer<float>(context.memory(), size, "a test");
  }

  ModelSpec spec;
  ModelSpace space;
  DeviceContext context;
  DeviceSpace device_space;
  Streamer streamer;
  DeviceBuffer<float> params;
  std::vector<std::int64_t> limit;
};

/// What the device makes of one batch; on the compute stream.
struct Gathered {
  Gathered(World& world, std::int64_t N)
      : affine(world.context.memory(), N * world.spec.M, "a test"),
        x(world.floats(world.spec.patches() * N * world.spec.inputs())),
        context(world.floats(N * world.spec.patches() * world.spec.head_context())),
        base(world.floats(N * world.spec.patches() * world.spec.K * world.spec.M)),
        target(world.floats(base.size())),
        y(world.floats(N * world.spec.K * world.spec.M)),
        extra(world.context.memory(), 8, "a test") {}

  void run(World& world, const StagedBatch& batch) {
    const ModelSpec& spec = world.spec;
    cudaStream_t stream = world.context.stream();
    WindowRows rows = batch.rows;
    rows.params = world.params.data();
    if (spec.window_scaling != WindowScaling::none) {
      fit_windows(rows, spec.window_scaling, affine.span(), stream);
      rows.window_affine = affine.data();
    }
    gather_inputs(rows, x.span(), stream);
    gather_head(rows, 0, 0, rows.N * spec.patches(), spec.head_context(), context.data(),
                base.data(), target.data(), stream);
    set_zero(y.span(), stream);
    if (batch.rows.N == 1) {  // y of a window that has begun
      forecast_rows(rows, 1, x.data(), nullptr, 1, y.data(), stream);
    }
    check(cudaMemcpyAsync(extra.data(), batch.extra, 8, cudaMemcpyDeviceToDevice, stream),
          "cudaMemcpyAsync of a test");
  }

  std::vector<Bits> all() const {
    return {bits(download(x)), bits(download(context)), bits(download(base)),
            bits(download(target)), bits(download(y))};
  }
  double number() const {
    double value = 0;
    std::memcpy(&value, download(extra).data(), sizeof value);
    return value;
  }

  DeviceBuffer<Affine> affine;
  DeviceBuffer<float> x, context, base, target, y;
  DeviceBuffer<std::byte> extra;
};

/// Batches of 1, 2, 3, 4, 1, ... windows through a ring, without a wait in between.
std::vector<std::vector<Bits>> gathered(World& world, const Catalog& catalog, unsigned batches) {
  world.streamer.prepare(4, 8);
  std::vector<Gathered> results;
  for (unsigned i = 0; i < batches; ++i) {
    std::vector<Window> windows = random_windows(catalog, 1 + static_cast<int>(i % 4), i);
    if (windows.size() == 1) windows[0].origin = std::max<std::int64_t>(windows[0].origin, 0);
    std::vector<std::int64_t> limit = world.limit;
    const double number = 0.5 + i;
    results.emplace_back(world, static_cast<std::int64_t>(windows.size()));
    const StagedBatch batch =
        world.streamer.stage(windows, i % 3 == 0 ? std::span<const std::int64_t>() : limit,
                             std::as_bytes(std::span(&number, 1)));
    // What was handed over may go at once.
    std::fill(windows.begin(), windows.end(), Window{.origin = 1 << 30, .series = 1 << 30});
    std::fill(limit.begin(), limit.end(), 0);
    results.back().run(world, batch);
    world.streamer.release(batch);
  }
  std::vector<std::vector<Bits>> out;
  for (unsigned i = 0; i < batches; ++i) {
    EXPECT_EQ(results[i].number(), 0.5 + i);
    out.push_back(results[i].all());
  }
  return out;
}

class StreamerTest : public testing::DeviceTest, public ::testing::WithParamInterface<NamedSpec> {};

TEST_P(StreamerTest, StreamedBatchesGiveTheBitsOfTheResidentCatalogue) {
  if (IsSkipped()) return;
  const Catalog catalog = testing::gappy_catalog();
  ModelSpec spec = GetParam().spec;
  if (spec.calendar > 0) spec.calendar = calendar_size(catalog.frequency());
  World resident(catalog, spec, Resident::everything), streamed(catalog, spec, Resident::tables);
  constexpr unsigned kBatches = 10;
  const auto expected = gathered(resident, catalog, kBatches);
  const auto result = gathered(streamed, catalog, kBatches);
  for (unsigned i = 0; i < kBatches; ++i) {
    for (std::size_t part = 0; part < expected[i].size(); ++part) {
      ASSERT_EQ(result[i][part], expected[i][part]) << "batch " << i << ", part " << part;
    }
  }
  // And the resident ones are the host's.
  const std::vector<float> params = testing::some_params(spec);
  const std::vector<Window> windows = random_windows(catalog, 2, 1);
  WindowRows host;
  host.space = resident.space.view();
  host.windows = windows.data(), host.N = 2, host.params = params.data();
  std::vector<float> row(static_cast<std::size_t>(spec.inputs()));
  for (std::int64_t r = 0; r < 2 * spec.patches() && spec.window_scaling == WindowScaling::none;
       ++r) {
    input_row(host, r % 2, static_cast<int>(r / 2), row.data());
    std::vector<float> device(row.size());
    std::memcpy(device.data(), expected[1][0].data() + static_cast<std::size_t>(r) * row.size(),
                row.size() * sizeof(float));
    EXPECT_THAT(device, ::testing::Pointwise(::testing::FloatNear(1e-5f), row)) << r;
  }
}

INSTANTIATE_TEST_SUITE_P(Specs, StreamerTest, ::testing::ValuesIn(testing::gappy_specs()),
                         [](const auto& c) { return c.param.name; });

class RingTest : public testing::DeviceTest {
 protected:
  RingTest() {
    spec = testing::gappy_specs().front().spec;
    spec.calendar = calendar_size(catalog.frequency());
  }
  Catalog catalog = testing::gappy_catalog();
  ModelSpec spec;
};

TEST_F(RingTest, AddressesOfASlotStayWhatTheyAre) {
  if (IsSkipped()) return;
  for (const Resident resident : {Resident::everything, Resident::tables}) {
    World world(catalog, spec, resident);
    world.streamer.prepare(4, 16);
    std::vector<StagedBatch> first;
    for (int i = 0; i < 3 * kBlocks; ++i) {
      world.streamer.prepare(2, 8);  // is ready for that already
      const StagedBatch batch =
          world.streamer.stage(random_windows(catalog, 3, static_cast<unsigned>(i)), {}, {});
      world.streamer.release(batch);
      if (i < kBlocks) {
        first.push_back(batch);
        EXPECT_EQ(batch.slot, i);
        continue;
      }
      const StagedBatch& before = first[static_cast<std::size_t>(batch.slot)];
      EXPECT_EQ(std::memcmp(&batch.rows, &before.rows, sizeof batch.rows), 0);
      EXPECT_EQ(batch.extra, before.extra);
    }
    testing::synchronize_device();
  }
}

TEST_F(RingTest, ARingGrowsBetweenBatches) {
  if (IsSkipped()) return;
  World world(catalog, spec, Resident::tables);
  const std::int64_t before = world.context.memory().used();
  gathered(world, catalog, 4);
  EXPECT_EQ(world.context.memory().used() - before, world.streamer.bytes(4, 8));
  const std::vector<Window> windows = random_windows(catalog, 9, 3);
  world.streamer.prepare(9, 0);  // and still takes 8 bytes beside
  EXPECT_EQ(world.context.memory().used() - before, world.streamer.bytes(9, 8));
  World resident(catalog, spec, Resident::everything);
  resident.streamer.prepare(9, 8);
  std::vector<std::vector<Bits>> results;
  const double number = 3;
  for (World* of : {&world, &resident}) {
    Gathered result(*of, 9);
    const StagedBatch batch =
        of->streamer.stage(windows, of->limit, std::as_bytes(std::span(&number, 1)));
    result.run(*of, batch);
    of->streamer.release(batch);
    results.push_back(result.all());
    EXPECT_EQ(result.number(), 3);
  }
  EXPECT_EQ(results[0], results[1]);
}

TEST_F(RingTest, ALimitTooSmallNamesWhatIsNeeded) {
  if (IsSkipped()) return;
  constexpr std::int64_t kLimit = 1 << 30;
  World world(catalog, spec, Resident::tables, kLimit);
  DeviceMemory& memory = world.context.memory();
  const std::int64_t needed = world.streamer.bytes(64, 8);
  const auto leave = [&](std::int64_t bytes) {
    return DeviceBuffer<std::byte>(memory, memory.available() - bytes, "a test");
  };
  try {
    const DeviceBuffer<std::byte> others = leave(needed - 1);
    world.streamer.prepare(64, 8);
    FAIL();
  } catch (const DeviceError& error) {
    EXPECT_THAT(error.what(), HasSubstr("batches of 64 windows, with slices of up to"));
    EXPECT_THAT(error.what(), HasSubstr(" needs " + std::to_string(needed) + " bytes"));
    EXPECT_THAT(error.what(), HasSubstr(std::to_string(needed - 1) + " bytes are left"));
    EXPECT_THAT(error.what(),
                HasSubstr("device_memory_limit to " + std::to_string(kLimit + 1) + " or more"));
  }
  const DeviceBuffer<std::byte> others = leave(needed);
  EXPECT_NO_THROW(world.streamer.prepare(64, 8));
}

TEST_F(RingTest, ABlockBeyondThePitchOfACopyIsRefusedWithTheRemedy) {
  if (IsSkipped()) return;
  World world(catalog, spec, Resident::tables);
  try {
    world.streamer.prepare(1 << 29, 8);
    FAIL();
  } catch (const DeviceError& error) {
    EXPECT_THAT(error.what(), HasSubstr("536870911 steps"));
    EXPECT_THAT(error.what(), HasSubstr("lower training.batch_size"));
  }
  EXPECT_NO_THROW(world.streamer.prepare(4, 8));
}

TEST_F(RingTest, RefusesWhatItWasNotMadeReadyFor) {
  if (IsSkipped()) return;
  World world(catalog, spec, Resident::everything);
  world.streamer.prepare(2, 8);
  const std::vector<std::byte> nine(9);
  EXPECT_THROW(world.streamer.stage(random_windows(catalog, 3, 0), {}, {}), InternalError);
  EXPECT_THROW(world.streamer.stage(random_windows(catalog, 2, 0), {}, nine), InternalError);
  std::vector<StagedBatch> batches;
  for (int i = 0; i < kBlocks; ++i) {
    batches.push_back(world.streamer.stage(random_windows(catalog, 2, 0), {}, {}));
  }
  EXPECT_THROW(world.streamer.stage(random_windows(catalog, 2, 0), {}, {}), InternalError);
  world.streamer.release(batches[0]);
  EXPECT_THROW(world.streamer.release(batches[0]), InternalError);
  EXPECT_NO_THROW(world.streamer.stage(random_windows(catalog, 2, 0), {}, {}));
  testing::synchronize_device();
}

TEST_F(RingTest, ResultsArriveWhereTheyWereSent) {
  if (IsSkipped()) return;
  World world(catalog, spec, Resident::everything);
  ResultRing ring(world.context);
  constexpr int kSize = 50, kBatches = 11;
  // Numbers that the compute stream copies into each result in turn.
  std::vector<float> numbers(kSize * kBatches);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(i);
  const DeviceBuffer<float> source = upload(world.context.memory(), numbers);
  const auto produce = [&](int i, int size) {
    const DeviceSpan<float> block = ring.block(i % kBlocks, size);
    check(cudaMemcpyAsync(block.data(), source.data() + i * kSize, block.bytes(),
                          cudaMemcpyDeviceToDevice, world.context.stream()),
          "cudaMemcpyAsync of a test");
  };
  for (const int size : {20, kSize}) {
    std::vector<float> out(kSize * kBatches, -1.0f);
    ring.begin(size);
    for (int i = 0; i < kBatches; ++i) {
      const int count = i + 1 == kBatches ? size - 7 : size;  // the last batch is shorter
      produce(i, count);
      ring.send(i % kBlocks, std::span(out).subspan(static_cast<std::size_t>(i) * kSize,
                                                    static_cast<std::size_t>(count)));
    }
    ring.finish();
    for (int i = 0; i < kBatches * kSize; ++i) {
      const int count = i / kSize + 1 == kBatches ? size - 7 : size;
      ASSERT_EQ(out[static_cast<std::size_t>(i)], i % kSize < count ? static_cast<float>(i) : -1.0f)
          << i;
    }
  }
  EXPECT_THROW(ring.block(0, kSize + 1), InternalError);
}

TEST_F(RingTest, AForecastThatFailedLeavesNothingBehind) {
  if (IsSkipped()) return;
  World world(catalog, spec, Resident::everything);
  ResultRing ring(world.context);
  std::vector<float> lost(5, -1.0f), out(5, -1.0f);
  ring.begin(5);
  set_zero(ring.block(0, 5), world.context.stream());
  ring.send(0, lost);
  ring.begin(5);  // `lost` would be gone by now
  set_zero(ring.block(0, 5), world.context.stream());
  ring.send(0, out);
  ring.finish();
  EXPECT_EQ(lost, std::vector<float>(5, -1.0f));
  EXPECT_EQ(out, std::vector<float>(5, 0.0f));
}

}  // namespace
}  // namespace sluice
