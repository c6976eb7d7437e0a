// Small files that would become large: each ends at data.max_bytes, or at what the process may
// take, with an error of the data, and the memory of the process stays near that limit.
#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/ipc/writer.h>
#include <arrow/util/compression.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>
#include <sys/resource.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "app/bad_inputs/child.hpp"

namespace sluice::bad_inputs {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

constexpr std::int64_t kMega = 1'000'000;
/// What the address sanitizer keeps of freed memory (its quarantine), and its shadow.
constexpr long kSanitizersMb = SLUICE_SANITIZED ? 600 : 0;

/// `block` so many times, compressed: each block is a member (gzip, RFC 1952) or a frame (zstd,
/// RFC 8878) of its own, as both formats allow.
std::string packed(arrow::Compression::type type, const std::string& head, const std::string& block,
                   int times) {
  const auto codec = arrow::util::Codec::Create(type).ValueOrDie();
  const auto pack = [&](const std::string& text) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
    const auto size = static_cast<std::int64_t>(text.size());
    std::string out(static_cast<std::size_t>(codec->MaxCompressedLen(size, bytes)), '\0');
    out.resize(static_cast<std::size_t>(
        codec->Compress(size, bytes, std::ssize(out), reinterpret_cast<std::uint8_t*>(out.data()))
            .ValueOrDie()));
    return out;
  };
  std::string all = pack(head);
  const std::string one = pack(block);
  for (int i = 0; i < times; ++i) all += one;
  return all;
}

/// Rows of one series without end: a day, then zeros, again and again.
std::string rows_of(std::int64_t bytes) {
  std::string rows;
  while (std::ssize(rows) < bytes) rows += "2024-01-01,0\n";
  return rows;
}

std::shared_ptr<arrow::Table> zeros(std::int64_t rows, int columns) {
  arrow::Int64Builder builder;
  if (!builder.AppendEmptyValues(rows).ok()) throw std::runtime_error("no memory");
  const auto array = builder.Finish().ValueOrDie();
  std::vector<std::shared_ptr<arrow::Field>> fields;
  for (int c = 0; c < columns; ++c) {
    fields.push_back(arrow::field("c" + std::to_string(c), arrow::int64()));
  }
  return arrow::Table::Make(arrow::schema(fields),
                            std::vector<std::shared_ptr<arrow::Array>>(fields.size(), array));
}

void write_parquet(const std::string& name, std::int64_t rows, int columns) {
  const auto out = arrow::io::FileOutputStream::Open(name).ValueOrDie();
  if (!parquet::arrow::WriteTable(*zeros(rows, columns), arrow::default_memory_pool(), out, rows)
           .ok() ||
      !out->Close().ok()) {
    throw std::runtime_error(name);
  }
}

void write_arrow(const std::string& name, std::int64_t rows, int columns) {
  const auto out = arrow::io::FileOutputStream::Open(name).ValueOrDie();
  const auto table = zeros(rows, columns);
  auto options = arrow::ipc::IpcWriteOptions::Defaults();
  options.codec = arrow::util::Codec::Create(arrow::Compression::ZSTD).ValueOrDie();
  options.use_threads = false;
  const auto writer = arrow::ipc::MakeFileWriter(out, table->schema(), options).ValueOrDie();
  if (!writer->WriteTable(*table).ok() || !writer->Close().ok() || !out->Close().ok()) {
    throw std::runtime_error(name);
  }
}

/// A number as Thrift's compact protocol has it: zigzag, seven bits a byte.
std::string varint(std::int64_t number) {
  auto rest = static_cast<std::uint64_t>(number) << 1 ^ static_cast<std::uint64_t>(number >> 63);
  std::string bytes;
  for (; rest >= 0x80; rest >>= 7) bytes += static_cast<char>(rest | 0x80);
  return bytes + static_cast<char>(rest);
}

