#include "sluice/data/table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "data/catalog/times.hpp"
#include "data/catalog/values.hpp"
#include "data/table/impl.hpp"
#include "data/temporary.hpp"
#include "sluice/data/calendar.hpp"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ReadOptions options_of(const std::filesystem::path& path) {
  ReadOptions options;
  options.paths = {path};
  return options;
}
Table read(const std::filesystem::path& path) { return read_table(options_of(path)); }

/// A column as text, "-" where missing.
std::vector<std::string> column(const Table& table, int index) {
  const Codes codes = read_codes(table.impl(), index);
  std::vector<std::string> cells;
  for (const std::int32_t code : codes.codes) {
    cells.push_back(code < 0 ? "-" : codes.words[static_cast<std::size_t>(code)]);
  }
  return cells;
}

using TableRead = WithFiles;

TEST_F(TableRead, TakesTheByteOrderMarkOff) {
  const Table table = read(file("a.csv", "\xEF\xBB\xBF日期,数量\r\n2022/1/1,3\r\n"));
  EXPECT_THAT(table.column_names(), ElementsAre("日期", "数量"));
  EXPECT_THAT(column(table, 0), ElementsAre("2022/1/1"));
}

TEST_F(TableRead, KeepsCommasQuotesAndLineEndsInsideQuotes) {
  const Table table =
      read(file("a.csv", "a,b\n\"x,y\",1\n\"say \"\"hi\"\"\",2\n\"two\nlines\",3\n"));
  EXPECT_THAT(column(table, 0), ElementsAre("x,y", "say \"hi\"", "two\nlines"));
}

TEST_F(TableRead, EmptyCellsAndMissingWordsAreMissing) {
  ReadOptions options = options_of(file("a.csv", "a,b\nx,1\n,NA\n?,\nfehlt,fehlt\n"));
  options.missing = {"NA", "?", "fehlt"};
  const Table table = read_table(options);
  EXPECT_THAT(column(table, 0), ElementsAre("x", "-", "-", "-"));
  EXPECT_THAT(column(table, 1), ElementsAre("1", "-", "-", "-"));
}

TEST_F(TableRead, SkipsEmptyLinesAndNeedsNoLastLineEnd) {
  const Table table = read(file("a.csv", "a,b\n1,2\n\n\n3,4"));
  EXPECT_EQ(table.rows(), 2);
}

TEST_F(TableRead, UsesTheDelimiter) {
  ReadOptions options = options_of(file("a.csv", "a;b\n1;2\n"));
  options.delimiter = ';';
  EXPECT_THAT(read_table(options).column_names(), ElementsAre("a", "b"));
  EXPECT_THAT(read(file("b.tsv", "a\tb\n1\t2\n")).column_names(), ElementsAre("a", "b"));
}

TEST_F(TableRead, MaxRowsReadsTheFirstRowsOnly) {
  ReadOptions options = options_of(file("a.csv", "a,b\n1,\"x\ny\"\n\n2,z\n3,ragged,row\n"));
  options.max_rows = 2;
  EXPECT_THAT(column(read_table(options), 1), ElementsAre("x\ny", "z"));
  options.paths = {path("a.parquet")};
  write_table(path("a.parquet"), {{.name = "n", .integers = {1, 2, 3}}});
  EXPECT_EQ(read_table(options).rows(), 2);
}

TEST_F(TableRead, MissingFileSaysSo) {
  EXPECT_THAT(data_error([&] { read(path("no.csv")); }), HasSubstr("no.csv: no such file; check"));
}

TEST_F(TableRead, EmptyFileSaysSo) {
  EXPECT_EQ(data_error([&] { read(file("a.csv", "")); }),
            "a.csv: the file is empty; write it again");
  EXPECT_EQ(data_error([&] { read(file("b.csv", "\n\n")); }),
            "b.csv: the file has no rows; its first line must name the columns");
}

TEST_F(TableRead, RaggedRowNamesItsLine) {
  const std::string expected =
      ": 2 cells where the header has 3 columns; put cells that contain ',' or a line end in "
      "double "
      "quotes, or set data.delimiter";
  EXPECT_EQ(data_error([&] { read(file("a.csv", "a,b,c\n1,\"x\n\",3\n\n4,5\n")); }),
            "a.csv:5" + expected);
  EXPECT_EQ(data_error([&] { read(file("b.csv", "a,b,c\r\n1,2,3\r\n4,5\r\n")); }),
            "b.csv:3" + expected);
}

