// The safetensors format: 8 bytes of header length, a JSON header, the tensors' bytes without gaps.
// The reader trusts nothing: every number of the header is checked against the file before memory
// is taken for it.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>

#include "run/checkpoint/atomic_file.hpp"
#include "run/checkpoint/json.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/checkpoint.hpp"

namespace sluice {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian");

using Json = nlohmann::json;

constexpr std::uint64_t kMaxHeader = 100'000'000;  // the format's own limit
constexpr int kMaxDepth = 4;                       // {tensor: {shape: [...]}}
constexpr std::int64_t kMaxValues = 2'000'000;     // of a thousand members some 700,000

struct Dtype {
  const char* name;
  std::int64_t bytes;
};
constexpr Dtype kDtypes[] = {{"F64", 8}, {"I64", 8}, {"F32", 4}, {"I32", 4}, {"U8", 1}};

/// Bytes of an element, or 0 if the type is unknown.
std::int64_t element_bytes(const std::string& dtype) {
  for (const Dtype& known : kDtypes) {
    if (dtype == known.name) return known.bytes;
  }
  return 0;
}

/// Bytes of a tensor, or nullopt if they do not fit 63 bits.
std::optional<std::int64_t> tensor_bytes(std::int64_t element,
                                         const std::vector<std::int64_t>& shape) {
  if (std::ranges::find(shape, 0) != shape.end()) return 0;
  std::int64_t bytes = element;
  for (const std::int64_t n : shape) {
    if (n < 0 || __builtin_mul_overflow(bytes, n, &bytes)) return std::nullopt;
  }
  return bytes;
}

[[noreturn]] void damaged(const std::filesystem::path& path, const std::string& what) {
  throw DataError(fmt::format(
      "{}: is no safetensors file that can be read: {}; the file is damaged, or another one was "
      "meant",
      path.string(), what));
}

/// An open file whose size is known.
class Input {
 public:
  Input(const std::filesystem::path& path, std::string_view key) : path_(path) {
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // of a pipe it would wait
    struct stat status {};
    if (fd_ < 0 || ::fstat(fd_, &status) != 0) {
      const int error = errno;
      close();
      throw DataError(fmt::format("{}: cannot be opened ({}); train a model first, or set {}",
                                  path.string(), std::generic_category().message(error), key));
    }
    if (!S_ISREG(status.st_mode)) {
      close();
      damaged(path, "it is not a regular file");
    }
    size_ = static_cast<std::uint64_t>(status.st_size);
  }
  ~Input() { close(); }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  std::uint64_t size() const { return size_; }

  /// `offset + bytes` must be inside the size.
  void read(std::uint64_t offset, void* out, std::size_t bytes) const {
    auto* at = static_cast<char*>(out);
    while (bytes > 0) {
      const ssize_t got = ::pread(fd_, at, bytes, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) damaged(path_, std::generic_category().message(errno));
      if (got == 0) damaged(path_, "it became shorter while it was read");
      at += got;
      offset += static_cast<std::uint64_t>(got);
      bytes -= static_cast<std::size_t>(got);
    }
  }