/// The file says of its rows that there are `said`, wherever its footer counts them.
void lie_about_rows(const std::string& name, std::int64_t rows, std::int64_t said) {
  std::string bytes = bytes_of(name);
  std::uint32_t length = 0;
  std::memcpy(&length, bytes.data() + bytes.size() - 8, sizeof length);
  const std::size_t begin = bytes.size() - 8 - length;
  std::string footer = bytes.substr(begin, length);
  // A field of 64 bits, the next one of its structure: 0x16.
  const std::string from = '\x16' + varint(rows), to = '\x16' + varint(said);
  for (std::size_t at = 0; (at = footer.find(from, at)) != std::string::npos; at += to.size()) {
    footer.replace(at, from.size(), to);
  }
  const auto new_length = static_cast<std::uint32_t>(footer.size());
  std::string end(sizeof new_length, '\0');
  std::memcpy(end.data(), &new_length, sizeof new_length);
  write_bytes(fs::absolute(name), bytes.substr(0, begin) + footer + end + "PAR1");
}

class Bombs : public ::testing::Test {
 protected:
  /// Makes files in a child, too: this process stays small, and its children begin as it is.
  void make(const std::function<void()>& work) {
    const Outcome made = in_child(folder_.path(), [&] {
      work();
      return 0;
    });
    ASSERT_EQ(made.status, 0) << made.err;
  }

  /// The command's message, where it fails with an error of the data and its
  /// memory grows by less than `most_mb`.
  std::string refused(const std::string& line, long most_mb) {
    const Outcome nothing = run(folder_.path(), "explain data.gaps");
    const Outcome outcome = run(folder_.path(), line, [] {
      const rlimit seconds{60, 60};  // never met where it ends
      ::setrlimit(RLIMIT_CPU, &seconds);
    });
    EXPECT_EQ(outcome.status, 3) << outcome.out << outcome.err;
    EXPECT_LT((outcome.peak_kb - nothing.peak_kb) / 1000, most_mb + kSanitizersMb);
    return last_message(outcome);
  }

  Folder folder_;
};

TEST_F(Bombs, OfGzipAndZstandardEndAtTheLimit) {
  make([] {
    const std::string block = rows_of(kMega);  // 100 MB in all
    write_bytes(fs::absolute("a.csv.gz"), packed(arrow::Compression::GZIP, "ds,y\n", block, 100));
    write_bytes(fs::absolute("a.csv.zst"), packed(arrow::Compression::ZSTD, "ds,y\n", block, 100));
  });
  for (const char* name : {"a.csv.gz", "a.csv.zst"}) {
    ASSERT_GT(100 * kMega, 100 * static_cast<std::int64_t>(fs::file_size(folder_.path() / name)));
    EXPECT_EQ(refused("check " + std::string(name) + " --data.max_bytes 10000000", 200),
              std::string(name) +
                  ": it holds more than the 10.0 MB that data.max_bytes allows; set it higher, or "
                  "cut the file into fewer rows or columns");
  }
}

TEST_F(Bombs, OfOneLineWithoutEndEndAtTheLimit) {
  make([] {
    const std::string block(kMega, '0');
    write_bytes(fs::absolute("a.csv.gz"),
                packed(arrow::Compression::GZIP, "ds,y\n2024-01-01,", block, 100));
    write_bytes(fs::absolute("b.csv.gz"), packed(arrow::Compression::GZIP, "d", block, 100));
    write_bytes(fs::absolute("c.tsf.gz"),
                packed(arrow::Compression::GZIP, "@attribute a string\n@data\n", block, 100));
  });
  for (const char* name : {"a.csv.gz", "b.csv.gz", "c.tsf.gz"}) {
    EXPECT_THAT(refused("check " + std::string(name) + " --data.max_bytes 10000000", 300),
                HasSubstr("it holds more than the 10.0 MB that data.max_bytes allows"));
  }
}

TEST_F(Bombs, OfRunsInParquetEndAtTheLimit) {
  make([] { write_parquet("a.parquet", 8 * kMega, 2); });  // 128 MB as cells
  ASSERT_LT(fs::file_size(folder_.path() / "a.parquet"), 1'000'000);
  EXPECT_THAT(refused("check a.parquet --data.max_bytes 10000000", 100),
              HasSubstr("8000000 rows of 2 columns are more than the 10.0 MB that data.max_bytes "
                        "allows"));
  EXPECT_THAT(refused("check a.parquet --data.max_bytes 20000000", 200),
              HasSubstr("it takes more memory than its cells may"));
}

