// PyTorch's nn.LSTM on the CPU, in a process of its own that is asked for one sample at a time, so
// that its samples lie between ours. The process is benchmarks/peers/pytorch_lstm.py --worker; it
// answers each line on its standard input with one line.
//
// The surprise: OpenMP's threads spin for some milliseconds after their work. PyTorch's do so as
// they like, and would take the cores from the sample that follows; so after each answer this
// program waits until all threads of the process sleep.
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "engine/recurrence.hpp"

namespace sluice::bench {

class TorchWorker {
 public:
  /// `command`: program and arguments; it is started by the first request. Its environment is the
  /// user's, without the OpenMP waiting that this program sets for itself.
  explicit TorchWorker(std::vector<std::string> command);
  ~TorchWorker();
  TorchWorker(const TorchWorker&) = delete;
  TorchWorker& operator=(const TorchWorker&) = delete;

  /// Makes nn.LSTM of this shape, which later times() run. Blocks, as does seconds(). Both throw
  /// DeviceError if the process refuses, ends, answers something else, or does not come to rest.
  void make_case(const RecurrenceShape& shape, bool training);
  /// Of one run, by the worker's clock, when it does `times` of them.
  double seconds(int times);
  /// JSON: versions and threads. Empty before the first request.
  const std::string& description() const { return description_; }

 private:
  void start();
  std::string ask(const std::string& request);
  std::string read_line(const std::string& request);
  void wait_for_rest();
  [[noreturn]] void fail(const std::string& what);

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::vector<std::string> command_;
  std::string description_;
  int process_ = 0;
  std::unique_ptr<std::FILE, Close> to_, from_;
};

/// The worker with the interpreter `python` on `threads` threads; "": build/peers/bin/python, or
/// null if it is not there. Throws ConfigError if a named one is not there.
std::shared_ptr<TorchWorker> find_torch(const std::string& python, int threads);

/// What to do where PyTorch is missing.
std::string torch_remedy();

}  // namespace sluice::bench
