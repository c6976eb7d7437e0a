#include <functional>
#include <string>
#include <string_view>

#include "api/job.hpp"
#include "sluice/base/log.hpp"
#include "sluice/c_api.h"

namespace {

sluice_log_level level_of(sluice::LogLevel level) {
  switch (level) {
    case sluice::LogLevel::info:
      return SLUICE_LOG_INFO;
    case sluice::LogLevel::warning:
      return SLUICE_LOG_WARNING;
    case sluice::LogLevel::error:
      return SLUICE_LOG_ERROR;
    case sluice::LogLevel::event:
      return SLUICE_LOG_EVENT;
  }
  return SLUICE_LOG_ERROR;
}

}  // namespace

void sluice_set_log(sluice_log_receiver receiver, void* user) {
  sluice::api::be_silent_at_first();
  sluice::LogOptions options{.screen = false};
  if (receiver != nullptr) {
    options.receiver = [receiver, user](sluice::LogLevel level, std::string_view message) {
      receiver(level_of(level), std::string(message).c_str(), user);
    };
  }
  sluice::open_log(options);
}
