#include "data/catalog/spec.hpp"

#include <charconv>
#include <string>
#include <string_view>
#include <utility>

#include "data/catalog/times.hpp"
#include "data/table/encoding.hpp"
#include "data/table/zone.hpp"
#include "sluice/base/error.hpp"
#include "sluice/data/calendar.hpp"

namespace sluice {
namespace {

/// parse_frequency speaks of data.frequency, which may also be "auto".
void check_aggregate(const std::string& text) {
  try {
    parse_frequency(text);
  } catch (const ConfigError& error) {
    std::string message = error.what();
    for (const auto& [theirs, ours] :
         {std::pair{"data.frequency", "data.aggregate"}, std::pair{"\"auto\", ", ""}}) {
      if (const std::size_t at = message.find(theirs); at != std::string::npos) {
        message.replace(at, std::string_view(theirs).size(), ours);
      }
    }
    throw ConfigError(message);
  }
}

void check_start(const CatalogSpec& spec) {
  const char* end = spec.start.data() + spec.start.size();
  std::int64_t number = 0;
  const auto [stopped, error] = std::from_chars(spec.start.data(), end, number);
  if ((error == std::errc() && stopped == end) || parse_time(spec.start)) return;
  try {
    read_times_as({spec.start}, "data.start", "the time", spec);
  } catch (const DataError& unread) {
    throw ConfigError(unread.what());  // the setting is wrong, not a file
  }
}

}  // namespace

void check_spec(const CatalogSpec& spec) {
  if (spec.read.encoding != "auto") encoding::check_known(spec.read.encoding);
  if (!spec.aggregate.empty()) check_aggregate(spec.aggregate);
  if (!spec.start.empty()) check_start(spec);
  if (!spec.time_zone.empty()) clock_of_zone(spec.time_zone, "data.time_zone");
}

}  // namespace sluice
