// What a model brings along of the settings that it was trained with.
#pragma once

#include "sluice/run/config.hpp"

namespace sluice {

/// The settings under which a model is used: how its data are read ([data], the files), what it is
/// ([network], [training]), which levels and windows were asked for. Not where results go, which no
/// file from elsewhere may decide, nor what computes.
/// `other_data`: data other than those of the training are given, so that what holds for one file
/// only, its format and a date at which histories end, is left out.
Config carried_settings(const Config& trained, bool other_data);

}  // namespace sluice
