// The report for people: one HTML file that needs nothing else, neither network nor other files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/run/backtest.hpp"
#include "sluice/run/config.hpp"
#include "sluice/run/contributions.hpp"

namespace sluice {

/// What a report says beside the evaluation.
struct HtmlContext {
  std::string settings;         ///< TOML
  std::string versions;         ///< of the program and its libraries, lines of text
  std::filesystem::path log;    ///< of the training (path.log); empty: none
  std::filesystem::path model;  ///< that is evaluated (path.model); empty: trained on the way
  /// What moved some of its last forecasts, and these; null: the page has none of it.
  const Contributions* contributions = nullptr;
  const Forecasts* forecasts = nullptr;
};

/// Collects an evaluation's rows while it goes on, and writes them as a page. Holds three numbers a
/// forecast step until then. The file's size is bounded: of many series it shows a sample, evenly
/// chosen by their errors, with the best and the worst.
class HtmlReport {
 public:
  /// `catalog` and `notes` must live as long as this; the catalogue is the one that is evaluated.
  /// Throws ConfigError if evaluate.show names no series of it.
  HtmlReport(const Catalog& catalog, const CatalogNotes& notes, const Config& config);
  ~HtmlReport();

  /// BacktestOptions::scored.
  void add(const ScoredRow& row);

  /// Ids of the series whose last forecasts a page explains: those of evaluate.show, and the best,
  /// the one in the middle and the worst. Throws InternalError as page() does.
  std::vector<std::string> explained(const BacktestResult& result) const;

  /// The page, of all rows that came. Throws InternalError if they are not those of `result`.
  std::string page(const BacktestResult& result, const HtmlContext& context) const;
  /// The page as a file, there whole or not at all. Throws DataError.
  void write(const std::filesystem::path& path, const BacktestResult& result,
             const HtmlContext& context) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice
