// Which cases are measured, and in which order: a device is at hand for minutes, and the run may be
// cut at any of them. No device needed.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "gpu/bench.hpp"

namespace sluice::bench {

/// What a command chooses. Texts are looked for in the names of cases ("rate/NAME" for rates).
struct Choice {
  std::string plan = "first";
  std::vector<std::string> filters = {};   ///< any of them; none: all
  std::vector<std::string> excludes = {};  ///< none of them
  bool persist_dynamic = false;            ///< also what compiles for seconds a case
};

/// Every case of every section, unpruned. Throws InternalError if two have one name: a row is found
/// again by its name.
std::vector<GpuCase> all_cases(bool quick);
/// "rate/tanh.approx": what rates are chosen by.
std::string name_of(const RateCase& rate);

/// "rates, tier1, engine, grid, rest, first, all".
std::string plan_names();

/// The chosen names in the order in which they are measured. Plans, in the order of worth: rates;
/// tier1 (the shapes that decide, ours and what cuDNN has against it, in forward and training,
/// shape by shape); engine; grid (ours and cuDNN over H and B, small first); rest (what is in none
/// of these, the contenders of tier1 on the other shapes first); first: all of these, one after the
/// other. They leave out what cannot_run() says; all is
/// everything there is, section by section. Throws ConfigError for an unknown plan and where
/// nothing is left.
std::vector<std::string> choose(std::span<const RateCase> rates, std::span<const GpuCase> cases,
                                const Choice& choice);

/// Why no cuDNN runs the case, by the kernels that its binaries have (9.19 to 9.28, symbols and
/// strings read, not tried on a device); empty: it may. fp32 and tf32 are the same to them: floats,
/// whose kernels for small H have variants with tensor cores.
std::string cannot_run(const GpuCase& gpu_case);

}  // namespace sluice::bench
