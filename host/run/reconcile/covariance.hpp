// What the errors of many forecasts have in common, from few past ones: for every series and sum of
// a hierarchy, without a matrix of all pairs.
#pragma once

#include <cstddef>
#include <vector>

namespace sluice {

/// W of S forecasts from n of their errors each: the mean products of errors, shrunk toward their
/// diagonal (Wickramasuriya, Athanasopoulos, Hyndman 2019, "MinT (Shrink)"),
///   W = intensity diag(C) + (1 - intensity) C,   C_ij = 1/n sum_t e_it e_jt,
/// which is a diagonal and a product of few columns: W = diag(variance - |factor|^2) + F F'.
/// Errors are not centred: a bias that all forecasts share is what they have in common.
struct ShrunkCovariance {
  double intensity = 1;          ///< 0: C, 1: its diagonal
  std::vector<double> variance;  ///< [S] mean squared errors; NaN where none is known
  std::size_t rank = 0;          ///< n; 0 with an intensity of 1
  std::vector<double> factor;    ///< F [S, rank]
};

/// Of `errors` [S, n], NaN where one is not known, which counts as 0 beside others. The intensity
/// is Schaefer's and Strimmer's (2005): the sum over all pairs of the variances of their
/// correlations by that of their squares, from 1e-4 to 1. Takes S n^2 operations and no memory but
/// that of `errors`.
ShrunkCovariance shrunk_covariance(std::vector<double> errors, std::size_t n);

}  // namespace sluice
