// `sluice-bench gpu` as a program, on the stand-in for CUDA: what is left of a run whose cases
// hang, die or lose the device, that ends for its budget, a signal or a full disk.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

namespace sluice::bench {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

// Eight cases in two phases, of which those of cuDNN are refused because the stand-in has none.
constexpr const char* kFew =
    "--plan tier1 --filter /fused_mma/bf16/ --filter /fused_mma/tf32/ --filter /gemm/bf16/ "
    "--filter "
    "/cudnn_standard/bf16/ --exclude 32768 --exclude 16384 --exclude 4096 --repeat 2 "
    "--sample-seconds 0 --commit abc ";

struct Outcome {
  int status = 0;
  std::string output;  ///< both streams
};

class GpuCommand : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "sluice_bench_XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& name) const { return folder_ / name; }

  static Outcome run(const std::string& arguments, const std::string& inject = "",
                     const std::string& before = "") {
    const std::string command = fmt::format("{} env SLUICE_STANDIN_INJECT='{}' '{}' gpu {} 2>&1",
                                            before, inject, SLUICE_BENCH_STANDIN, arguments);
    FILE* pipe = ::popen(command.c_str(), "r");
    Outcome out;
    std::array<char, 4096> bytes;
    for (std::size_t got; (got = std::fread(bytes.data(), 1, bytes.size(), pipe)) > 0;) {
      out.output.append(bytes.data(), got);
    }
    const int status = ::pclose(pipe);
    out.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return out;
  }

  /// Of a file of lines; a line that is no JSON fails the test.
  static std::vector<json> lines(const std::string& file) {
    std::ifstream in(file);
    std::vector<json> all;
    for (std::string line; std::getline(in, line);) all.push_back(json::parse(line));
    return all;
  }

  static json last_line(const std::string& file) {
    const std::vector<json> all = lines(file);
    return all.empty() ? json::object() : all.back();
  }

  static std::vector<json> of_kind(const std::string& kind, const std::vector<json>& lines) {
    std::vector<json> some;
    for (const json& line : lines) {
      if (line.at("kind") == kind) some.push_back(line);
    }
    return some;
  }

  std::filesystem::path folder_;
};

TEST_F(GpuCommand, EveryCaseIsALineBetweenMachineAndEndAndARowOfTheDocument) {
  const Outcome r = run(kFew + fmt::format("--jsonl {} --json {}", file("l"), file("d")));
  EXPECT_EQ(r.status, 0) << r.output;
  EXPECT_THAT(r.output, HasSubstr("8 cases, "));
  EXPECT_THAT(r.output, HasSubstr("fused_mma         bf16"));
  const std::vector<json> all = lines(file("l"));
  ASSERT_EQ(all.size(), 10u);
  EXPECT_EQ(all.front().at("kind"), "machine");
  EXPECT_EQ(all.front().at("commit"), "abc");
  EXPECT_EQ(all.front().at("settings").at("repeat"), 2);
  EXPECT_EQ(all.back().at("kind"), "end");
  EXPECT_EQ(all.back().at("done"), 8);
  EXPECT_EQ(all.back().at("left"), 0);
  const json document = json::parse(std::ifstream(file("d")));
  ASSERT_EQ(document.at("results").size(), 8u);
  for (std::size_t i = 0; i < 8; ++i) {
    json row = document.at("results").at(i);
    row["kind"] = "case", row.erase("roof"), row.erase("times_as_fast_as_cudnn");
    EXPECT_EQ(row, all[i + 1]);
  }
}

TEST_F(GpuCommand, AHangADeathAndALostDeviceCostTheirCaseOnly) {
  const Outcome r =
      run(kFew + fmt::format("--jsonl {} --json {} --case-timeout 0.5", file("l"), file("d")),
          "hang:fused_mma/tf32/forward;die:gemm/bf16/forward;sticky:fused_mma/bf16/train");
  EXPECT_EQ(r.status, 1) << r.output;
  EXPECT_THAT(r.output, HasSubstr("3 cases failed or were lost"));
  EXPECT_THAT(r.output, HasSubstr("FAILED: lost: silent for 0.5 s"));
  const std::vector<json> all = lines(file("l"));
  const std::vector<json> lost = of_kind("lost", all);
  ASSERT_EQ(lost.size(), 3u);
  EXPECT_EQ(lost[0].at("case"), "recurrence/fused_mma/tf32/forward/256,24,15,128,1");
  EXPECT_EQ(lost[0].at("reason"), "silent for 0.5 s");
  EXPECT_EQ(lost[1].at("case"), "recurrence/gemm/bf16/forward/256,24,15,128,1");
  EXPECT_EQ(lost[1].at("reason"), "worker died: signal 11");
  EXPECT_THAT(lost[2].at("reason"), HasSubstr("sticky error: "));
  EXPECT_THAT(lost[2].at("reason"), HasSubstr("an illegal memory access"));
  const std::vector<json> cases = of_kind("case", all);
  ASSERT_EQ(cases.size(), 5u);  // before and after
  EXPECT_GT(cases.front().at("best_seconds"), 0);
  EXPECT_EQ(cases[3].at("name"), "recurrence/gemm/bf16/train/256,24,15,128,1");
  EXPECT_GT(cases[3].at("best_seconds"), 0);
  EXPECT_EQ(of_kind("machine", all).size(), 1u);
  EXPECT_EQ(last_line(file("l")).at("lost"), 3);
  EXPECT_EQ(json::parse(std::ifstream(file("d"))).at("results").size(), 8u);
}

