// Sample paths of recursive models: how many, what names their random numbers, and how they follow
// quantiles that were moved since.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/data/window.hpp"
#include "sluice/run/checkpoint.hpp"

namespace sluice {

/// forecast.samples of a recursive model.
int sample_count(const Model& model);

/// PathSettings::streams of windows, [windows, M]: by the series' id, the target's name and the
/// time, so that a path stays the same whatever else is forecast.
std::vector<std::uint64_t> path_streams(const Catalog& catalog, int M,
                                        std::span<const Window> windows);

/// Gives the values of each step the distribution that has the quantiles [K, J] (ascending) at
/// `scores` [J] (scores_of()), and leaves each path its rank there: how steps hang together is the
/// paths' own (ensemble copula coupling; Schefzik, Thorarinsdottir and Gneiting 2013). paths
/// [P, K]; values that are the same take ranks at random, by seed and stream.
void follow_quantiles(std::span<const float> quantiles, std::span<const double> scores,
                      std::uint64_t seed, std::uint64_t stream, std::span<double> paths,
                      std::size_t K);

}  // namespace sluice
