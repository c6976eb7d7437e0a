// Several processes that train one model on GPUs: threads here, each with a device of the stand-in
// and the model of NCCL between them (standin/nccl.cpp).
//
// Tolerance: a step's gradient is a sum over its windows, which so many ranks round in so many
// parts, each to 2^-24 of itself; AdamW divides small gradients by themselves, which turns their
// rounding into steps of the size of the learning rate for a few parameters.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/nccl/communicator.hpp"
#include "engine/context.hpp"
#include "engine/devices.hpp"
#include "nccl.h"
#include "run/training/across_ranks.hpp"
#include "sluice/base/error.hpp"
#include "standin/standin.hpp"
#include "support/device.hpp"
#include "support/engine_world.hpp"
#include "support/rich_catalog.hpp"
#include "support/thread_ranks.hpp"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using testing::fast;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Outcome;
using testing::run;
using testing::run_all_ranks;
using testing::run_ranks;
using testing::World;

class GpuRanks : public testing::DeviceTest {
 protected:
  void SetUp() override {
    DeviceTest::SetUp();
    begin();
  }
  static void begin() { standin::set_devices(std::vector<standin::Device>(4)); }
};

EngineSetup setup_of(const World& world, Ranks& ranks) {
  EngineSetup setup = world.setup();
  setup.ranks = &ranks;
  setup.cuda_device = ranks.rank();
  return setup;
}

std::unique_ptr<Engine> engine_of(const World& world, Ranks& ranks) {
  return world.ready(across_ranks(make_cuda_engine(setup_of(world, ranks)), world.spec, ranks));
}

/// What each of so many ranks comes to.
std::vector<Outcome> outcomes(const World& world, int size, int steps) {
  std::vector<Outcome> all(static_cast<std::size_t>(size));
  run_all_ranks(size, [&](Ranks& ranks) {
    all[static_cast<std::size_t>(ranks.rank())] = run(world, *engine_of(world, ranks), steps);
  });
  return all;
}

/// Root mean square of a - b over that of b.
double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    difference += (x - y) * (x - y), size += y * y;
  }
  return std::sqrt(difference / size);
}

void expect_near(const Outcome& found, const Outcome& wanted, double factor) {
  EXPECT_EQ(found.targets, wanted.targets);
  EXPECT_NEAR(found.train_loss, wanted.train_loss, factor * 1e-5 * std::abs(wanted.train_loss));
  EXPECT_NEAR(found.valid_loss, wanted.valid_loss, factor * 1e-4 * std::abs(wanted.valid_loss));
  EXPECT_NEAR(found.norm, wanted.norm, factor * 1e-3 * wanted.norm);
  EXPECT_LT(distance(found.params, wanted.params), factor * 5e-4);
  EXPECT_LT(distance(found.average, wanted.average), factor * 5e-4);
  EXPECT_LT(distance(found.forecast, wanted.forecast), factor * 1e-4);
}

/// 1, 2 and 4 ranks come to what the engine comes to that is alone, and all ranks to the same bits.
void compare(const World& world, int steps) {
  const Outcome alone = run(world, *world.engine(), steps);
  for (const int size : {1, 2, 4}) {
    const std::vector<Outcome> all = outcomes(world, size, steps);
    expect_near(all.front(), alone, 1);
    EXPECT_THAT(all, Each(all.front())) << size;
  }
}

std::string words(const std::exception_ptr& thrown) {
  if (!thrown) return "nothing";
  try {
    std::rethrow_exception(thrown);
  } catch (const DeviceError& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("no DeviceError: ") + error.what();
  }
}

TEST_F(GpuRanks, TrainAsOneDoesWithEachRecurrence) {
  for (const auto& [recurrence, precision] :
       {std::pair("gemm", "fp32"), {"fused_simt", "fp32"}, {"fused_mma", "tf32"}}) {
    SCOPED_TRACE(recurrence);
    World world(true);
    world.recurrence = recurrence, world.precision = precision;
    compare(world, 7);
  }
}