TEST_F(GpuCommand, RatesOfADeadWorkerStayInTheTable) {
  const Outcome r =
      run("--plan first --filter rate/tanh --filter gemm/bf16/train/256 --repeat 1 "
          "--sample-seconds 0 ",
          "die:gemm");
  EXPECT_EQ(r.status, 1);
  EXPECT_THAT(r.output, HasSubstr("tanh.approx "));
  EXPECT_THAT(r.output, HasSubstr("op/s  measured in this run"));
}

TEST_F(GpuCommand, NoCaseBeginsAfterTheBudgetAndTheRestIsCounted) {
  const Outcome r = run(kFew + fmt::format("--budget 0.001 --jsonl {}", file("l")));
  EXPECT_EQ(r.status, 0) << r.output;
  EXPECT_THAT(r.output, HasSubstr("none begins after 0.001 s"));
  EXPECT_THAT(r.output, HasSubstr(" of 8 cases left"));
  const json end = last_line(file("l"));
  EXPECT_EQ(end.at("stopped"), "budget");
  EXPECT_EQ(end.at("budget_seconds"), 0.001);
  EXPECT_GT(end.at("left"), 0);
  EXPECT_EQ(end.at("done").get<int>() + end.at("left").get<int>(), 8);
}

TEST_F(GpuCommand, ASignalEndsTheWorkerAndKeepsWhatWasMeasured) {
  const Outcome r =
      run(kFew + fmt::format("--jsonl {}", file("l")), "hang:gemm/bf16", "timeout --signal TERM 2");
  EXPECT_THAT(r.output, HasSubstr("stopped by signal 15"));
  EXPECT_THAT(r.output, HasSubstr("6 of 8 cases left"));
  EXPECT_EQ(of_kind("case", lines(file("l"))).size(), 2u);
  EXPECT_EQ(last_line(file("l")).at("stopped"), "signal 15");
}

TEST_F(GpuCommand, WithoutADeviceItStopsWithStatusFourAndNoDocument) {
  const Outcome r =
      run(kFew + fmt::format("--jsonl {} --json {}", file("l"), file("d")), "absent:");
  EXPECT_EQ(r.status, 4);
  EXPECT_THAT(r.output, HasSubstr("no CUDA-capable device is detected"));
  EXPECT_THAT(r.output, HasSubstr("nvidia-smi"));
  EXPECT_EQ(last_line(file("l")).at("left"), 8);
  EXPECT_FALSE(std::filesystem::exists(file("d")));
}

TEST_F(GpuCommand, AWorkerThatIsNeverReadyDoesNotOutlastTheBudget) {
  const Outcome r = run(kFew + fmt::format("--budget 0.5 --jsonl {}", file("l")), "mute:",
                        "timeout --signal KILL 30");  // 60 s a worker without the bound
  EXPECT_EQ(r.status, 4) << r.output;
  EXPECT_THAT(r.output, HasSubstr("no worker gets ready any more: silent for 5 s"));
  EXPECT_EQ(last_line(file("l")).at("left"), 8);
}

TEST_F(GpuCommand, WhoReadsAlongMayGoAndTheFilesAreWhole) {
  for (const char* reader : {"| true", "2>/dev/full", "2>&-"}) {
    std::filesystem::remove(file("l"));
    const Outcome r = run(kFew + fmt::format("--jsonl {} --json {} 2>&1 >/dev/null {} ; true",
                                             file("l"), file("d"), reader));
    EXPECT_EQ(lines(file("l")).size(), 10u) << reader;
    EXPECT_EQ(json::parse(std::ifstream(file("d"))).at("results").size(), 8u) << reader;
  }
}

