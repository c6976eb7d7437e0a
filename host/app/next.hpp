// What to write next: the commands that go on from this one.
#pragma once

#include <string>
#include <string_view>

#include "app/command_line.hpp"
#include "sluice/data/catalog.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

/// " CONFIG MODEL DATA --flags" of a `command` that uses the model just trained on `written`,
/// quoted for a shell; flags that it does not look at are left out. `trained` is what the model
/// keeps of its settings. A file of settings goes before the model's: flags that undo its lines are
/// given again. `file` is its text as the training read it: it may be another by now, or gone.
std::string next_arguments(std::string_view command, const Request& request,
                           const std::string& file, const Config& written, const Config& trained);
/// " --path.future FILE" where no series has the known values that `model` needs to go on from the
/// end of these data; says where some have not.
std::string needed_ahead(const Model& model, const Catalog& catalog, const CatalogNotes& notes);
/// Why `evaluate` could not score the model just trained on this catalogue, and what to write;
/// empty where it can.
std::string too_short_to_evaluate(const Config& config, const Catalog& catalog);
/// " CONFIG MODEL DATA --flags": the same command again, quoted for a shell.
std::string same_arguments(const Request& request);
/// The same for `sluice check` of the data as the command of `settings` reads them, whose model it
/// must be told of.
std::string check_arguments(const Request& request, const Settings& settings);

}  // namespace sluice
