// sluice_bench_standin: `sluice-bench gpu` whole - plans, supervisor, worker, files - on the
// stand-in for CUDA, for tests and for a dry run of the scripts. Cases keep their names and do the
// work of a tiny shape, or fill a few bytes; times mean nothing.
//
// SLUICE_STANDIN_INJECT="hang:TEXT;die:TEXT;sticky:TEXT" breaks the cases (not the rates) whose
// name contains TEXT: the worker hangs, dies of signal 11, or has lost its device for good.
// "absent:": there is no device. "mute:": the worker never gets ready.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <map>
#include <span>
#include <sstream>
#include <string_view>
#include <tuple>

#include "base/wait_passively.hpp"
#include "commands.hpp"
#include "gpu/command.hpp"
#include "gpu/plan.hpp"
#include "sluice/base/error.hpp"
#include "standin/standin.hpp"

namespace sluice::bench {
namespace {

const GpuShape kTiny{.B = 5, .T = 2, .I = 2, .H = 4, .L = 1};

struct Injection {
  std::string kind, text;
};

std::vector<Injection> injections() {
  const char* wanted = std::getenv("SLUICE_STANDIN_INJECT");
  std::istringstream entries(wanted == nullptr ? "" : wanted);
  std::vector<Injection> all;
  for (std::string entry; std::getline(entries, entry, ';');) {
    const std::string kind = entry.substr(0, entry.find(':'));
    if (kind.size() == entry.size() || (kind != "hang" && kind != "die" && kind != "sticky" &&
                                        kind != "absent" && kind != "mute")) {
      throw ConfigError(fmt::format(
          "SLUICE_STANDIN_INJECT: '{}' is none of hang:TEXT, die:TEXT, sticky:TEXT, absent:, mute:",
          entry));
    }
    all.push_back({kind, entry.substr(kind.size() + 1)});
  }
  return all;
}

void inject(const std::vector<Injection>& injections, const std::string& name) {
  for (const Injection& i : injections) {
    if (name.find(i.text) == std::string::npos) continue;
    if (i.kind == "hang") ::pause();
    if (i.kind == "die") {
      std::signal(SIGSEGV, SIG_DFL);  // a sanitizer's handler would end it by a status
      std::raise(SIGSEGV);
    }
    if (i.kind == "sticky") standin::fail_after(1, cudaErrorIllegalAddress, true);
  }
}

GpuWork fill(DeviceContext& context) {
  constexpr int kFloats = 16;
  auto array = std::make_shared<DeviceBuffer<float>>(context.memory(), kFloats, "a stand-in's");
  GpuWork work;
  work.run = [array, stream = context.stream()] { set_zero(array->span(), stream); };
  return work;
}

/// Also makes the device, in whichever process.
std::vector<GpuCase> small_cases(bool quick) {
  const std::vector<Injection> all = injections();
  standin::Device device;
  device.multiprocessors = 1;
  for (const Injection& i : all) device.present = device.present && i.kind != "absent";
  standin::set_device(device);
  standin::set_memory_bytes(128 << 20);
  using Key = std::tuple<std::string, Number, Phase>;
  std::map<Key, std::function<GpuWork(DeviceContext&)>> tiny;
  for (const GpuCase& c : recurrence_cases_of(kTiny)) tiny[{c.method, c.number, c.phase}] = c.make;
  std::vector<GpuCase> cases = all_cases(quick);
  for (GpuCase& c : cases) {
    const auto found = tiny.find({c.method, c.number, c.phase});
    const bool ours = c.section == "recurrence" && found != tiny.end();
    c.make = [all, name = name_of(c),
              make = ours ? found->second : std::function(fill)](DeviceContext& context) {
      inject(all, name);
      return make(context);
    };
  }
  return cases;
}

void fall_silent_if_wanted(int argc, char** argv) {
  const std::span words(argv, static_cast<std::size_t>(argc));
  if (std::find(words.begin(), words.end(), std::string_view("--worker")) == words.end()) return;
  for (const Injection& i : injections()) {
    if (i.kind == "mute") ::pause();
  }
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  sluice::wait_passively(argv);
  sluice::bench::fall_silent_if_wanted(argc, argv);
  return sluice::bench::run_program(argc, argv, [](CLI::App& app) {
    sluice::bench::add_gpu_command(app, sluice::bench::small_cases);
  });
}
