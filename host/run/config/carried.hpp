// What a model brings along of the settings that it was trained with.
#pragma once

#include <string>
#include <vector>

#include "sluice/run/config.hpp"

namespace sluice {

/// The settings under which a model is used: how its data are read ([data], the files), what it is
/// ([network], [training]), which levels and windows were asked for. Not where results go, which no
/// file from elsewhere may decide, nor what computes.
///
/// `written`: what the command itself says, over the defaults. Where it names other data than the
/// training's, how their file is written is found anew (format, delimiter, decimal sign, and the
/// encoding of what can be UTF-8),
/// they end where they end, and files that stood beside the training's stand beside them, but for
/// one that was the training's data itself.
Config carried_settings(const Config& trained, const Config& written);

/// What of that a user must know of: `used` is what the two above and the command made, `model` the
/// model's file.
std::vector<std::string> carried_remarks(const Config& trained, const Config& written,
                                         const Config& used, const std::string& model);

}  // namespace sluice
