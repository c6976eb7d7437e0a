// A library of CUDA's that is loaded when the first of its functions is called, not when the
// program starts: the CPU engine and `sluice check` run where it is missing, and in little address
// space.
#pragma once

#include <string>

namespace sluice {

/// A loaded library, or why it could not be loaded. Stays loaded until the process ends: CUDA's
/// libraries do not survive an unloading. Reading it is thread-safe.
class SharedLibrary {
 public:
  /// Looks for `file` ("libcublas.so.13") where the loader looks: the program's rpath,
  /// LD_LIBRARY_PATH, the system's places. Does not throw: trouble() says what failed. `name`: what
  /// its users call it ("cuBLAS"); `remedy`: what to do without it.
  SharedLibrary(std::string name, std::string file, std::string remedy);

  /// Turns away a library of another major version than the `wanted` one of the headers that the
  /// build was made with: its functions may have other arguments. `version`: as it says itself.
  void expect_major(int found, int wanted, const std::string& version);

  /// Why it cannot be used, with the remedy; empty if it can.
  const std::string& trouble() const { return trouble_; }
  /// "libcublas.so.13 => /usr/local/cuda/lib64/libcublas.so.13", or "=> not found (why)".
  std::string listing() const;

  /// The function `symbol` of the type `Function`. Throws DeviceError with trouble(), or if the
  /// library has no such function.
  template <typename Function>
  Function* function(const char* symbol) const {
    return reinterpret_cast<Function*>(address(symbol));
  }

 private:
  void* address(const char* symbol) const;
  void refuse(const std::string& why);

  std::string name_, file_, remedy_, place_, trouble_;
  void* handle_ = nullptr;
};

}  // namespace sluice
