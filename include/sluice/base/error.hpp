// The four ways in which Sluice stops. Thrown where the fault is found, caught once in main().
// Every message gives the place, what is wrong, and the remedy:
//   shop.toml:12: unknown key 'training.learning_rat'; did you mean 'training.learning_rate'?
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

namespace sluice {

/// Base of all errors of Sluice; `exit_code` is what the program returns. A zero byte in the
/// message (of a column's name or a cell), where what() would end, becomes "\x00"; other control
/// characters are made visible where a message is printed.
class Error : public std::runtime_error {
 public:
  Error(const std::string& message, int exit_code)
      : std::runtime_error(without_zero_bytes(message)), exit_code_(exit_code) {}
  int exit_code() const noexcept { return exit_code_; }

 private:
  static std::string without_zero_bytes(std::string message) {
    for (std::size_t at = 0; (at = message.find('\0', at)) != std::string::npos;) {
      message.replace(at, 1, "\\x00");
    }
    return message;
  }

  int exit_code_;
};

/// A setting is unknown, mistyped, out of range or in conflict with another.
class ConfigError : public Error {
 public:
  explicit ConfigError(const std::string& message) : Error(message, 2) {}
};

/// A file cannot be read or written, or what it holds is not what was expected.
class DataError : public Error {
 public:
  explicit DataError(const std::string& message) : Error(message, 3) {}
};

/// A device is missing, too old, out of memory, or refuses a shape.
class DeviceError : public Error {
 public:
  explicit DeviceError(const std::string& message) : Error(message, 4) {}
};

/// A library of the device does not do this here, and says so only when it is asked to run: nothing
/// is broken, another way is to be chosen.
class NotSupportedError : public DeviceError {
 public:
  using DeviceError::DeviceError;
};

/// A promise inside Sluice is broken: a bug of ours, never the user's fault.
class InternalError : public Error {
 public:
  explicit InternalError(const std::string& message) : Error(message, 70) {}
};

}  // namespace sluice
