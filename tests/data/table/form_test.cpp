// How a file is written - delimiter, encoding, compression - found out or asked for; and files that
// are no CSV at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <functional>

#include "data/catalog/values.hpp"
#include "data/table/impl.hpp"
#include "data/table/source.hpp"
#include "data/temporary.hpp"
#include "sluice/data/catalog.hpp"
#include "sluice/data/simulate.hpp"

namespace sluice {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class FileForm : public WithFiles {
 protected:
  Table read(const std::filesystem::path& path, const std::string& encoding = "auto",
             std::int64_t max_bytes = 0) {
    ReadOptions options;
    options.paths = {path};
    options.delimiter = 0;
    options.encoding = encoding;
    options.max_bytes = max_bytes;
    return read_table(options);
  }
  std::vector<std::string> names(const std::string& text, const std::string& name = "a.csv") {
    return read(file(name, text)).column_names();
  }
  std::vector<std::string> words(const Table& table, int column) {
    return read_codes(table.impl(), column).words;
  }
  std::string error(const std::string& text, const std::string& name = "a.csv") {
    return data_error([&] { read(file(name, text)); });
  }
};

std::string utf16(std::string_view ascii, bool little, bool mark) {
  std::string out = !mark ? "" : little ? "\xFF\xFE" : "\xFE\xFF";
  for (const char c : ascii) {
    if (!little) out += '\0';
    out += c;
    if (little) out += '\0';
  }
  return out;
}

TEST_F(FileForm, DelimiterIsTheOneThatCutsAllRowsAlike) {
  EXPECT_THAT(names("a;b\n1;2,5\n"), ElementsAre("a", "b"));
  EXPECT_THAT(names("a\tb\n1\tx,y\n"), ElementsAre("a", "b"));
  EXPECT_THAT(names("a|b\n1|2\n"), ElementsAre("a", "b"));
  EXPECT_THAT(names("a,\"b;c\"\n1,2\n"), ElementsAre("a", "b;c")) << "not in quotes";
  EXPECT_THAT(names("a,b;c\n1,2\n"), ElementsAre("a", "b;c")) << "rows without it";
  EXPECT_THAT(names("y\n1\n2\n"), ElementsAre("y"));
  EXPECT_THAT(names("a;b\r1;2\r3;4\r"), ElementsAre("a", "b")) << "CR line ends";
}

TEST_F(FileForm, TwoDelimitersThatFitAreAnError) {
  EXPECT_EQ(
      error("a,x;b,y\n1,5;2,5\n"),
      "a.csv: ',' cuts its first rows into 3 cells each and ';' into 2; set data.delimiter to "
      "the one that separates the fields");
}

TEST_F(FileForm, ExcelsSeparatorLineIsNoHeader) {
  const Table table = read(file("a.csv", "sep=;\r\nid;y\r\nA;1\r\nB;x\r\n"));
  EXPECT_THAT(table.column_names(), ElementsAre("id", "y"));
  EXPECT_EQ(table.rows(), 2);
  EXPECT_THAT(data_error([&] { read_numbers(table.impl(), 1); }), HasSubstr("a.csv:4:y: 'x'"))
      << "lines count from the file's first";
}

TEST_F(FileForm, Utf16IsReadByItsMark) {
  for (const bool little : {true, false}) {
    const Table table = read(file("a.csv", utf16("id\ty\nA\t1\n", little, true)));
    EXPECT_THAT(table.column_names(), ElementsAre("id", "y"));
    EXPECT_THAT(words(table, 0), ElementsAre("A"));
    EXPECT_THAT(table.impl().remarks[0], HasSubstr("was read as UTF-16, by its byte order mark"));
  }
  EXPECT_THAT(error(utf16("id,y\nA,1\n", true, false)), HasSubstr("set data.encoding to utf-16le"));
  EXPECT_THAT(error(utf16("id,y\nA,1\n", false, false)),
              HasSubstr("set data.encoding to utf-16be"));
}

TEST_F(FileForm, OtherEncodingsAreReadWhenNamed) {
  const auto western = file("a.csv", "id,y\nM\xFCnchen,1\n");
  EXPECT_THAT(words(read(western, "cp1252"), 0), ElementsAre("München"));
  EXPECT_EQ(data_error([&] { read(western); }),
            "a.csv:2: 'M\\xFCnchen' is not UTF-8; set data.encoding to what the file is written in "
            "(cp1252 in Western Europe, cp1250, cp1251, gb18030 in China, shift_jis)");
  EXPECT_THAT(words(read(file("b.csv", "id,y\n\xC8\xD5,1\n"), "gb18030"), 0), ElementsAre("日"));
  EXPECT_THAT(data_error([&] { read(file("c.csv", "id,y\nA,1\n\xFF,1\n"), "gb18030"); }),
              HasSubstr("c.csv:3: the bytes \\xFF,1\\x0A are no text in gb18030"));
  EXPECT_THROW(read(western, "klingon"), ConfigError);
}

TEST_F(FileForm, AFileThatIsUtf8BeyondDoubtIsReadAsThatWhateverTheOtherFilesAreIn) {
  const Table cafe = read(file("a.csv", "id,y\nCaf\xC3\xA9,1\n"), "cp1252");
  EXPECT_THAT(words(cafe, 0), ElementsAre("Café"));
  EXPECT_THAT(cafe.impl().remarks, ElementsAre(HasSubstr("a.csv: was read as UTF-8, which its "
                                                         "bytes are beyond doubt, not as cp1252")));
  EXPECT_THAT(words(read(file("b.csv", "id,y\n\xE5\x8C\x97,1\n"), "gb18030"), 0), ElementsAre("北"))
      << "no text in GB 18030";
  EXPECT_THAT(words(read(file("c.csv", "id,y\n\xE5\x8C\x97\xE4\xBA\xAC,1\n"), "gb18030"), 0),
              ElementsAre("北京"))
      << "text in GB 18030, but nobody's";
  // U+06B8 in UTF-8, and a word in GB 18030.
  EXPECT_THAT(words(read(file("d.csv", "id,y\n\xDA\xB8,1\n"), "gb18030"), 0), ElementsAre("诟"))
      << "what may be either is what the setting says";
  EXPECT_THAT(words(read(file("e.csv", "id,y\nM\xFCnchen,1\nCaf\xC3\xA9,1\n"), "cp1252"), 0),
              ElementsAre("München", "CafÃ©"));
}

TEST_F(FileForm, WhatWasGuessedReachesTheNotesOfTheCatalogue) {
  CatalogSpec spec;
  spec.read.paths = {file("a.csv", "ds;y\n2024-01-01;1,5\n2024-01-02;2,5\n")};
  spec.read.delimiter = 0;
  CatalogNotes notes;
  const Catalog catalog = read_catalog(spec, &notes);
  EXPECT_THAT(catalog.values(0, 0), ElementsAre(1.5f, 2.5f));
  EXPECT_THAT(notes.remarks, testing::IsSupersetOf(
                                 {HasSubstr("';' separates"), HasSubstr("'1,5' is read as 1.5")}));
}

TEST_F(FileForm, SpacesRoundHeaderNamesAreLeftOutAndSaid) {
  const Table table = read(file("a.csv", " ds , y\n2024-01-01,1\n"));
  EXPECT_THAT(table.column_names(), ElementsAre("ds", "y"));
  EXPECT_THAT(table.impl().remarks, ElementsAre(HasSubstr("spaces round the names")));
}

TEST_F(FileForm, OtherKindsOfFilesAreNamed) {
  EXPECT_THAT(error("PK\x03\x04xxxx[Content_Types].xml"),
              HasSubstr("an Excel workbook (.xlsx), not"));
  EXPECT_THAT(error("PK\x03\x04xxxx"), HasSubstr("this is a zip archive, not CSV; unpack it"));
  EXPECT_THAT(error("PAR1xxxx"), HasSubstr("this is a Parquet file, not CSV; name it .parquet"));
  EXPECT_THAT(error("\n<!DOCTYPE html><html>"), HasSubstr("this is a web page"));
  EXPECT_THAT(error("[{\"a\": 1}]"), HasSubstr("this is JSON"));
  EXPECT_THAT(error("a,b\n1,\0\0\n"s), HasSubstr("a.csv:2: a zero byte (NUL)"));
  EXPECT_THAT(error("plain", "a.csv.gz"), HasSubstr("its bytes are not those of a '.gz' file"));
}

TEST_F(FileForm, OtherKindsOfFilesAreNamedWhateverTheirEnding) {
  EXPECT_THAT(error("[\n {\"a\": 1}]", "a.json"), HasSubstr("a.json: this is JSON, not CSV"));
  EXPECT_THAT(error("{ \"a\": 1}\n{ \"a\": 2}\n", "a.jsonl"), HasSubstr("this is JSON, not CSV"));
  EXPECT_THAT(error("PK\x03\x04xxxx", "a.zip"), HasSubstr("a.zip: this is a zip archive"));
  EXPECT_THAT(error("\x80\x04\x95xxxx", "a.pkl"), HasSubstr("a.pkl: this is a pickle of Python"));
  EXPECT_THAT(error("<table border>", "a.csv"), HasSubstr("this is a web page"));
  EXPECT_THAT(error("PK\x03\x04xxxx", "A.XLSX"), HasSubstr("a workbook cannot be read"));
  EXPECT_THAT(error("a,b\n1,2\n", "a.dat"), HasSubstr("the extension '.dat' names no format"));
}

TEST_F(FileForm, EndingsInCapitalsAreEndings) {
  EXPECT_THAT(names("a,b\n1,2\n", "SALES.CSV"), ElementsAre("a", "b"));
  write_table(path("a.csv.gz"), {{.name = "n", .integers = {1, 2}}});
  std::filesystem::copy(path("a.csv.gz"), path("B.CSV.GZ"));
  EXPECT_EQ(read(path("B.CSV.GZ")).rows(), 2);
}

TEST_F(FileForm, RowsOfDelimitersAreNoRows) {
  const Table table = read(file("a.csv", "s,y\na,1\n,\n,\nb,2\n,\nc,x\n,\n"));
  EXPECT_EQ(table.rows(), 3);
  EXPECT_THAT(words(table, 0), ElementsAre("a", "b", "c"));
  EXPECT_THAT(table.impl().remarks, ElementsAre(HasSubstr("a.csv: 4 rows without any value were "
                                                          "left out, the first one on line 3")));
  EXPECT_THAT(data_error([&] { read_numbers(table.impl(), 1); }), HasSubstr("a.csv:7:y: 'x' is"))
      << "lines are the file's";
}

TEST_F(FileForm, RowsOfWordsForMissingValuesAreRows) {
  EXPECT_EQ(read(file("a.csv", "s,y\na,1\nNA,NA\n,\n")).rows(), 2);
}

TEST_F(FileForm, TimesAreReadAgainWithoutRowsOfDelimiters) {
  CatalogSpec spec;
  spec.read.paths = {file("a.csv", "ds,y\n,\n20240101,1\n,\n20240102,2\n20240103,3\n")};
  spec.time_format = "%Y%m%d";
  const Catalog catalog = read_catalog(spec);
  EXPECT_EQ(catalog.length(0), 3);
  EXPECT_EQ(catalog.time(0, 2), *parse_time("2024-01-03"));
}

TEST_F(FileForm, ATitleAboveTheHeaderIsNamed) {
  EXPECT_EQ(error("Report;;\nof: 2024;;\n;;\nday;sales;shop\n2024-01-01;5;x\n"),
            "a.csv:1: 'Report' is a title: the names of the columns seem to stand on line 4 (day, "
            "sales, shop); remove the lines above it");
  EXPECT_EQ(read(file("b.csv", "day,,\n2024-01-01,5,x\n")).rows(), 1) << "a header without names";
}

TEST_F(FileForm, FoldersThatNameAColumnAndItsValueArePartsOfTheTable) {
  file("d/store=S1/a.csv", "ds,y\n2024-01-01,1\n");
  file("d/store=S%202/year=2024/b.csv", "ds,y\n2024-01-01,2\n");
  EXPECT_THAT(data_error([&] { read(path("d")); }), HasSubstr("its columns are ds, y, store"));
  std::filesystem::remove_all(path("d/store=S%202"));
  file("d/store=S%202/b.csv", "ds,y\n2024-01-01,2\n2024-01-02,x\n");
  file("d/store=__HIVE_DEFAULT_PARTITION__/c.csv", "ds,y\n2024-01-01,3\n");
  file("d/old/b.csv", "other\n1\n");
  const Table table = read(path("d"));
  EXPECT_THAT(table.column_names(), ElementsAre("ds", "y", "store"));
  EXPECT_THAT(words(table, 2), ElementsAre("S 2", "S1"));
  EXPECT_THAT(read_codes(table.impl(), 2).codes, ElementsAre(0, 0, 1, -1));
  EXPECT_THAT(table.impl().remarks, ElementsAre(HasSubstr("the folders inside are not read: old")));
  EXPECT_THAT(data_error([&] { read_numbers(table.impl(), 1); }), HasSubstr("b.csv:3:y: 'x'"));
}

TEST_F(FileForm, OtherFoldersInsideAreNamedWhereNothingIsRead) {
  file("d/2023/a.csv", "ds,y\n2024-01-01,1\n");
  EXPECT_THAT(data_error([&] { read(path("d")); }),
              HasSubstr("no .csv, .parquet, .arrow, .feather or .tsf file in this directory, and "
                        "folders inside are read only if they are named COLUMN=VALUE, not 2023"));
}

TEST_F(FileForm, CompressedFilesAreReadWhateverTheirName) {
  write_table(path("a.csv.gz"), {{.name = "n", .integers = {1, 2}}});
  const Table table = read(file("b.csv", text_of(path("a.csv.gz"))));
  EXPECT_EQ(table.rows(), 2);
  EXPECT_THAT(table.impl().remarks, ElementsAre(HasSubstr("b.csv: is compressed, which its name")));
}

TEST_F(FileForm, RowsThatAllHaveOtherCellsThanTheHeaderSayWhy) {
  EXPECT_THAT(error("a,b\n1,2,3\n4,5,6\n"),
              HasSubstr("a.csv:2: 3 cells where the header has 2 "
                        "columns; so have all rows: give the column"));
  EXPECT_THAT(error("# sales\na,b\n1,2\n"), HasSubstr("remove what stands above the header"));
}

TEST_F(FileForm, LinesRoundATableSayWhatTheyAre) {
  EXPECT_THAT(error("Report\nof 2024\na,b,c\n1,2,3\n"),
              HasSubstr("a.csv:3: 3 cells where the header has 1 column; remove what stands above "
                        "the header"));
  EXPECT_THAT(
      error("a,b\n1,2\n(1 row)\n"),
      HasSubstr("a.csv:3: 1 cell where the header has 2 columns; '(1 row)' stands below the "
                "table: remove what is no row"));
  EXPECT_THAT(error("a,b\n1,2\n3\n4,5\n"), HasSubstr("put cells that contain ','"));
  EXPECT_THAT(error("a,b\n# half\n1,2\n"), HasSubstr("a CSV file has no comments"));
  EXPECT_THAT(error("a,b\n1,2\n   \n"), HasSubstr("a.csv:3: 1 cell where the header has 2 columns; "
                                                  "there are only spaces on it"));
  EXPECT_THAT(error(" a | b \n---+---\n 1 | 2\n"),
              HasSubstr("it is a line of a frame, as psql and mysql draw it"));
  EXPECT_THAT(error("+---+---+\n| a | b |\n+---+---+\n| 1 | 2 |\n+---+---+\n"),
              HasSubstr("a.csv: its first line is a line of a frame"));
}

TEST_F(FileForm, AQuoteThatNothingClosesNamesItsLine) {
  EXPECT_THAT(error("a,b\n1,2\n3,\"4\n5,6\n"),
              HasSubstr("a.csv:3: a quote is opened that nothing"));
  EXPECT_THAT(words(read(file("b.csv", "a,b\n5\" pipe,2\n")), 0), ElementsAre("5\" pipe"));
}

TEST_F(FileForm, MoreThanTheLimitIsAnErrorBeforeItIsTaken) {
  OutputColumn zeros{.name = "n"};
  zeros.integers.assign(1 << 20, 0);
  write_table(path("a.csv.gz"), {zeros});
  EXPECT_THAT(
      data_error([&] { read(path("a.csv.gz"), "auto", 1 << 20); }),
      HasSubstr("a.csv.gz: it holds more than the 1.0 MB that data.max_bytes allows; set it"));
  write_table(path("a.parquet"), {zeros});
  EXPECT_THAT(data_error([&] { read(path("a.parquet"), "auto", 1 << 19); }),
              HasSubstr("a.parquet: 1048576 rows of 1 columns are more than the 524288 bytes that "
                        "data.max_bytes allows"));
}

TEST_F(FileForm, MoreColumnsThanAreReadAreRefusedWithTheOtherLayouts) {
  EXPECT_THAT(
      error("ds" + std::string(250'000, ',') + "\n2024-01-01,1\n"),
      HasSubstr("a.csv: its first line has 250001 cells, and 250000 columns are the most that "
                "are read; write a series in rows below each other (data.layout = \"long\")"));
}

TEST_F(FileForm, AFileThatIsCutWhileItIsReadIsAnError) {
  const std::string text(1 << 20, 'x');
  const Source source(file("a.csv", text));
  const auto stream = source.stream();
  EXPECT_EQ((*stream->Read(1 << 10))->size(), 1 << 10);
  std::filesystem::resize_file(path("a.csv"), 1 << 12);
  while ((*stream->Read(1 << 18))->size() > 0) {
  }
  EXPECT_THAT(data_error([&] { source.check(); }),
              HasSubstr("a.csv: the file changed while it was read (1048576 bytes at first, 4096"));
}

TEST_F(FileForm, BytesThatAreNoTextAreNoIds) {
  write_table(path("a.parquet"),
              {{.name = "id", .text = {"A", "B\0"s}}, {.name = "y", .integers = {1, 2}}});
  EXPECT_THAT(data_error([&] { words(read(path("a.parquet")), 0); }),
              HasSubstr("a.parquet: row 1: column 'id': 'B\\x00' is no text in UTF-8"));
}

TEST_F(FileForm, AFullDiskIsNamedForEveryFormat) {
  OutputColumn column{.name = "n"};
  for (int i = 0; i < 100'000; ++i) column.numbers.push_back(i * 0.7310585);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const std::function<void(const std::filesystem::path&)> writers[] = {
      [&](const auto& name) { write_table(name, {column}); },
      [](const auto& name) { simulate({.stores = 2, .items = 30}, name); },
      [](const auto& name) { simulate({.days = 20'000, .schema = "article"}, name); }};
  for (const auto& write : writers) {
    for (const std::string name : {"a.csv", "a.csv.gz", "a.csv.zst", "a.parquet", "a.feather"}) {
      const rlimit small{4096, before.rlim_max};
      ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
      testing::internal::CaptureStderr();
      const std::string message = data_error([&] { write(path(name)); });
      ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
      EXPECT_THAT(message, testing::StartsWith(name + ": "));
      EXPECT_THAT(message, testing::Not(HasSubstr(".tmp")));
      EXPECT_THAT(message, HasSubstr("File too large")) << "the system's reason";
      EXPECT_EQ(testing::internal::GetCapturedStderr(), "") << name;
    }
  }
  std::signal(SIGXFSZ, handler);
}

}  // namespace
}  // namespace sluice
