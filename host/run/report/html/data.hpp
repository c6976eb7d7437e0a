// Everything that the page shows, as JSON; its script makes the page of it. docs/guide.md says what
// is in it for readers.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "run/report/html/tally.hpp"
#include "run/report/html/training_log.hpp"
#include "sluice/data/catalog.hpp"
#include "sluice/run/backtest.hpp"
#include "sluice/run/html_report.hpp"

namespace sluice::html {

using Json = nlohmann::ordered_json;

Json page_data(const Catalog& catalog, const CatalogNotes& notes, const Tally& tally,
               const BacktestResult& result, const HtmlContext& context,
               std::span<const std::int64_t> wanted = {});

/// `data` as text that may stand inside of a <script>: no `<`, `>` or `&` is in it, and what is no
/// UTF-8 is U+FFFD.
std::string script_json(const Json& data);

/// `text` as it may stand between tags and in an attribute's quotes.
std::string escaped(std::string_view text);

}  // namespace sluice::html