TEST_F(Bombs, OfRowsThatParquetOnlyDeclaresTakeNoMemory) {
  make([] {
    for (const char* name : {"a.parquet", "b.parquet", "c.parquet"}) {
      write_parquet(name, 100'003, 2);
    }
    lie_about_rows("a.parquet", 100'003, std::int64_t{1} << 60);
    lie_about_rows("b.parquet", 100'003, -5);
    lie_about_rows("c.parquet", 100'003, 4 * kMega);
  });
  EXPECT_THAT(refused("check a.parquet --data.max_bytes 10000000", 100),
              HasSubstr("1152921504606846976 rows"));
  EXPECT_THAT(refused("check a.parquet", 100), HasSubstr("1152921504606846976 rows"));
  refused("check b.parquet", 100);
  refused("check c.parquet --data.max_bytes 10000000", 100);
}

TEST_F(Bombs, OfCompressedArrowBuffersEndAtTheLimit) {
  make([] {
    write_arrow("a.arrow", 8 * kMega, 2);
    // A buffer begins with the length that it says to have uncompressed.
    write_arrow("b.arrow", 1000, 2);
    std::string bytes = bytes_of("b.arrow");
    const std::int64_t is = 8000, said = std::int64_t{1} << 50;
    std::string from(sizeof is, '\0'), to(sizeof said, '\0');
    std::memcpy(from.data(), &is, sizeof is);
    std::memcpy(to.data(), &said, sizeof said);
    const std::size_t at = bytes.find(from + "\x28\xb5\x2f\xfd");
    if (at == std::string::npos) throw std::runtime_error("no compressed buffer");
    write_bytes(fs::absolute("b.arrow"), bytes.replace(at, to.size(), to));
  });
  ASSERT_LT(fs::file_size(folder_.path() / "a.arrow"), 1'000'000);
  EXPECT_THAT(refused("check a.arrow --data.max_bytes 20000000", 200),
              HasSubstr("it takes more memory than its cells may"));
  EXPECT_THAT(refused("check b.arrow", 100), HasSubstr("it takes more memory than its cells may"));
}

TEST_F(Bombs, OfDepthAndBreadthInAModelsHeaderAreRefused) {
  const auto model = [](const std::string& header) {
    const std::uint64_t length = header.size();
    std::string begin(sizeof length, '\0');
    std::memcpy(begin.data(), &length, sizeof length);
    return begin + header;
  };
  make([&] {
    const std::string deep(2 * kMega, '[');
    write_bytes(fs::absolute("a.safetensors"), model("{\"a\":" + deep));
    const std::string format = R"({"__metadata__":{"format":"sluice model","format_version":"1",)";
    write_bytes(fs::absolute("b.safetensors"), model(format + R"("spec":")" + deep + "\"}}"));
    std::string broad = "{\\\"a\\\":[0";
    for (int i = 0; i < 4 * kMega; ++i) broad += ",0";
    write_bytes(fs::absolute("c.safetensors"), model(format + R"("spec":")" + broad + "]}\"}}"));
    write_bytes(fs::absolute("d.safetensors"),
                model(format + R"("spec":"{}","config":"x = )" + deep + "\"}}"));
    write_bytes(fs::absolute("e.toml"), "x = " + deep);
  });
  const auto info = [&](const std::string& name, long most_mb) {
    return refused("info " + name, most_mb);
  };
  EXPECT_THAT(info("a.safetensors", 100), HasSubstr("its header is nested too deep"));
  EXPECT_THAT(info("b.safetensors", 100), HasSubstr("metadata 'spec' is nested too deep"));
  EXPECT_THAT(info("c.safetensors", 100), HasSubstr("metadata 'spec' has more than"));
  EXPECT_THAT(info("d.safetensors", 100), HasSubstr("metadata 'spec'"));
  const Outcome toml = run(folder_.path(), "check e.toml");
  EXPECT_EQ(toml.status, 2);
  EXPECT_THAT(last_message(toml), HasSubstr("e.toml:1: "));
}

}  // namespace
}  // namespace sluice::bad_inputs
