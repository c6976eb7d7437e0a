#include "run/checkpoint/checked_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "base/checksum.hpp"
#include "run/checkpoint/json.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr const char* kChecksum = "checksum";

}  // namespace

std::string checksum_of(const Safetensors& file) {
  Checksum sum;
  for (const auto& [name, text] : file.metadata) {
    if (name == kChecksum) continue;
    sum.add(name);
    sum.add(text);
  }
  for (const auto& [name, tensor] : file.tensors) {
    sum.add(name);
    sum.add(tensor.dtype);
    sum.add(std::span<const std::uint8_t>(tensor.bytes));
  }
  return fmt::format("{:016x}", sum.value());
}

Tensor empty_tensor(const char* dtype, Shape shape, std::size_t count) {
  const std::int64_t elements =
      std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>{});
  if (elements != static_cast<std::int64_t>(count)) {
    throw InternalError(fmt::format("a tensor of {} numbers has {}", elements, count));
  }
  return {.dtype = dtype, .shape = std::move(shape), .bytes = {}};
}

Tensor scalar_of(double number) { return tensor_of(std::span<const double>(&number, 1), {}); }

Tensor lines_of(const std::vector<std::string>& texts) {
  const std::string lines = to_lines(texts);
  return tensor_of(std::span<const char>(lines), {static_cast<std::int64_t>(lines.size())});
}

void write_checked(const std::filesystem::path& path, Safetensors& file) {
  file.metadata[kChecksum] = checksum_of(file);
  write_safetensors(path, file);
}

CheckedReader::CheckedReader(const std::filesystem::path& path, std::string_view setting,
                             const char* format, int version, int oldest)
    : path_(path.string()), file_(read_safetensors(path, setting)) {
  if (text("format") != format) {
    throw DataError(fmt::format("{}: is a {}, where a {} is needed; choose another file", path_,
                                text("format"), format));
  }
  const std::string& written = text("format_version");
  const bool number = !written.empty() && written.size() <= 9 &&
                      written.find_first_not_of("0123456789") == std::string::npos;
  if (!number || std::stoi(written) < 1) bad("'format_version' is not a number");
  if (std::stoi(written) > version) {
    throw DataError(fmt::format(
        "{}: is of format {}, which is newer than this program's {}; update Sluice, or train the "
        "model again with this version",
        path_, written, version));
  }
  if (std::stoi(written) < oldest) {
    throw DataError(fmt::format(
        "{}: is of format {}, which is older than what this program goes on from ({}); train "
        "again without it (mode.resume = false)",
        path_, written, oldest));
  }
  // Files from before there was one, and those that others wrote, have none.
  const auto sum = file_.metadata.find(kChecksum);
  if (sum != file_.metadata.end() && sum->second != checksum_of(file_)) {
    throw DataError(fmt::format(
        "{}: has not the contents that it was written with; the file is damaged: take a copy "
        "from before, or train again (where it was edited on purpose, leave out its metadata "
        "'{}')",
        path_, kChecksum));
  }
}

std::string CheckedReader::where(std::string_view name) const {
  return fmt::format("{}: metadata '{}'", path_, name);
}

const std::string& CheckedReader::text(const std::string& name) const {
  const auto found = file_.metadata.find(name);
  if (found == file_.metadata.end()) bad(fmt::format("metadata '{}' is missing", name));
  return found->second;
}

nlohmann::json CheckedReader::object(const std::string& name) const {
  return parse_object(text(name), where(name));
}

const Tensor& CheckedReader::tensor(const std::string& name, const char* dtype,
                                    const Shape& shape) const {
  const auto found = file_.tensors.find(name);
  if (found == file_.tensors.end()) bad(fmt::format("tensor '{}' is missing", name));
  const Tensor& tensor = found->second;
  const bool fits = std::ranges::equal(
      tensor.shape, shape, [](auto is, auto should) { return should < 0 || is == should; });
  if (tensor.dtype != dtype || !fits) {
    bad(fmt::format("tensor '{}' is {} [{}] where {} [{}] is needed", name, tensor.dtype,
                    fmt::join(tensor.shape, ", "), dtype, fmt::join(shape, ", ")));
  }
  return tensor;
}

std::vector<std::string> CheckedReader::lines(const std::string& name) const {
  const std::vector<char> text = numbers<char>(name, {-1});
  return from_lines({text.data(), text.size()}, fmt::format("{}: tensor '{}'", path_, name));
}

std::vector<std::string> CheckedReader::names(const nlohmann::json& json, const char* name) const {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_array()) bad(fmt::format("'{}' is not a list", name));
  std::vector<std::string> texts;
  for (const nlohmann::json& text : *found) {
    if (!text.is_string()) bad(fmt::format("'{}' is not a list of texts", name));
    texts.push_back(unescaped(text.get<std::string>(), where("names")));
  }
  return texts;
}

void CheckedReader::bad(const std::string& what) const {
  throw DataError(fmt::format("{}: {}; the file is damaged or not Sluice's", path_, what));
}

}  // namespace sluice
