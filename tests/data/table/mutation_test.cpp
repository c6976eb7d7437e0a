// Files that were cut or changed at random (always the same random): reading them gives a catalogue
// or a DataError, and nothing else.
#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/writer.h>
#include <arrow/table.h>
#include <gtest/gtest.h>

#include <cstdint>

#include "data/table/arrow_table.hpp"
#include "data/temporary.hpp"
#include "sluice/base/rng.hpp"
#include "sluice/data/catalog.hpp"

namespace sluice {
namespace {

class Mutation : public WithFiles {
 protected:
  std::uint64_t random(std::uint64_t n) {
    const Philox4 bits = philox(7, counter_++, 0);
    return to_below(bits.v[0], bits.v[1], n);
  }

  std::string mutated(std::string text) {
    // Bytes that mean something in one of the formats come more often than others.
    static constexpr std::string_view kLoaded = ",\"\n\r:@?-/.\0\xFF\xEF";
    for (std::uint64_t change = random(4) + 1; change > 0 && !text.empty(); --change) {
      const auto at = static_cast<std::size_t>(random(text.size()));
      switch (random(5)) {
        case 0:
          text.resize(at);
          break;
        case 1:
          text[at] = static_cast<char>(random(256));
          break;
        case 2:
          text[at] = kLoaded[static_cast<std::size_t>(random(kLoaded.size()))];
          break;
        case 3:
          text.insert(at, text.substr(at / 2, static_cast<std::size_t>(random(40))));
          break;
        default:
          text.erase(at, static_cast<std::size_t>(random(20)) + 1);
      }
    }
    return text;
  }

  /// Reads `count` mutations of `text` as NAME; returns how many were refused.
  int refused(const std::string& name, const std::string& text, int count) {
    int errors = 0;
    for (int i = 0; i < count; ++i) {
      CatalogSpec spec;
      spec.read.paths = {file(name, mutated(text))};
      if (i % 2 == 0) spec.read.kept_bytes = 100;  // large files are read in another way
      if (i % 3 == 0) spec.duplicates = DuplicatePolicy::sum;
      if (i % 5 == 0) spec.gaps = GapPolicy::forward_fill;
      if (i % 7 == 0) spec.layout = Layout::columns;
      if (i % 11 == 0) spec.layout = Layout::rows;
      try {
        read_catalog(spec);
      } catch (const DataError& e) {
        EXPECT_NE(std::string(e.what()).find(name), std::string::npos)
            << "names the file: " << e.what();
        ++errors;
      }
    }
    return errors;
  }

 private:
  std::uint64_t counter_ = 0;
};

constexpr const char* kCsv =
    "unique_id,ds,y,p\nA,2022-01-01,1,10\nA,2022-01-02,2.5,\nA,2022-01-03,NA,30\n\"B, "
    "C\",2022-01-01,4,40\n\"B, C\",2022-01-03,6,TRUE\n";

TEST_F(Mutation, OfCsvIsReadOrRefused) {
  const int errors = refused("a.csv", kCsv, 600);
  EXPECT_GT(errors, 100);
  EXPECT_LT(errors, 600);
}

TEST_F(Mutation, OfTsfIsReadOrRefused) {
  const int errors =
      refused("a.tsf",
              "# c\n@relation r\n@attribute series_name string\n@attribute start_timestamp date\n"
              "@frequency daily\n@horizon 2\n@data\nT1:2020-01-01 00-00-00:1,2,?\nT2:2020-02-01 "
              "00-00-00:3,4,5\n",
              600);
  EXPECT_GT(errors, 100);
  EXPECT_LT(errors, 600);
}

std::vector<OutputColumn> few_rows() {
  return {{.name = "unique_id", .text = {"A", "B"}, .codes = {0, 0, 1, 1}},
          {.name = "ds", .times = {0, 86400, 0, 172800}},
          {.name = "y", .numbers = {1, 2, 3, 4}}};
}

TEST_F(Mutation, OfBinaryFilesIsReadOrRefused) {
  for (const std::string name : {"a.parquet", "a.arrow", "a.csv.gz", "a.csv.zst"}) {
    write_table(path(name), few_rows());
    EXPECT_GT(refused(name, text_of(path(name)), 250), 50) << name;
  }
}

TEST_F(Mutation, OfAnArrowStreamIsReadOrRefused) {
  const auto table = arrow_table(few_rows(), "a.arrow");
  const auto bytes = arrow::io::BufferOutputStream::Create().ValueOrDie();
  const auto writer = arrow::ipc::MakeStreamWriter(bytes, table->schema()).ValueOrDie();
  ASSERT_TRUE(writer->WriteTable(*table).ok());
  ASSERT_TRUE(writer->Close().ok());
  const int errors = refused("a.arrow", bytes->Finish().ValueOrDie()->ToString(), 250);
  EXPECT_GT(errors, 50);
  EXPECT_LT(errors, 250);  // some change nothing that is read
}

}  // namespace
}  // namespace sluice
