// What to write next: the commands that go on from this one.
#pragma once

#include <string>

#include "app/command_line.hpp"
#include "sluice/data/catalog.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

/// " MODEL DATA ..." of a command that uses the model just trained, quoted for a shell.
std::string next_arguments(const Request& request, const Config& config);
/// Why `evaluate` could not score the model just trained on this catalogue, and what to write;
/// empty where it can.
std::string too_short_to_evaluate(const Config& config, const Catalog& catalog);
/// " CONFIG DATA --flags": the same command again, quoted for a shell.
std::string same_arguments(const Request& request);

}  // namespace sluice