TEST_F(GpuRanks, TrainAsTheCpusOfSeveralProcessesDo) {
  World world(true);
  const std::vector<Outcome> gpus = outcomes(world, 2, 10);
  world.recurrence = world.precision = "auto";
  Outcome cpu;
  run_all_ranks(2, [&](Ranks& ranks) {
    auto engine = across_ranks(make_cpu_engine(setup_of(world, ranks)), world.spec, ranks);
    const Outcome own = run(world, *world.ready(std::move(engine)), 10);
    if (ranks.rank() == 0) cpu = own;
  });
  expect_near(gpus.front(), cpu, 10);
}

// H that four does not divide: masks whose groups of four elements are of several windows.
TEST_F(GpuRanks, DropoutIsThatOfTheWholeBatch) {
  World world(false);
  world.spec.H = 7, world.spec.dropout = 0.5f;
  world.start.resize(static_cast<std::size_t>(ParamLayout(world.spec).size()));
  init_params(world.spec, 5, world.start);
  compare(world, 5);
}

TEST_F(GpuRanks, OneLayerWithoutEmbeddingsAndARecurrenceThatTellsOfNone) {
  World world(false);
  world.catalog = Catalog(testing::daily_parts(testing::weekly_series(12, 90)));
  world.scaling = fit_scaling(world.catalog, Scaling::mean, Scaling::standard, world.ends(60));
  world.spec.L = 1, world.spec.dropout = 0, world.spec.future_channels = 0;
  world.spec.embeddings = {}, world.spec.step_embeddings = {};
  world.start.resize(static_cast<std::size_t>(ParamLayout(world.spec).size()));
  init_params(world.spec, 5, world.start);
  compare(world, 5);
  world.recurrence = "check:gemm,fused_simt";  // which tells of no layer
  const Outcome alone = run(world, *world.engine(), 2);
  for (const Outcome& one : outcomes(world, 2, 2)) expect_near(one, alone, 1);
}

TEST_F(GpuRanks, SomeHaveNoWindows) {
  World world(true, 40, 600);
  world.batch = 3;
  world.limit = 1 << 20;  // streamed
  compare(world, 6);
}

TEST_F(GpuRanks, StatesAreCarriedFromWindowToWindow) {
  World world(false);
  world.spec.carry_state = true;
  const auto train = [&](Engine& engine) {
    for (int i = 0; i < 4; ++i) {
      std::vector<Window> windows = world.windows(0);
      for (Window& window : windows) window.origin += i, window.continues = i > 0 ? 1 : 0;
      engine.train_step(windows, fast());
    }
    engine.take_loss();
    return engine.state();
  };
  const EngineState alone = train(*world.engine());
  for (const int size : {2, 4}) {
    run_all_ranks(size, [&](Ranks& ranks) {
      const auto engine = engine_of(world, ranks);
      const EngineState state = train(*engine);
      EXPECT_LT(distance(state.params, alone.params), 5e-4);
      ASSERT_EQ(state.carried_h.size(), alone.carried_h.size());
      EXPECT_LT(distance(state.carried_h, alone.carried_h), 1e-3);
      engine->set_state(state);
      EXPECT_EQ(engine->state().carried_h, state.carried_h);
    });
  }
}

// A past is drawn by its window's place in the whole batch.
TEST_F(GpuRanks, PastsAreDrawnAsForTheWholeBatch) {
  const Catalog catalog(testing::known_parts(false));
  ModelSpec spec = testing::recursive_spec(6);
  spec.level_window = 26;  // the farthest that anything looks back
  spec.calendar = calendar_size(catalog.axis().frequency);
  std::vector<std::int64_t> end;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) end.push_back(catalog.history(s) - 1);
  const SeriesScaling scaling = fit_scaling(catalog, Scaling::mean, Scaling::standard, end);
  EngineState start;
  start.params.resize(static_cast<std::size_t>(ParamLayout(spec).size()));
  init_params(spec, 3, start.params);
  std::vector<Window> windows = testing::some_windows();
  for (Window& window : windows) window.drawn = true;
  const auto train = [&](Ranks* ranks) {
    EngineSetup setup;
    setup.catalog = &catalog, setup.spec = &spec, setup.scaling = &scaling;
    setup.batch = 8, setup.seed = 9, setup.draws_pasts = true;
    setup.recurrence = "gemm", setup.precision = "fp32";
    setup.ranks = ranks, setup.cuda_device = ranks == nullptr ? 0 : ranks->rank();
    std::unique_ptr<Engine> engine = make_cuda_engine(setup);
    if (ranks != nullptr) engine = across_ranks(std::move(engine), spec, *ranks);
    engine->set_target_limit(end);
    engine->set_state(start);
    for (int i = 0; i < 3; ++i) engine->train_step(windows, fast());
    const LossReport report = engine->take_loss();
    return std::pair(report.loss, engine->state().params);
  };
  const auto [loss, params] = train(nullptr);
  for (const int size : {2, 3}) {
    run_all_ranks(size, [&](Ranks& ranks) {
      const auto [of_ranks, own] = train(&ranks);
      EXPECT_NEAR(of_ranks, loss, 1e-5 * std::abs(loss));
      EXPECT_LT(distance(own, params), 5e-4);
    });
  }
}

