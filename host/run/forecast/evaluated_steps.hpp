// Which steps of the series an evaluation's windows may be trained on and forecast.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

/// Where a refit before the first windows of `cutoff` [S] ends in each series. One that has ended
/// since and is not scored was as live as the others then: it is trained on up to the day at which
/// theirs end.
std::vector<std::int64_t> refit_end(const Config& config, const Catalog& catalog,
                                    std::span<const std::int64_t> cutoff);

/// `config` with what training.loss = "auto" is for all refits of these windows: their points are
/// of one kind, and the values of all of them are ones that the loss takes.
Config with_loss_of_refits(const Config& config, const Catalog& catalog,
                           std::span<const std::vector<std::int64_t>> cutoffs);

/// No cutoff may lie inside what the model has been trained or chosen on. Throws DataError.
void refuse_seen(const Model& model, const Catalog& catalog, std::span<const std::int64_t> cutoff,
                 int windows);

/// How many windows, the first ones, are forecast together: as many as one batch of the engine has
/// room for, one at least.
std::size_t windows_together(std::span<const std::vector<std::int64_t>> cutoffs,
                             const Config::Engine& engine);

/// DataError that no history is longer than the horizon of K steps, with what can be evaluated:
/// `longest` is the longest one.
[[noreturn]] void refuse_short(const Config& config, std::int64_t longest, int K);

}  // namespace sluice
