// A large CSV file is read block by block, into columns in a small form: cells, types, remarks and
// errors are those of the same file read at once.
#include "data/table/csv/blocks.hpp"

#include <arrow/array/array_base.h>
#include <arrow/scalar.h>
#include <gmock/gmock.h>

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "data/table/impl.hpp"
#include "data/temporary.hpp"
#include "sluice/base/error.hpp"
#include "sluice/base/rng.hpp"
#include "sluice/data/table.hpp"

namespace sluice {
namespace {

using testing::HasSubstr;

/// What `rows` give, `count` times.
std::string repeated(const std::string& rows, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += rows;
  return text;
}

struct Case {
  const char* name;
  std::string text;
  const char* ending = ".csv";
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

/// Of each the first 64 bytes say other things than what follows.
std::vector<Case> cases() {
  const std::string plain = "id,ds,y\na,2024-01-01,3\nb,2024-01-02,4\na,2024-01-03,\n";
  const std::string some = repeated("a,2024-01-01,3\n", 8);
  return {
      {"plain", plain + some},
      {"empty_then_whole", "id,y\n" + repeated("a,\n", 40) + repeated("b,7\n", 20)},
      {"empty_then_text", "id,y\n" + repeated("a,\n", 40) + repeated("b,x\n", 20)},
      {"empty_throughout", "id,y\n" + repeated("a,\n", 40)},
      {"whole_then_decimal", plain + some + "c,2024-01-01,2.5\n"},
      {"whole_then_text", plain + some + "c,2024-01-01,none at all\n"},
      {"day_then_time", plain + some + "c,2024-01-01 12:30:00,2\n"},
      {"day_then_fraction", plain + some + "c,2024-01-01 12:30:00.25,2\n"},
      {"day_then_text", plain + some + "c,soon,2\n"},
      {"word_then_number", "id,y\n" + repeated("x,1\n", 40) + "7,2\n"},
      {"true_then_text", "id,y\n" + repeated("true,1\n", 40) + "x,2\n"},
      {"quotes", "id,y\n" + repeated("\"a,\n\"\"b\"\"\",1\n", 40) + "\"c\nd\",2\n"},
      {"rows_of_delimiters", plain + some + ",,\n" + some + ",,\n,,\n"},
      {"blank_lines", plain + some + "\n\n" + some + "\n"},
      {"carriage_returns", "id,y\r\n" + repeated("a,1\r\n", 40) + "b,2.5\r\n"},
      {"decimal_comma", "id;y\n" + repeated("a;1,25\n", 40) + "b;0,5\n"},
      {"thousands", "id;y;z\n" + repeated("a;1.200;1,5\n", 40) + "b;2.400;0,5\n"},
      {"percent", "id,y\n" + repeated("a,12%\n", 40) + "b,7 %\n"},
      {"hexadecimal", "id,y\n" + repeated("12,1\n", 40) + "0x1F,2\n"},
      {"spaces_round_names", " id , y\n" + repeated("a,1\n", 40) + "b,2.5\n"},
      {"names_twice", "id,y,y\n" + repeated("a,1,2\n", 40) + "b,2.5,x\n"},
      {"no_last_line_end", plain + some + "c,2024-01-01,9"},
      {"tabs", "id\ty\n" + repeated("a\t1\n", 40) + "b\t2.5\n", ".tsv"},
      {"separator_line", "sep=;\nid;y\n" + repeated("a;1\n", 40) + "b;2\n"},
      {"byte_order_mark", "\xEF\xBB\xBF" + plain + some + "c,2024-01-01,2.5\n"},
      {"cell_too_many", plain + some + "c,2024-01-01,2,5\n" + some},
      {"open_quote", plain + some + "\"c,2024-01-01,2\n" + some},
      {"not_utf8", plain + some + "caf\xE9,2024-01-01,2\n"},
      {"not_utf8_in_numbers", plain + some + "c,2024-01-01,caf\xE9\n"},
  };
}

struct Reading {
  std::vector<std::string> columns, remarks;
  std::string error;
  bool is_packed = false;
};

class CsvBlocks : public WithFiles, public ::testing::WithParamInterface<Case> {
 protected:
  Reading read(const std::string& file, std::int64_t kept) {
    Reading reading;
    ReadOptions options;
    options.paths = {file};
    options.kept_bytes = kept;
    options.delimiter = '\0';
    try {
      const Table table = read_table_as(
          options, [](const std::vector<std::string>&) { return std::vector<std::string>{"id"}; });
      const PartTable& part = table.impl().parts.front().table;
      const auto first_chunk = [&] {
        std::shared_ptr<arrow::Array> first;
        part.each_chunk(0, [&](const auto& chunk) {
          first = chunk;
          return false;
        });
        return first;
      };
      reading.is_packed = first_chunk() != first_chunk();
      reading.remarks = table.impl().remarks;
      for (int c = 0; c < part.num_columns(); ++c) {
        std::string& text = reading.columns.emplace_back(part.schema()->field(c)->ToString());
        std::int64_t nulls = 0;
        part.each_chunk(c, [&](const auto& chunk) {
          EXPECT_TRUE(chunk->ValidateFull().ok());
          nulls += chunk->null_count();
          for (std::int64_t i = 0; i < chunk->length(); ++i) {
            const auto cell = chunk->GetScalar(i).ValueOrDie();
            text += "|";
            if (!cell->is_valid) continue;
            text += cell->type->id() == arrow::Type::DICTIONARY
                        ? static_cast<const arrow::DictionaryScalar&>(*cell)
                              .GetEncodedValue()
                              .ValueOrDie()
                              ->ToString()
                        : cell->ToString();
          }
          return true;
        });
        EXPECT_EQ(part.null_count(c), nulls);
      }
    } catch (const DataError& e) {
      reading.error = e.what();
    }
    return reading;
  }
};

TEST_P(CsvBlocks, GiveWhatTheWholeFileGives) {
  const std::string path = file(GetParam().name + std::string(GetParam().ending), GetParam().text);
  const Reading whole = read(path, std::int64_t{1} << 30), blocks = read(path, 64);
  EXPECT_FALSE(whole.is_packed);
  EXPECT_EQ(whole.error, blocks.error);
  EXPECT_EQ(whole.remarks, blocks.remarks);
  EXPECT_EQ(whole.columns, blocks.columns);
  // Names that are not unique say nothing of a column's type.
  const bool can_pack = whole.error.empty() && std::string(GetParam().name) != "names_twice";
  EXPECT_EQ(blocks.is_packed, can_pack);
}

INSTANTIATE_TEST_SUITE_P(All, CsvBlocks, ::testing::ValuesIn(cases()),
                         [](const auto& of) { return of.param.name; });

class CsvBlocksMany : public CsvBlocks {};

// More than one block, and a type that only the last row of the last block tells.
TEST_F(CsvBlocksMany, ManyBlocksAreOneColumn) {
  const std::string text = "id,ds,y\n" + repeated("shop one,2024-01-01,17\n", 200'000);
  const std::string path = file("many.csv", text + "shop two,2024-01-02,0.5\n");
  const Reading whole = read(path, std::int64_t{1} << 30), blocks = read(path, 1000);
  EXPECT_TRUE(blocks.is_packed);
  EXPECT_EQ(whole.columns, blocks.columns);
}

// Where the first rows say little of many columns the file is read at once after some readings.
TEST_F(CsvBlocksMany, AreGivenUpWhereTooManyColumnsTurnOutOtherwise) {
  std::string header = "id", first = "a", later = "b";
  for (int c = 0; c < 9; ++c) {
    header += ",c" + std::to_string(c), first += ",1", later += ",1.5";
  }
  const std::string path =
      file("wide.csv", header + "\n" + repeated(first + "\n", 40) + later + "\n");
  const Reading whole = read(path, std::int64_t{1} << 30), blocks = read(path, 64);
  EXPECT_FALSE(blocks.is_packed);
  EXPECT_EQ(whole.columns, blocks.columns);
}

// Wherever a byte is another one.
TEST_F(CsvBlocksMany, ChangedFilesGiveWhatTheWholeFileGives) {
  static constexpr std::string_view kBytes = ",;\"\n\r.-:x0 \xFF";
  std::uint64_t counter = 0;
  int packed = 0, refused = 0;
  for (const Case& c : cases()) {
    for (int i = 0; i < 12; ++i) {
      std::string text = c.text;
      const Philox4 bits = philox(5, counter++, 0);
      text[static_cast<std::size_t>(bits.v[0]) % text.size()] = kBytes[bits.v[1] % kBytes.size()];
      const std::string path = file("a" + std::string(c.ending), text);
      const Reading whole = read(path, std::int64_t{1} << 30), blocks = read(path, 64);
      EXPECT_EQ(whole.error, blocks.error) << c.name << i;
      EXPECT_EQ(whole.columns, blocks.columns) << c.name << i;
      packed += blocks.is_packed ? 1 : 0, refused += whole.error.empty() ? 0 : 1;
    }
  }
  EXPECT_GT(packed, 100);
  EXPECT_GT(refused, 50);
}

TEST_F(CsvBlocksMany, ErrorsNameTheLineOfTheWholeFile) {
  const std::string text = "id,ds,y\n" + repeated("a,2024-01-01,17\n", 100'000);
  EXPECT_THAT(read(file("cut.csv", text + "b,2024-01-01\n"), 1000).error,
              HasSubstr("cut.csv:100002: 2 cells"));
}

}  // namespace
}  // namespace sluice
