// A safetensors file of a known format and version with a checksum of all that it holds: what
// models and training states have in common.
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "sluice/run/checkpoint.hpp"

namespace sluice {

using Shape = std::vector<std::int64_t>;  ///< of a tensor; none: one number

template <typename Number>
constexpr const char* dtype_of() {
  if constexpr (std::is_same_v<Number, float>) return "F32";
  if constexpr (std::is_same_v<Number, double>) return "F64";
  if constexpr (std::is_same_v<Number, std::int64_t>) return "I64";
  if constexpr (std::is_same_v<Number, char>) return "U8";
}

/// A tensor of `shape` without its bytes; InternalError where `shape` is not of `count` numbers.
Tensor empty_tensor(const char* dtype, Shape shape, std::size_t count);

template <typename Number>
Tensor tensor_of(std::span<const Number> numbers, Shape shape) {
  Tensor tensor = empty_tensor(dtype_of<Number>(), std::move(shape), numbers.size());
  tensor.bytes.resize(numbers.size_bytes());
  if (!numbers.empty()) std::memcpy(tensor.bytes.data(), numbers.data(), numbers.size_bytes());
  return tensor;
}

template <typename Number>
Tensor tensor_of(const std::vector<Number>& numbers) {
  return tensor_of(std::span<const Number>(numbers), {static_cast<std::int64_t>(numbers.size())});
}

Tensor scalar_of(double number);
Tensor lines_of(const std::vector<std::string>& texts);

/// Of all that a file holds beside this number itself, 16 hexadecimal digits.
std::string checksum_of(const Safetensors& file);

/// write_safetensors with the checksum, which it adds to `file`.
void write_checked(const std::filesystem::path& path, Safetensors& file);

/// A file of a known format, with messages that name it. What is not there or not of its kind is a
/// DataError.
class CheckedReader {
 public:
  /// Refuses another format, a version outside [oldest, version] and another checksum.
  CheckedReader(const std::filesystem::path& path, std::string_view setting, const char* format,
                int version, int oldest = 1);

  std::string where(std::string_view name) const;
  const std::string& text(const std::string& name) const;
  nlohmann::json object(const std::string& name) const;

  bool has(const std::string& name) const { return file_.tensors.contains(name); }
  const Safetensors& file() const { return file_; }

  /// The numbers of a tensor of this very shape; -1: any size there.
  template <typename Number>
  std::vector<Number> numbers(const std::string& name, const Shape& shape) const {
    const Tensor& tensor = this->tensor(name, dtype_of<Number>(), shape);
    std::vector<Number> numbers(tensor.bytes.size() / sizeof(Number));
    if (!numbers.empty()) std::memcpy(numbers.data(), tensor.bytes.data(), tensor.bytes.size());
    return numbers;
  }
  double scalar(const std::string& name) const { return numbers<double>(name, {})[0]; }
  std::vector<std::string> lines(const std::string& name) const;
  std::vector<std::string> names(const nlohmann::json& json, const char* name) const;

  [[noreturn]] void bad(const std::string& what) const;

 private:
  const Tensor& tensor(const std::string& name, const char* dtype, const Shape& shape) const;

  std::string path_;
  Safetensors file_;
};

}  // namespace sluice
