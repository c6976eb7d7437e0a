// The part V G^-1 V' of the normal equations (tree.hpp): what errors have in common.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace sluice {

struct SumTree;
struct BaseForecasts;

/// V as R = V L^-T with G = L L', so that V G^-1 V' is R R'. Everything is empty with rank 0.
class LowRank {
 public:
  LowRank(const SumTree& tree, const BaseForecasts& base);

  /// Which series are free to move; the others are 0.
  void fix(std::span<const char> free);
  /// out += R R' z
  void add_product(std::span<const double> z, std::span<double> out);
  /// right -= V G^-1 g
  void subtract_fixed(std::span<double> right);
  /// Of the last fix(): makes ready for precondition() with the inverse of a diagonal D.
  void set_diagonal(std::span<const double> inverse);
  /// out = (D + R R')^-1 r, where out = D^-1 r already (Woodbury's formula).
  void precondition(std::span<double> out);
  /// bottom += Fb f for the solution z.
  void add_common(std::span<const double> z, std::span<double> bottom);

 private:
  void project(std::span<const double> z, std::span<double> out) const;  ///< out = R' z

  const SumTree& tree_;
  const BaseForecasts& base_;
  std::size_t rank_;
  std::vector<double> rows_;           // R [sums, rank]
  std::vector<double> lower_, inner_;  // L and that of 1 + R' D^-1 R, [rank, rank]
  std::vector<double> g_, common_;     // L^-1 g, scratch; [rank]
  std::span<const double> inverse_;    // of D
};

}  // namespace sluice
