// How OpenMP's threads wait for work, which is settled before main.
#pragma once

#include <string>
#include <vector>

namespace sluice {

/// Threads that wait for work must soon sleep: OpenMP's spin, and with another process on a core
/// they fall to a tenth of their speed. The policy is read when the library is loaded, before main;
/// so this sets OMP_WAIT_POLICY=passive with a GOMP_SPINCOUNT of some microseconds, if the user has
/// set neither, and starts the program again. Warns if that fails. To be called first in main; does
/// nothing where `argv` is not what the process was started with.
void wait_passively(char** argv);

/// The environment, NAME=VALUE each, without what wait_passively() set: for programs that this one
/// starts.
std::vector<std::string> environment_of_user();

}  // namespace sluice
