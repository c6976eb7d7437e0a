// The worker's protocol from both sides: this program's with a shell that answers, or does not; the
// script's with a module that stands in for PyTorch.
#include "cpu/torch_worker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "sluice/base/error.hpp"

namespace sluice::bench {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr RecurrenceShape kShape{.T = 28, .N = 1024, .C = 8, .H = 64, .L = 2};

std::shared_ptr<TorchWorker> shell(const std::string& script) {
  return std::make_shared<TorchWorker>(std::vector<std::string>{"/bin/sh", "-c", script});
}

template <typename Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const DeviceError& error) {
    return error.what();
  }
  return "no DeviceError";
}

TEST(TorchWorker, AsksOneLineAndTakesOneLine) {
  const auto worker = shell(
      "echo '{}'; read line; [ \"$line\" = 'case train 1024 28 8 64 2' ] && echo ready; read line; "
      "[ \"$line\" = 'time 3' ] && echo 0.25; read line");
  EXPECT_EQ(worker->description(), "");
  worker->make_case(kShape, true);
  EXPECT_EQ(worker->description(), "{}");
  EXPECT_EQ(worker->seconds(3), 0.25);
}

TEST(TorchWorker, SaysThatTheProcessEnded) {
  EXPECT_THAT(message_of([] { shell("exit 7")->seconds(1); }),
              AllOf(HasSubstr("ended with status 7 at 'start'"), HasSubstr("--torch none")));
  EXPECT_THAT(message_of([] { shell("echo '{}'; read line; kill -9 $$")->seconds(1); }),
              HasSubstr("was ended by signal 9 at 'time 1'"));
}

TEST(TorchWorker, SaysWhatTheProcessRefuses) {
  EXPECT_THAT(
      message_of([] { shell("echo '{}'; read l; echo error no room; read l")->seconds(1); }),
      HasSubstr("refuses 'time 1': no room"));
}

TEST(TorchWorker, TakesNothingButAnAnswer) {
  for (const std::string text : {"fast", "0", "-1", "1 2", ""}) {
    const std::string got =
        message_of([&] { shell("echo '{}'; read l; echo '" + text + "'; read l")->seconds(1); });
    EXPECT_THAT(got, HasSubstr("answers '" + text + "' instead of seconds"));
  }
  EXPECT_THAT(
      message_of([] { shell("echo '{}'; read l; echo no; read l")->make_case(kShape, false); }),
      HasSubstr("answers 'no' instead of 'ready'"));
}

TEST(TorchWorker, SaysThatTheProcessCannotBeStarted) {
  EXPECT_THAT(message_of([] { TorchWorker({"/nowhere/python"}).seconds(1); }),
              HasSubstr("cannot be started: No such file or directory"));
}

// Threads that spin after an answer would take cores from the sample that follows.
TEST(TorchWorker, WaitsUntilTheProcessRests) {
  const auto mark = std::filesystem::path(testing::TempDir()) / "torch_worker_rests";
  std::filesystem::remove(mark);
  const auto worker = shell(
      "echo '{}'; read l; echo ready; i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; : > '" +
      mark.string() + "'; read l");
  worker->make_case(kShape, false);
  EXPECT_TRUE(std::filesystem::exists(mark));
  std::filesystem::remove(mark);
}

TEST(TorchWorker, DoesNotHandOnTheWaitingOfThisProgram) {
  const std::string answer =
      "echo \"{$OMP_WAIT_POLICY$SLUICE_SET_OMP_WAIT_POLICY}\"; read l; echo ready; read l";
  const char* policy = std::getenv("OMP_WAIT_POLICY");
  const std::string before = policy == nullptr ? "" : policy;
  ::setenv("OMP_WAIT_POLICY", "passive", 1);
  const auto of_user = shell(answer);
  of_user->make_case(kShape, true);
  EXPECT_EQ(of_user->description(), "{passive}");
  ::setenv("SLUICE_SET_OMP_WAIT_POLICY", "1", 1);
  const auto ours = shell(answer);
  ours->make_case(kShape, true);
  EXPECT_EQ(ours->description(), "{}");
  ::unsetenv("SLUICE_SET_OMP_WAIT_POLICY");
  before.empty() ? ::unsetenv("OMP_WAIT_POLICY") : ::setenv("OMP_WAIT_POLICY", before.c_str(), 1);
}

TEST(FindTorch, NamesTheInterpreterThatIsNotThere) {
  try {
    find_torch("/nowhere/python", 1);
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("--torch: /nowhere/python is not there"),
                                    HasSubstr("pytorch_lstm.py --install")));
  }
}

class WorkerScript : public testing::Test {
 protected:
  void SetUp() override {
    ::setenv("PYTHONPATH", SLUICE_SOURCE_DIR "/tests/benchmarks/cpu/torch_standin", 1);
    ::setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
  }
  void TearDown() override { ::unsetenv("PYTHONPATH"); }
};

TEST_F(WorkerScript, MakesTheCaseAndTimesIt) {
  const auto worker = find_torch(SLUICE_PYTHON, 3);
  worker->make_case(kShape, true);
  EXPECT_EQ(nlohmann::json::parse(worker->description()).at("torch"), "stand-in");
  EXPECT_EQ(nlohmann::json::parse(worker->description()).at("threads"), 3);
  EXPECT_GT(worker->seconds(2), 0);
  worker->make_case(kShape, false);
  EXPECT_GT(worker->seconds(2), 0);
}

TEST_F(WorkerScript, AnswersWhatPytorchThrows) {
  const auto worker = find_torch(SLUICE_PYTHON, 1);
  EXPECT_THAT(message_of([&] { worker->seconds(1); }), HasSubstr("refuses 'time 1': ValueError: "));
  RecurrenceShape large = kShape;
  large.H = 4096;  // the stand-in's limit
  EXPECT_THAT(message_of([&] { worker->make_case(large, true); }),
              HasSubstr("RuntimeError: no memory for it; try less"));
  worker->make_case(kShape, true);  // and goes on
}

}  // namespace
}  // namespace sluice::bench