TEST_F(TableRead, HeaderThatIsNotUtf8SaysSo) {
  EXPECT_THAT(data_error([&] { read(file("a.csv", "\xC8\xD5\xC6\xDA,b\n1,2\n")); }),
              HasSubstr("a.csv:1: '\\xC8\\xD5\\xC6\\xDA' is not UTF-8; set data.encoding"));
}

TEST_F(TableRead, UnknownExtensionNamesTheKnownOnes) {
  EXPECT_THAT(data_error([&] { read(file("a.xlsx", "x")); }),
              HasSubstr("a.xlsx: a workbook cannot be read; save its sheet as CSV"));
  EXPECT_THAT(data_error([&] { read(file("a.dat", "x")); }),
              HasSubstr("a.dat: the extension '.dat' names no format; rename the file (.csv"));
}

TEST_F(TableRead, RowsLongerThanABlockAreRead) {
  const std::string name(3 << 20, 'n'), cell(5 << 20, 'x');
  const Table table = read(file("wide.csv", "id," + name + "\nA," + cell + "\nB,y\n"));
  EXPECT_THAT(table.column_names(), ElementsAre("id", name));
  EXPECT_THAT(column(table, 1), ElementsAre(cell, "y"));
}

TEST_F(TableRead, DirectoryIsReadInTheOrderOfNames) {
  file("d/b.csv", "a,b\n3,x\n");
  file("d/a.csv", "a,b\n1,\n2,5\n");
  file("d/_SUCCESS", "");
  file("d/.hidden.csv", "zzz\n");
  file("d/readme.md", "text");
  const Table table = read(path("d"));
  EXPECT_THAT(column(table, 0), ElementsAre("1", "2", "3"));
  EXPECT_THAT(column(table, 1), ElementsAre("-", "5", "x")) << "types may differ between files";
  EXPECT_EQ(table.source(), path("d").string() + " (2 files)");
}

TEST_F(TableRead, APatternIsTheFilesThatItMeansInNaturalOrder) {
  file("d/part-10.csv", "a\n10\n");
  file("d/part-9.csv", "a\n9\n");
  file("d/part-010b.csv", "a\n11\n");
  file("d/_part-1.csv", "a\n1\n");
  file("d/other.csv", "b\n1\n");
  const Table table = read(path("d/p*-*.csv"));
  EXPECT_THAT(column(table, 0), ElementsAre("9", "10", "11"));
  EXPECT_EQ(table.source(), path("d/p*-*.csv").string() + " (3 files)");
  std::filesystem::remove(path("d/other.csv"));
  EXPECT_THAT(column(read(path("d")), 0), ElementsAre("9", "10", "11"));
  EXPECT_THAT(column(read(path("d/_part-[0-9].csv")), 0), ElementsAre("1"));
  EXPECT_THAT(data_error([&] { read(path("d/x?.csv")); }),
              HasSubstr("d/x?.csv: no file has such a name; check path.data and the working "
                        "directory ("));
  EXPECT_THAT(column(read(file("d/x[1].csv", "a\n5\n")), 0), ElementsAre("5"))
      << "a file of that very name";
}

TEST_F(TableRead, FoldersOfAPatternNameColumnsFromItsFirstWildOneOn) {
  file("d/year=2024/store=S1/a.csv", "y\n1\n");
  file("d/year=2024/store=S2/a.csv", "y\n2\n");
  for (const char* pattern : {"d/year=2024/store=*/a.csv", "d/year=2024/store=*"}) {
    const Table table = read(path(pattern));
    EXPECT_THAT(table.column_names(), ElementsAre("y", "store")) << pattern;
    EXPECT_THAT(column(table, 1), ElementsAre("S1", "S2")) << pattern;
  }
  EXPECT_THAT(read(path("d/*/*/*.csv")).column_names(), ElementsAre("y", "year", "store"));
}

TEST_F(TableRead, DirectoryOfDifferentColumnsNamesTheFile) {
  file("d/a.csv", "a,b\n1,2\n");
  file("d/b.csv", "a,c\n1,2\n");
  EXPECT_EQ(data_error([&] { read(path("d")); }),
            "d/b.csv: its columns are a, c; those of d/a.csv are a, b; files read together must "
            "have the same ones in the same order");
}

