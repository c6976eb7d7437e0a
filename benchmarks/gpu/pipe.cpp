#include "gpu/pipe.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

#include "sluice/base/error.hpp"

namespace sluice::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kMostToEnd{5};
constexpr std::chrono::milliseconds kLook{5};

[[noreturn]] void fail(const char* what, int error) {
  throw DeviceError(fmt::format(
      "cannot start the benchmark's worker: {}: {}; free processes and descriptors (ulimit -u -n)",
      what, std::generic_category().message(error)));
}

struct Pipe {
  Descriptor read, write;
};

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("pipe", errno);
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

/// What posix_spawn is told; freed at the end.
struct Start {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  Start() {
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawnattr_init(&attributes);
  }
  ~Start() {
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&attributes);
  }
  Start(const Start&) = delete;
  Start& operator=(const Start&) = delete;
};

}  // namespace

void Descriptor::reset(int number) {
  if (number_ >= 0) ::close(number_);
  number_ = number;
}

Interrupts::Interrupts() : pipe_before_(std::signal(SIGPIPE, SIG_IGN)) {
  sigset_t watched;
  sigemptyset(&watched);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    ::sigaction(signal, nullptr, &action);
    if (action.sa_handler != SIG_IGN) sigaddset(&watched, signal);
  }
  ::sigprocmask(SIG_BLOCK, &watched, &before_);
  descriptor_.reset(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
  if (descriptor_.get() < 0) fail("signalfd", errno);
}

Interrupts::~Interrupts() {
  while (taken() != 0) {  // the run has answered them
  }
  ::sigprocmask(SIG_SETMASK, &before_, nullptr);
  std::signal(SIGPIPE, pipe_before_);
}

int Interrupts::taken() {
  signalfd_siginfo info{};
  const auto bytes = ::read(descriptor_.get(), &info, sizeof info);
  return bytes == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
}

Process::Process(const std::vector<std::string>& arguments) {
  Pipe in = make_pipe(), out = make_pipe();
  Start start;
  ::posix_spawn_file_actions_adddup2(&start.files, in.read.get(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&start.files, out.write.get(), kAnswers);
  sigset_t none;
  sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&start.attributes, &none);
  ::posix_spawnattr_setpgroup(&start.attributes, 0);
  ::posix_spawnattr_setflags(&start.attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  std::vector<std::string> words = arguments;
  words.insert(words.begin(), "sluice-bench");
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const int error = ::posix_spawn(&process_, "/proc/self/exe", &start.files, &start.attributes,
                                  pointers.data(), environ);
  if (error != 0) fail("posix_spawn", error);
  to_ = std::move(in.write);
  from_ = std::move(out.read);
}

Process::~Process() { end(); }

void Process::send(const std::string& line) {
  const std::string text = line + '\n';
  for (std::size_t done = 0; done < text.size();) {
    const auto written = ::write(to_.get(), text.data() + done, text.size() - done);
    if (written < 0 && errno != EINTR) return;
    if (written > 0) done += static_cast<std::size_t>(written);
  }
}

Process::Event Process::wait(std::string& line, std::chrono::duration<double> most,
                             const Interrupts& interrupts) {
  const auto until = Clock::now() + std::chrono::duration_cast<Clock::duration>(most);
  while (true) {
    if (const std::size_t end = unread_.find('\n'); end != std::string::npos) {
      line = unread_.substr(0, end);
      unread_.erase(0, end + 1);
      return Event::line;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0) return Event::silence;
    pollfd watched[] = {{from_.get(), POLLIN, 0}, {interrupts.descriptor(), POLLIN, 0}};
    constexpr std::int64_t kMost = 60'000;
    ::poll(watched, 2, static_cast<int>(std::min<std::int64_t>(left, kMost)));
    if (watched[1].revents != 0) return Event::interrupt;
    if (watched[0].revents == 0) continue;
    char bytes[4096];
    const auto got = ::read(from_.get(), bytes, sizeof bytes);
    if (got == 0 || (got < 0 && errno != EINTR)) return Event::ended;
    if (got > 0) unread_.append(bytes, static_cast<std::size_t>(got));
  }
}

std::string Process::end(std::chrono::milliseconds grace) {
  if (process_ == 0) return {};
  const pid_t process = std::exchange(process_, 0);
  to_.reset();
  int status = 0;
  const auto ends_within = [&](std::chrono::milliseconds most) {
    const auto until = Clock::now() + most;
    while (::waitpid(process, &status, WNOHANG) == 0) {
      if (Clock::now() >= until) return false;
      std::this_thread::sleep_for(kLook);
    }
    return true;
  };
  bool ended = ends_within(grace);
  ::kill(-process, SIGKILL);
  if (!ended) ended = ends_within(kMostToEnd);
  if (!ended) return fmt::format("process {} does not end: it waits in a driver", process);
  return WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status))
                             : fmt::format("status {}", WEXITSTATUS(status));
}

}  // namespace sluice::bench
