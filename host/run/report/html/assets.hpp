// Files that the page is made of; cmake/SluicePage.cmake makes the sources of them.
#pragma once

#include <string_view>

namespace sluice::html {

extern const std::string_view kDygraphsScript;  ///< the charting library, with its licence's name
extern const std::string_view kDygraphsStyle;
extern const std::string_view kDygraphsLicence;  ///< the whole text
extern const std::string_view kPageStyle;
extern const std::string_view kPageWords, kPageCharts, kPageScript;  ///< in this order

}  // namespace sluice::html