TEST_F(TableRead, DirectoryWithoutFilesSaysSo) {
  file("d/readme.md", "text");
  EXPECT_THAT(data_error([&] { read(path("d")); }), HasSubstr("in this directory; give the files"));
}

TEST_F(TableRead, DamagedFilesSaySo) {
  EXPECT_THAT(data_error([&] { read(file("a.parquet", "PAR1 this is not one")); }),
              HasSubstr("check that it is a whole Parquet file (data.format)"));
  EXPECT_THAT(data_error([&] { read(file("a.feather", "FEA1 neither")); }),
              HasSubstr("check that it is a whole Arrow or Feather file (data.format)"));
  EXPECT_THAT(data_error([&] { read(file("a.csv.zst", "not zst")); }), HasSubstr("a.csv.zst: "));
}

TEST_F(TableRead, CutOffGzipSaysSo) {
  OutputColumn numbers{.name = "n"};
  for (int i = 0; i < 10'000; ++i) numbers.integers.push_back(i * 7919 % 10'007);
  write_table(path("a.csv.gz"), {numbers});
  const std::string whole = text_of(path("a.csv.gz"));
  file("b.csv.gz", whole.substr(0, whole.size() / 2));
  EXPECT_THAT(data_error([&] { read(path("b.csv.gz")); }), HasSubstr("b.csv.gz: "));
}

using Tsf = WithFiles;

constexpr const char* kTsf =
    "# \xE9t\xE9 in Latin-1\n@relation r\n@attribute series_name string\n@attribute "
    "start_timestamp date\n@frequency daily\n@missing true\n@data\n"
    "T1:2020-01-01 00-00-00:1,?,3.5\nT2:2020-01-02 00-00-00:4\n";

TEST_F(Tsf, GivesAttributesAndLists) {
  const Table table = read(file("a.tsf", kTsf));
  EXPECT_THAT(table.column_names(), ElementsAre("series_name", "start_timestamp", "values"));
  EXPECT_THAT(column(table, 0), ElementsAre("T1", "T2"));
  EXPECT_EQ(table.impl().tsf_frequency, "D");
  std::vector<std::vector<float>> lists;
  read_lists(table.impl(), 2, [&](std::int64_t row, std::span<const float> numbers) {
    EXPECT_EQ(row, static_cast<std::int64_t>(lists.size()));
    lists.emplace_back(numbers.begin(), numbers.end());
  });
  ASSERT_EQ(lists.size(), 2u);
  EXPECT_EQ(lists[0][0], 1.0f);
  EXPECT_TRUE(std::isnan(lists[0][1]));
  EXPECT_EQ(lists[0][2], 3.5f);
  EXPECT_THAT(lists[1], ElementsAre(4.0f));
}

TEST_F(Tsf, FaultsNameTheirLine) {
  const std::string head = "@attribute series_name string\n";
  EXPECT_EQ(data_error([&] { read(file("a.tsf", head + "@data\nT1:1,x,3\n")); }),
            "a.tsf:3: value 2 'x' is not a number; write '?' where a value is missing");
  EXPECT_THAT(data_error([&] { read(file("b.tsf", head + "@data\nT1\n")); }),
              HasSubstr("b.tsf:3: 0 fields before the values where 1 attributes are declared"));
  EXPECT_THAT(data_error([&] { read(file("c.tsf", head)); }), HasSubstr("no line '@data'"));
  EXPECT_THAT(data_error([&] { read(file("d.tsf", head + "@frequency lunar\n@data\n")); }),
              HasSubstr("d.tsf:2: unknown @frequency 'lunar'; known are 4_seconds, minutely"));
  EXPECT_THAT(data_error([&] { read(file("e.tsf", "@data\nT1:1\n")); }),
              HasSubstr("e.tsf:1: @data before any @attribute"));
}

using TableWrite = WithFiles;

std::vector<OutputColumn> sample() {
  return {{.name = "unique_id", .text = {"A", "B \"x\", y"}, .codes = {0, 1, 0}},
          {.name = "ds", .times = {0, 86400, 172800}},
          {.name = "at", .times = {0, 86400, 172860}},
          {.name = "y", .numbers = {0.1f, std::nan(""), 1.0 / 3}},
          {.name = "n", .integers = {1, -2, std::int64_t{1} << 60}},
          {.name = "note", .text = {"", "ä", "-"}}};
}

