// Text in other encodings than UTF-8, by the C library's iconv.
#pragma once

#include <arrow/io/interfaces.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::encoding {

/// iconv's name of the encoding that text's first bytes (its byte order mark) say: UTF-16LE,
/// UTF-16BE, UTF-32LE, UTF-32BE, UTF-8; empty: they say nothing.
std::string by_mark(std::string_view head);

/// Whether `name` is one of UTF-8's.
bool is_utf8(std::string_view name);

/// Throws ConfigError if iconv does not know an encoding of this name.
void check_known(const std::string& name);

/// The text in UTF-8, without a byte order mark. Throws ConfigError if iconv does not know the
/// encoding, DataError with the line of the first byte that is none of its text, or if the text is
/// longer than `most`.
std::string to_utf8(const std::filesystem::path& path, std::string_view bytes,
                    const std::string& name, std::int64_t most);

/// Whether `bytes` are UTF-8 rather than the encoding `name`: they have characters of several
/// bytes, and in `name` they are no text, or each byte would be a letter of its own ("Ã©"), or
/// these characters are too many to be UTF-8 by chance.
bool is_utf8_beyond_doubt(std::string_view bytes, const std::string& name);

struct BadText {
  std::int64_t line;  ///< from 1
  std::string cell;   ///< what stands around the byte, other bytes than ASCII as \xFC
};
/// The first bytes that are not UTF-8.
std::optional<BadText> find_bad_utf8(arrow::io::InputStream& stream, char delimiter);

}  // namespace sluice::encoding
