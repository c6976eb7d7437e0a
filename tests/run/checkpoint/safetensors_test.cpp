// The format underneath a model: what is written comes back, what is hostile is refused by name.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "run/temporary_file.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/checkpoint.hpp"

namespace sluice {
namespace {

using ::testing::HasSubstr;

/// A safetensors file with this header and so many bytes of data.
std::string file_bytes(const std::string& header, std::size_t data) {
  const std::uint64_t length = header.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes + header + std::string(data, '\1');
}

std::string read_error(const std::string& bytes) {
  const auto path = temporary("hostile.safetensors");
  write_bytes(path, bytes);
  try {
    read_safetensors(path);
  } catch (const DataError& e) {
    return e.what();
  }
  return "no error";
}

TEST(Safetensors, EveryTypeComesBackAndIsAligned) {
  Safetensors file;
  file.metadata = {{"note", "\"\xE4\xB8\x8B\" \n"}};
  file.tensors["a"] = {"U8", {3}, {1, 2, 3}};
  file.tensors["b"] = {"F64", {}, std::vector<std::uint8_t>(8, 7)};
  file.tensors["c"] = {"I32", {2, 1}, std::vector<std::uint8_t>(8, 9)};
  file.tensors["d"] = {"F32", {0, 5}, {}};
  const auto path = temporary("types.safetensors");
  write_safetensors(path, file);
  const Safetensors back = read_safetensors(path);
  EXPECT_EQ(back.metadata, file.metadata);
  ASSERT_EQ(back.tensors.size(), 4u);
  for (const auto& [name, tensor] : file.tensors) {
    EXPECT_EQ(back.tensors.at(name).dtype, tensor.dtype);
    EXPECT_EQ(back.tensors.at(name).shape, tensor.shape);
    EXPECT_EQ(back.tensors.at(name).bytes, tensor.bytes);
  }
  const std::string bytes = read_bytes(path);
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  EXPECT_EQ(length % 8, 0u);
  const auto header = nlohmann::json::parse(bytes.substr(8, length));
  EXPECT_EQ(header["b"]["data_offsets"][0].get<int>() % 8, 0);
  EXPECT_EQ(header["c"]["data_offsets"][0].get<int>() % 4, 0);
}

TEST(Safetensors, HostileHeadersAreNamed) {
  const auto entry = [](const std::string& shape, const std::string& offsets) {
    return fmt::format(R"({{"a":{{"dtype":"F32","shape":{},"data_offsets":{}}}}})", shape, offsets);
  };
  EXPECT_EQ(read_error(file_bytes(entry("[2]", "[0,8]"), 8)), "no error");
  EXPECT_THAT(read_error("short"), HasSubstr("shorter than 8 bytes"));
  EXPECT_THAT(read_error(std::string(8, '\xFF') + "{}"), HasSubstr("its header alone would have"));
  EXPECT_THAT(read_error(file_bytes("[]", 0)), HasSubstr("does not begin with {"));
  EXPECT_THAT(read_error(file_bytes("{\"a\":", 0)), HasSubstr("its header is not JSON"));
  EXPECT_THAT(read_error(file_bytes(std::string("{\"a\":") + std::string(100000, '['), 0)),
              HasSubstr("nested too deep"));
  EXPECT_THAT(read_error(file_bytes(entry("[2]", "[0,9]"), 8)), HasSubstr("lies outside the file"));
  EXPECT_THAT(read_error(file_bytes(entry("[2]", "[8,0]"), 8)), HasSubstr("lies outside the file"));
  EXPECT_THAT(read_error(file_bytes(entry("[2]", "[-8,0]"), 8)),
              HasSubstr("lies outside the file"));
  EXPECT_THAT(read_error(file_bytes(entry("[3]", "[0,8]"), 8)), HasSubstr("as its shape says"));
  EXPECT_THAT(read_error(file_bytes(entry("[4294967296,4294967296]", "[0,8]"), 8)),
              HasSubstr("as its shape says"));
  EXPECT_THAT(read_error(file_bytes(entry("[18446744073709551615]", "[0,8]"), 8)),
              HasSubstr("something else than sizes"));
  EXPECT_THAT(read_error(file_bytes(entry("[-2]", "[0,8]"), 8)),
              HasSubstr("something else than sizes"));
  EXPECT_THAT(read_error(file_bytes(entry("\"x\"", "[0,8]"), 8)),
              HasSubstr("has a shape that is no list"));
  EXPECT_THAT(read_error(file_bytes(entry("[2]", "[0,8]"), 16)),
              HasSubstr("bytes are left after the last tensor"));
  const std::string a = R"("a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]})";
  const std::string b = R"("b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]})";
  const std::string c = R"("c":{"dtype":"U8","shape":[4],"data_offsets":[5,9]})";
  EXPECT_THAT(read_error(file_bytes("{" + a + "," + b + "}", 6)),
              HasSubstr("tensor 'b' overlaps the one before it"));
  EXPECT_THAT(read_error(file_bytes("{" + a + "," + c + "}", 9)),
              HasSubstr("tensor 'c' leaves a gap after the one before it"));
  EXPECT_THAT(read_error(file_bytes("{" + a + "," + a + "}", 4)),
              HasSubstr("its header names 'a' twice"));
  EXPECT_THAT(
      read_error(file_bytes(R"({"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}})", 4)),
      HasSubstr("tensor 'a' has dtype \"BF16\", which is none of F64, F32, I64, I32, U8"));
  EXPECT_THAT(read_error(file_bytes(R"({"__metadata__":{"a":5}})", 0)),
              HasSubstr("its metadata 'a' is not text"));
}

}  // namespace
}  // namespace sluice