 private:
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  std::filesystem::path path_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

/// Parses the header; a name that stands twice in one object and too deep a nesting are refused
/// (nlohmann would keep the last name silently).
Json parse_header(const std::filesystem::path& path, const std::string& text) {
  std::vector<std::set<std::string>> names;
  JsonLimits limits(kMaxDepth, kMaxValues,
                    [&](const std::string& what) { damaged(path, "its header " + what); });
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    limits(depth, event);
    if (event == Json::parse_event_t::object_start) names.emplace_back();
    if (event == Json::parse_event_t::object_end) names.pop_back();
    if (event == Json::parse_event_t::key &&
        !names.back().insert(parsed.get<std::string>()).second) {
      damaged(path, fmt::format("its header names '{}' twice", parsed.get<std::string>()));
    }
    return true;
  };
  try {
    Json header = Json::parse(text, watch);
    if (!header.is_object()) damaged(path, "its header is not a JSON object");
    return header;
  } catch (const Json::exception& e) {
    damaged(path, fmt::format("its header is not JSON ({})", e.what()));
  }
}

struct Place {
  std::string name;
  std::uint64_t begin = 0, end = 0;
};

std::optional<std::uint64_t> unsigned_of(const Json& value) {
  if (!value.is_number_unsigned()) return std::nullopt;
  return value.get<std::uint64_t>();
}

/// One entry of the header, checked against the size of the data.
Place read_entry(const std::filesystem::path& path, const std::string& name, const Json& entry,
                 std::uint64_t data_bytes, Tensor& tensor) {
  const auto bad = [&](const std::string& what) {
    damaged(path, fmt::format("tensor '{}' {}", name, what));
  };
  if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") ||
      !entry.contains("data_offsets") || entry.size() != 3) {
    bad("has not dtype, shape and data_offsets alone");
  }
  const Json &dtype = entry["dtype"], &shape = entry["shape"], &offsets = entry["data_offsets"];
  if (!dtype.is_string() || element_bytes(dtype.get<std::string>()) == 0) {
    bad(fmt::format("has dtype {}, which is none of F64, F32, I64, I32, U8",
                    dtype.dump(-1, ' ', true, Json::error_handler_t::replace)));
  }
  tensor.dtype = dtype.get<std::string>();
  if (!shape.is_array()) bad("has a shape that is no list");
  for (const Json& n : shape) {
    const auto size = unsigned_of(n);
    if (!size || *size > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      bad("has a shape with something else than sizes");
    }
    tensor.shape.push_back(static_cast<std::int64_t>(*size));
  }
  const auto bytes = tensor_bytes(element_bytes(tensor.dtype), tensor.shape);
  if (!offsets.is_array() || offsets.size() != 2) bad("has data_offsets that are not two numbers");
  const auto begin = unsigned_of(offsets[0]), end = unsigned_of(offsets[1]);
  if (!begin || !end || *begin > *end || *end > data_bytes) {
    bad("lies outside the file");
  }
  if (!bytes || static_cast<std::uint64_t>(*bytes) != *end - *begin) {
    bad("has not as many bytes as its shape says");
  }
  return {name, *begin, *end};
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const Safetensors& file) {
  // Wide elements first: then every tensor begins at a multiple of its element's size.
  std::vector<const std::string*> order;
  for (const auto& [name, tensor] : file.tensors) {
    const auto bytes = tensor_bytes(element_bytes(tensor.dtype), tensor.shape);
    if (element_bytes(tensor.dtype) == 0 || !bytes ||
        static_cast<std::size_t>(*bytes) != tensor.bytes.size() || name == "__metadata__") {
      throw InternalError(fmt::format("tensor '{}' of {} bytes does not fit its {} shape", name,
                                      tensor.bytes.size(), tensor.dtype));
    }
    order.push_back(&name);
  }
  std::ranges::stable_sort(order, std::greater{}, [&](const std::string* name) {
    return element_bytes(file.tensors.at(*name).dtype);
  });

  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!file.metadata.empty()) header["__metadata__"] = file.metadata;
  std::vector<std::string_view> parts(2);
  std::uint64_t offset = 0;
  for (const std::string* name : order) {
    const Tensor& tensor = file.tensors.at(*name);
    header[*name] = {{"dtype", tensor.dtype},
                     {"shape", tensor.shape},
                     {"data_offsets", {offset, offset + tensor.bytes.size()}}};
    parts.emplace_back(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
    offset += tensor.bytes.size();
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception& e) {
    throw InternalError(
        fmt::format("{}: a name or text is not UTF-8 ({})", path.string(), e.what()));
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  if (text.size() > kMaxHeader) {
    throw DataError(fmt::format("{}: its names need {} bytes where the format allows {}",
                                path.string(), text.size(), kMaxHeader));
  }
  const std::uint64_t length = text.size();
  char prefix[8];
  std::memcpy(prefix, &length, sizeof length);
  parts[0] = {prefix, sizeof prefix};
  parts[1] = text;
  write_atomically(path, parts, "path.model");
}

Safetensors read_safetensors(const std::filesystem::path& path, std::string_view setting) {
  const Input input(path, setting);
  std::uint64_t length = 0;
  if (input.size() < sizeof length) damaged(path, "it is shorter than 8 bytes");
  input.read(0, &length, sizeof length);
  if (length > kMaxHeader || length > input.size() - sizeof length) {
    char begin[sizeof length];
    std::memcpy(begin, &length, sizeof length);
    if (std::ranges::all_of(begin, [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); })) {
      throw DataError(fmt::format("{}: is text, no model; name a NAME.safetensors", path.string()));
    }
    damaged(path,
            fmt::format("it has {} bytes, its header alone would have {}", input.size(), length));
  }
  std::string text(length, '\0');
  input.read(sizeof length, text.data(), text.size());
  if (!text.starts_with('{')) damaged(path, "its header does not begin with {");
  const Json header = parse_header(path, text);

  Safetensors file;
  std::vector<Place> places;
  const std::uint64_t data_begin = sizeof length + length;
  const std::uint64_t data_bytes = input.size() - data_begin;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      if (!entry.is_object()) damaged(path, "its metadata is not an object");
      for (const auto& [key, value] : entry.items()) {
        if (!value.is_string()) damaged(path, fmt::format("its metadata '{}' is not text", key));
        file.metadata[key] = value.get<std::string>();
      }
      continue;
    }
    places.push_back(read_entry(path, name, entry, data_bytes, file.tensors[name]));
  }
  // Without gaps and overlaps, so that the tensors together are no larger than the file.
  std::ranges::sort(places, {}, [](const Place& p) { return std::pair(p.begin, p.end); });
  std::uint64_t end = 0;
  for (const Place& place : places) {
    if (place.begin != end) {
      damaged(path, fmt::format("tensor '{}' {} the one before it", place.name,
                                place.begin < end ? "overlaps" : "leaves a gap after"));
    }
    end = place.end;
  }
  if (end != data_bytes) damaged(path, "bytes are left after the last tensor");
  for (const Place& place : places) {
    Tensor& tensor = file.tensors[place.name];
    tensor.bytes.resize(place.end - place.begin);
    input.read(data_begin + place.begin, tensor.bytes.data(), tensor.bytes.size());
  }
  return file;
}

}  // namespace sluice
