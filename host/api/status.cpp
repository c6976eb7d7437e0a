#include "api/status.hpp"

#include <fmt/core.h>

#include <cstdlib>
#include <cstring>

#include "base/build.hpp"

namespace sluice::api {
namespace {

/// Where there is no memory for a message of its own; never freed.
sluice_error out_of_memory{kMemoryRanOut};

}  // namespace

sluice_status failed(sluice_error** error, sluice_status status, const char* message) noexcept {
  if (error == nullptr) return status;
  try {
    *error = new sluice_error{message};
  } catch (const std::bad_alloc&) {
    *error = &out_of_memory;
  }
  return status;
}

sluice_status status_of(const Error& error) noexcept {
  return static_cast<sluice_status>(error.exit_code());
}

void require(const void* pointer, const char* function, const char* what) {
  if (pointer == nullptr) throw ConfigError(fmt::format("{}: {} is NULL", function, what));
}

char* text_of(const std::string& text) {
  auto* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(copy, text.c_str(), text.size() + 1);
  return copy;
}

}  // namespace sluice::api

using sluice::api::out_of_memory;

const char* sluice_error_message(const sluice_error* error) {
  return error == nullptr ? "" : error->message.c_str();
}

void sluice_error_free(sluice_error* error) {
  if (error != &out_of_memory) delete error;
}

const char* sluice_version(void) { return sluice::kBuild.version; }
int sluice_api_version(void) { return SLUICE_API_VERSION; }
void sluice_text_free(char* text) { std::free(text); }
