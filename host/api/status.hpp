// The border of the C library: no exception crosses it.
#pragma once

#include <exception>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "base/with_memory.hpp"
#include "sluice/base/error.hpp"
#include "sluice/c_api.h"

struct sluice_error {
  std::string message;
};

namespace sluice::api {

/// `status`, and the message in *error if that is wanted and there is memory for it.
sluice_status failed(sluice_error** error, sluice_status status, const char* message) noexcept;

sluice_status status_of(const Error& error) noexcept;

/// Does `work`, whose exceptions become a status and a message.
template <typename Work>
sluice_status guarded(sluice_error** error, Work&& work) noexcept {
  if (error != nullptr) *error = nullptr;
  try {
    std::forward<Work>(work)();
    return SLUICE_OK;
  } catch (const Error& e) {
    return failed(error, status_of(e), e.what());
  } catch (const std::bad_alloc&) {
    return failed(error, SLUICE_DATA_ERROR, kMemoryRanOut);
  } catch (const std::exception& e) {
    return failed(error, SLUICE_INTERNAL_ERROR, e.what());
  }
}

/// Throws ConfigError "FUNCTION: WHAT is NULL" where a pointer is.
void require(const void* pointer, const char* function, const char* what);

/// A copy for sluice_text_free.
char* text_of(const std::string& text);

struct FreeText {
  void operator()(char* text) const { sluice_text_free(text); }
};
/// Text that is given to the caller when nothing can fail any more.
using Text = std::unique_ptr<char, FreeText>;

}  // namespace sluice::api