TEST_F(GpuCommand, AClosedStandardOutputIsNotTheFileOfLines) {
  run(kFew + fmt::format("--jsonl {} <&- 2>&- >&- ; true", file("l")));
  EXPECT_EQ(lines(file("l")).size(), 10u);  // no table in it
}

TEST_F(GpuCommand, ATableThatCannotBePrintedIsAnErrorAndTheDocumentIsWhole) {
  const Outcome r = run(kFew + fmt::format("--json {} 2>&1 >/dev/full ; exit $?", file("d")));
  EXPECT_EQ(r.status, 1);
  EXPECT_THAT(r.output, HasSubstr("standard output cannot be written"));
  EXPECT_EQ(json::parse(std::ifstream(file("d"))).at("results").size(), 8u);
}

TEST_F(GpuCommand, RefusesWhatIsNoNumberAndOneFileForTwo) {
  for (const char* option : {"--budget nan", "--case-timeout nan", "--json x --jsonl x"}) {
    EXPECT_NE(run(kFew + std::string(option)).status, 0) << option;
  }
  EXPECT_NE(run("--plan tier1 --filter /fused_mma/bf16/forward/256 --sample-seconds nan").status,
            0);
}

TEST_F(GpuCommand, LinesAreAppendedAndAHalfLineDoesNotSwallowTheNext) {
  std::ofstream(file("l")) << "{\"kind\":\"case\"}\n{\"kind\":";
  EXPECT_EQ(run(kFew + fmt::format("--budget 0.001 --jsonl {}", file("l"))).status, 0);
  std::ifstream in(file("l"));
  std::string first, half, machine;
  std::getline(in, first), std::getline(in, half), std::getline(in, machine);
  EXPECT_EQ(first, "{\"kind\":\"case\"}");
  EXPECT_EQ(half, "{\"kind\":");
  EXPECT_EQ(json::parse(machine).at("kind"), "machine");
}

TEST_F(GpuCommand, AFileThatCannotBeWrittenIsSaidBeforeTheFirstCase) {
  for (const char* option : {"--jsonl", "--json"}) {
    const Outcome r = run(kFew + fmt::format("{} {}/nowhere/x", option, folder_.string()));
    EXPECT_EQ(r.status, 1);
    EXPECT_THAT(r.output, HasSubstr("nowhere/x: cannot be opened: No such file or directory; is "
                                    "the folder there"));
    EXPECT_THAT(r.output, Not(HasSubstr("[1/8]")));
  }
}

TEST_F(GpuCommand, AFullDiskNamesTheFileAndTheRemedy) {
  const Outcome r = run(kFew + std::string("--jsonl /dev/full"));
  EXPECT_EQ(r.status, 1);
  EXPECT_THAT(r.output, HasSubstr("/dev/full: cannot be written: No space left on device; free "
                                  "space there"));
}

TEST_F(GpuCommand, ADiskThatFillsLeavesWholeLinesAndTheTable) {
  // The limit is in blocks of 512 bytes (dash) or 1,024 (bash): two rows at least, not eight.
  const Outcome r =
      run(kFew + fmt::format("--jsonl {}", file("l")), "", "ulimit -f 4; trap '' XFSZ;");
  EXPECT_EQ(r.status, 1);
  EXPECT_THAT(r.output, HasSubstr("cannot be written: File too large"));
  EXPECT_THAT(r.output, HasSubstr("fused_mma         bf16"));
  EXPECT_GE(lines(file("l")).size(), 2u);
}

TEST_F(GpuCommand, GraphOnlyTimesNoStreamExceptWhereThereIsNoGraph) {
  EXPECT_EQ(run(kFew + fmt::format("--graph-only --jsonl {}", file("l"))).status, 0);
  for (const json& row : of_kind("case", lines(file("l")))) {
    if (!row.at("refused").is_null()) continue;
    EXPECT_TRUE(row.at("stream_seconds").empty());
    EXPECT_EQ(row.at("graph_seconds").size(), 2u);
  }
}

TEST_F(GpuCommand, ListPrintsTheNamesInOrder) {
  const Outcome r =
      run("--plan tier1 --filter /fused_mma/tf32/forward/256,24 --filter "
          "/fused_mma/bf16/forward/256,24 "
          "--filter rate/ --list");
  EXPECT_EQ(r.output,
            "recurrence/fused_mma/bf16/forward/256,24,15,128,1\n"
            "recurrence/fused_mma/tf32/forward/256,24,15,128,1\n");
  EXPECT_EQ(run("--plan nonsense --list").status, 2);
}

}  // namespace
}  // namespace sluice::bench