TEST_F(TableWrite, CsvIsShortAndQuotesOnlyWhereNeeded) {
  write_table(path("a.csv"), sample());
  EXPECT_EQ(text_of(path("a.csv")),
            "unique_id,ds,at,y,n,note\n"
            "A,1970-01-01,1970-01-01 00:00:00,0.1,1,\n"
            "\"B \"\"x\"\", y\",1970-01-02,1970-01-02 00:00:00,,-2,ä\n"
            "A,1970-01-03,1970-01-03 00:01:00,0.3333333333333333,1152921504606846976,-\n");
}

TEST_F(TableWrite, EveryFormatReadsBackTheSame) {
  for (const char* name : {"a.csv", "a.csv.gz", "a.csv.zst", "a.parquet", "a.arrow", "a.feather"}) {
    write_table(path(name), sample());
    const Table table = read(path(name));
    EXPECT_THAT(table.column_names(), ElementsAre("unique_id", "ds", "at", "y", "n", "note"));
    EXPECT_THAT(column(table, 0), ElementsAre("A", "B \"x\", y", "A")) << name;
    EXPECT_THAT(read_times_as(table.impl(), 1, {}).values, ElementsAre(0, 86400, 172800)) << name;
    EXPECT_THAT(read_times_as(table.impl(), 2, {}).values, ElementsAre(0, 86400, 172860)) << name;
    const std::vector<float> y = read_numbers(table.impl(), 3);
    EXPECT_EQ(y[0], 0.1f) << name;
    EXPECT_TRUE(std::isnan(y[1])) << name;
    EXPECT_EQ(y[2], static_cast<float>(1.0 / 3)) << name;
    EXPECT_THAT(column(table, 4), ElementsAre("1", "-2", "1152921504606846976")) << name;
  }
}

TEST_F(TableWrite, NumbersReadBackExactly) {
  OutputColumn floats{.name = "f"}, doubles{.name = "d"};
  std::uint32_t state = 1;
  for (int i = 0; i < 40'000; ++i) {
    state = state * 1664525u + 1013904223u;
    floats.numbers.push_back(static_cast<double>(std::ldexp(static_cast<float>(state), -20)));
    doubles.numbers.push_back(static_cast<double>(state) / 3e5);
  }
  write_table(path("a.csv"), {floats, doubles});
  const Table table = read(path("a.csv"));
  const std::vector<float> read_back = read_numbers(table.impl(), 0);
  const auto texts = column(table, 1);
  for (std::size_t i = 0; i < read_back.size(); ++i) {
    ASSERT_EQ(static_cast<double>(read_back[i]), floats.numbers[i]);
    const double number = doubles.numbers[i];
    if (static_cast<double>(static_cast<float>(number)) == number) continue;  // a float's digits
    ASSERT_EQ(std::stod(texts[i]), number);
  }
}

TEST_F(TableWrite, LeavesNoTemporaryFileAndReplacesTheOldOne) {
  file("d/a.csv", "old");
  write_table(path("d/a.csv"), {{.name = "n", .integers = {1}}});
  EXPECT_EQ(text_of(path("d/a.csv")), "n\n1\n");
  int files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(path("d"))) ++files;
  EXPECT_EQ(files, 1);
}

TEST_F(TableWrite, FailureKeepsTheOldFileAndNamesIt) {
  std::filesystem::create_directories(path("d/a.csv/inside"));
  EXPECT_THAT(data_error([&] { write_table(path("d/a.csv"), {{.name = "n", .integers = {1}}}); }),
              HasSubstr("d/a.csv: cannot be written"));
  EXPECT_TRUE(std::filesystem::exists(path("d/a.csv/inside")));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path("d")), {}), 1);
  EXPECT_THAT(data_error([&] { write_table(path("a.xlsx"), {{.name = "n", .integers = {1}}}); }),
              HasSubstr("a.xlsx: cannot write this format; use .csv"));
}

TEST_F(TableWrite, UnequalColumnsAreABug) {
  EXPECT_THROW(write_table(path("a.csv"),
                           {{.name = "a", .integers = {1}}, {.name = "b", .integers = {1, 2}}}),
               InternalError);
  EXPECT_THROW(write_table(path("a.csv"), {{.name = "a", .text = {"x"}, .codes = {1}}}),
               InternalError);
}

TEST(TableFormatName, UnknownOneNamesTheKnownOnes) {
  EXPECT_EQ(parse_table_format("parquet"), TableFormat::parquet);
  EXPECT_THROW(parse_table_format("excel"), ConfigError);
}

}  // namespace
}  // namespace sluice
