// The numbers that a window gives a model, put together under the names of a user's columns.
#pragma once

#include <span>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/engine/attribution.hpp"
#include "sluice/model/spec.hpp"
#include "sluice/run/contributions.hpp"

namespace sluice {

class InputNames {
 public:
  /// `blocks`: last step of each block of the history, counted back from the origin, ascending;
  /// what is before the last of them is a block too.
  InputNames(const ModelSpec& spec, const Catalog& catalog, std::span<const int> blocks);

  const std::vector<InputName>& names() const { return names_; }  ///< [I]
  const InputGroups& groups() const { return groups_; }
  /// Of one target and horizon step k (from 0) by group, [G], to those by name, [I].
  void fold(int k, std::span<const double> by_group, std::span<double> by_name) const;

 private:
  int name(const InputName& name);

  std::vector<InputName> names_;
  InputGroups groups_;
  /// What is known of the horizon has a group for each step of it, after those that are names.
  struct Ahead {
    int at_step, around;  ///< names
  };
  std::vector<Ahead> ahead_;
  int K_;
};

/// Ends of the blocks where explanation.blocks does not say them: a season and a long season of the
/// frequency, or a quarter of a season and the season where those are the same.
std::vector<int> usual_blocks(const Frequency& frequency);

}  // namespace sluice