// The bits of so many ranks are always the same here, where NCCL's order of adding is.
TEST_F(GpuRanks, NoInterleavingOfStreamsChangesABit) {
  World world(true);
  world.recurrence = "fused_mma", world.precision = "tf32";
  const Outcome expected = outcomes(world, 2, 6).front();
  for (std::uint64_t seed = 2; seed <= 6; ++seed) {
    standin::reset();
    standin::seed(seed);
    begin();
    EXPECT_THAT(outcomes(world, 2, 6), Each(expected)) << "seed " << seed;
  }
}

/// Indices of the nodes of the last graph with this name.
std::vector<std::size_t> nodes_of(const std::vector<std::string>& graph, const std::string& name) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < graph.size(); ++i) {
    if (graph[i] == name) found.push_back(i);
  }
  return found;
}

TEST_F(GpuRanks, PartsAreSummedBesideTheBackwardPassAndAllBeforeTheUpdate) {
  World world(false);
  world.recurrence = "fused_mma", world.precision = "tf32";
  std::vector<std::string> graph;
  std::vector<std::int64_t> beside;
  run_all_ranks(1, [&](Ranks& ranks) {
    const auto own = engine_of(world, ranks);
    for (const int step : {0, 1}) own->train_step(world.windows(step), fast());
    own->take_loss();
    graph = standin::last_graph(), beside = standin::last_graph_beside();
  });
  const std::vector<std::size_t> complete = nodes_of(graph, "cudaEventRecord");
  ASSERT_EQ(complete.size(), 4U);  // the head, two layers, the embeddings
  // The sums go on from these: the head's and each layer's while others are still at work, that of
  // the embeddings, which were computed last, when all is done.
  EXPECT_GT(beside[complete[0]], beside[complete[1]]);
  EXPECT_GT(beside[complete[1]], 0);
  EXPECT_GT(beside[complete[2]], 0);
  EXPECT_EQ(beside[complete[3]], 0);
  EXPECT_EQ(complete[3] + 1, graph.size());
  EXPECT_LT(complete[0] + 3, complete[1]);  // the walk back and its products are between
  EXPECT_THAT(nodes_of(graph, "ncclAllReduce"), IsEmpty());
  EXPECT_EQ(standin::enqueued("ncclAllReduce"), 2 * 4);
}

TEST_F(GpuRanks, WhicheverCallOfNcclFailsIsADeviceErrorAndLeavesNothing) {
  const World world(false);
  const auto train = [&](Ranks& ranks) {
    const auto engine = engine_of(world, ranks);
    for (const int step : {0, 1, 2}) engine->train_step(world.windows(step), fast());
    engine->take_loss();
  };
  run_all_ranks(1, train);
  const auto calls = static_cast<int>(standin::nccl_calls());
  ASSERT_EQ(calls, 2 + 3 * 5);  // an id, a communicator; four parts and the loss a step
  for (int n = 1; n <= calls; ++n) {
    standin::fail_nccl_after(n, n % 2 == 0 ? ncclSystemError : ncclUnhandledCudaError);
    EXPECT_THAT(words(run_ranks(1, train).front()),
                AllOf(HasSubstr("communicator.cpp:"), HasSubstr(" failed: NCCL: unhandled "),
                      HasSubstr("NCCL_DEBUG=WARN"), HasSubstr("(--mode.resume true)")))
        << "call " << n;
    standin::fail_nccl_after(0, ncclSuccess);
    EXPECT_EQ(standin::live_allocations() + standin::live_handles(), 0) << "call " << n;
  }
}

