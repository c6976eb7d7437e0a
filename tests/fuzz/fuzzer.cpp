// libFuzzer's program: SLUICE_FUZZ names the target.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "fuzz/targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const sluice::fuzz::Target* const target = [] {
    const char* name = std::getenv("SLUICE_FUZZ");
    const auto* found = sluice::fuzz::find_target(name != nullptr ? name : "");
    if (found == nullptr) {
      std::fputs("sluice_fuzz: set SLUICE_FUZZ to a target, as scripts/fuzz does\n", stderr);
      std::exit(2);
    }
    return found;
  }();
  sluice::fuzz::run(*target, {reinterpret_cast<const char*>(data), size});
  return 0;
}
