#include "cpu/torch_worker.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include "base/wait_passively.hpp"
#include "sluice/base/error.hpp"

namespace sluice::bench {
namespace {

constexpr const char* kScript = SLUICE_SOURCE_DIR "/benchmarks/peers/pytorch_lstm.py";
constexpr const char* kPython = SLUICE_SOURCE_DIR "/build/peers/bin/python";

/// GNU OpenMP's threads spin for about 10 ms; who asks for OMP_WAIT_POLICY=active waits in vain.
constexpr std::chrono::milliseconds kLook{1};
constexpr int kMostLooks = 2000;

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

/// Whether no thread of the process runs or waits for a core.
bool rests(int process) {
  for (const auto& task :
       std::filesystem::directory_iterator(fmt::format("/proc/{}/task", process))) {
    std::ifstream file(task.path() / "stat");
    std::string text;
    std::getline(file, text);
    const std::size_t name_end = text.rfind(')');  // then a space and the state
    if (name_end != std::string::npos && text.substr(name_end + 2, 1) == "R") return false;
  }
  return true;
}

std::string ending(int status) {
  return WIFSIGNALED(status) ? fmt::format("was ended by signal {}", WTERMSIG(status))
                             : fmt::format("ended with status {}", WEXITSTATUS(status));
}

}  // namespace

TorchWorker::TorchWorker(std::vector<std::string> command) : command_(std::move(command)) {}

TorchWorker::~TorchWorker() {
  to_.reset();  // the end of its input ends it
  if (process_ > 0) ::waitpid(process_, nullptr, 0);
}

void TorchWorker::fail(const std::string& what) {
  throw DeviceError(
      fmt::format("PyTorch's worker ('{}') {}; repair that, or leave PyTorch out "
                  "with --torch none",
                  fmt::join(command_, " "), what));
}

void TorchWorker::start() {
  std::signal(SIGPIPE, SIG_IGN);  // writing to a process that has ended is an error like others
  int in[2], out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) fail("has no pipe");
  to_.reset(::fdopen(in[1], "w"));
  from_.reset(::fdopen(out[0], "r"));
  std::vector<std::string> environment = environment_of_user();
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  const int error = ::posix_spawn(&process_, command_.front().c_str(), &actions, nullptr,
                                  pointers(command_).data(), pointers(environment).data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(in[0]);
  ::close(out[1]);
  if (error != 0) {
    process_ = 0;
    fail(fmt::format("cannot be started: {}", std::generic_category().message(error)));
  }
  description_ = read_line("start");
}

std::string TorchWorker::read_line(const std::string& request) {
  std::string line;
  for (int c; (c = std::fgetc(from_.get())) != EOF && c != '\n';) line += static_cast<char>(c);
  if (std::feof(from_.get())) {
    int status = 0;
    ::waitpid(process_, &status, 0);
    process_ = 0;
    fail(fmt::format("{} at '{}' (its message is above)", ending(status), request));
  }
  if (line.starts_with("error ")) fail(fmt::format("refuses '{}': {}", request, line.substr(6)));
  return line;
}

std::string TorchWorker::ask(const std::string& request) {
  if (process_ == 0) start();
  fmt::print(to_.get(), "{}\n", request);
  std::fflush(to_.get());
  const std::string answer = read_line(request);
  wait_for_rest();
  return answer;
}

void TorchWorker::wait_for_rest() {
  for (int looks = 0; looks < kMostLooks; ++looks) {
    if (rests(process_)) return;
    std::this_thread::sleep_for(kLook);
  }
  fail("keeps a core busy after its answer (OMP_WAIT_POLICY=active?)");
}

void TorchWorker::make_case(const RecurrenceShape& shape, bool training) {
  const std::string answer =
      ask(fmt::format("case {} {} {} {} {} {}", training ? "train" : "forward", shape.N, shape.T,
                      shape.C, shape.H, shape.L));
  if (answer != "ready") fail(fmt::format("answers '{}' instead of 'ready'", answer));
}

double TorchWorker::seconds(int times) {
  const std::string answer = ask(fmt::format("time {}", times));
  double value = 0;
  const auto [end, error] = std::from_chars(answer.data(), answer.data() + answer.size(), value);
  if (error != std::errc() || end != answer.data() + answer.size() || !(value > 0)) {
    fail(fmt::format("answers '{}' instead of seconds", answer));
  }
  return value;
}

std::string torch_remedy() {
  return fmt::format(
      "'{} --install' puts it into build/peers; --torch PYTHON names another "
      "interpreter",
      kScript);
}

std::shared_ptr<TorchWorker> find_torch(const std::string& python, int threads) {
  const std::string interpreter = python.empty() ? kPython : python;
  if (!std::filesystem::exists(interpreter)) {
    if (python.empty()) return nullptr;
    throw ConfigError(fmt::format("--torch: {} is not there; {}", python, torch_remedy()));
  }
  return std::make_shared<TorchWorker>(std::vector<std::string>{
      interpreter, kScript, "--worker", "--threads", std::to_string(threads)});
}

}  // namespace sluice::bench