TEST_F(GpuRanks, WhereOneIsLostTheOthersSayWhatNcclSays) {
  const World world(false);
  const auto thrown = run_ranks(2, [&](Ranks& ranks) {
    const auto engine = engine_of(world, ranks);
    engine->train_step(world.windows(0), fast());
    engine->take_loss();
    if (ranks.rank() == 1) throw DataError("lost");
    standin::fail_communicators(0, ncclRemoteError);
    engine->train_step(world.windows(1), fast());
    engine->take_loss();
  });
  EXPECT_THAT(words(thrown[0]),
              AllOf(HasSubstr("NCCL: remote process exited or there was a network error"),
                    HasSubstr("NCCL_SOCKET_IFNAME"), HasSubstr("(--mode.resume true)")));
  EXPECT_EQ(words(thrown[1]), "no DeviceError: lost");
}

TEST_F(GpuRanks, AnErrorOfOneDoesNotWaitForOthersThatWillNotCome) {
  const World world(false);
  const auto thrown = run_ranks(2, [&](Ranks& ranks) {
    const auto engine = engine_of(world, ranks);
    engine->train_step(world.windows(0), fast());
    engine->take_loss();
    if (ranks.rank() == 1) engine->train_step(world.windows(1), fast());
    ranks.barrier();
    throw DataError("an error of its own");
  });
  for (const auto& one : thrown) EXPECT_EQ(words(one), "no DeviceError: an error of its own");
  EXPECT_EQ(standin::live_allocations() + standin::live_handles(), 0);
}

TEST_F(GpuRanks, ARankThatNeverComesIsNotWaitedForWithoutEnd) {
  const auto thrown = run_ranks(2, [&](Ranks& ranks) {
    DeviceContext context(0, ranks.rank());
    const DeviceBuffer<float> values(context.memory(), 4, "a test");
    set_zero(values.span(), context.stream());
    const auto communicator = make_communicator(
        ranks, {.wait = std::chrono::milliseconds(300), .look = std::chrono::milliseconds(20)});
    if (ranks.rank() == 1) return;
    const Communicator::Waiting waiting(*communicator);
    communicator->sum(values.span(), context.stream());
    context.synchronize();
    communicator->expect_sound();
  });
  EXPECT_THAT(words(thrown[0]), HasSubstr("has waited 0 s for the GPUs of the other processes"));
  EXPECT_EQ(words(thrown[1]), "nothing");
}

TEST_F(GpuRanks, EachTakesADeviceOfItsMachine) {
  std::vector<int> devices;
  for (int place = 0; place < 6; ++place) devices.push_back(own_device(place));
  EXPECT_THAT(devices, ElementsAre(0, 1, 2, 3, 0, 1));
  standin::set_device({.present = false});
  EXPECT_EQ(own_device(3), 0);  // which then says that there is none
}

TEST_F(GpuRanks, MoreRanksThanDevicesAreRefusedByName) {
  const World world(false);
  const auto thrown = run_ranks(3, [&](Ranks& ranks) {
    EngineSetup setup = setup_of(world, ranks);
    setup.cuda_device = ranks.rank() % 2;
    make_cuda_engine(setup);
  });
  for (const auto& one : thrown) {
    EXPECT_THAT(words(one), AllOf(HasSubstr("processes 1 and 3 of 3 would train on the same GPU"),
                                  HasSubstr("mpirun --map-by ppr:N:node")));
  }
}

TEST_F(GpuRanks, RecurrencesThatDifferAreRefusedByName) {
  const World world(false);
  const auto thrown = run_ranks(2, [&](Ranks& ranks) {
    EngineSetup setup = setup_of(world, ranks);
    if (ranks.rank() == 1) setup.recurrence = "fused_simt";
    make_cuda_engine(setup);
  });
  EXPECT_THAT(words(thrown[1]),
              HasSubstr("become fused_simt (fp32) here and gemm (fp32) in the first process"));
}

TEST_F(GpuRanks, AnAutomaticDeviceThatIsNoGpuEverywhereIsRefused) {
  const auto thrown =
      run_ranks(2, [&](Ranks& ranks) { check_usable_alike(ranks, ranks.rank() == 1); });
  EXPECT_EQ(words(thrown[0]), "nothing");
  EXPECT_THAT(words(thrown[1]), HasSubstr("and the first process has none"));
}

}  // namespace
}  // namespace sluice
