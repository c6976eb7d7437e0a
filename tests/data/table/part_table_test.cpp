// Columns that are read from their file when they are looked at: the cells are those of a table in
// memory, chunk by chunk, however much is kept.
#include "data/table/part_table.hpp"

#include <arrow/array/array_dict.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/io/file.h>
#include <arrow/ipc/writer.h>
#include <arrow/scalar.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <parquet/arrow/writer.h>

#include <string>
#include <vector>

#include "data/table/file_cells.hpp"
#include "data/table/impl.hpp"
#include "data/temporary.hpp"
#include "sluice/data/table.hpp"

namespace sluice {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kRows = 10'000;  // fewer are read at once
constexpr std::int64_t kGroup = 3000;

template <typename Builder, typename Value>
std::shared_ptr<arrow::Array> array_of(Value value) {
  Builder builder;
  for (std::int64_t i = 0; i < kRows; ++i) {
    EXPECT_TRUE((i % 7 == 3 ? builder.AppendNull() : builder.Append(value(i))).ok());
  }
  return builder.Finish().ValueOrDie();
}

std::shared_ptr<arrow::Array> lists() {
  const auto numbers = std::make_shared<arrow::DoubleBuilder>();
  arrow::ListBuilder builder(arrow::default_memory_pool(), numbers);
  for (std::int64_t i = 0; i < kRows; ++i) {
    EXPECT_TRUE(builder.Append().ok());
    for (std::int64_t k = 0; k < i % 4; ++k) {
      EXPECT_TRUE(numbers->Append(static_cast<double>(i + k)).ok());
    }
  }
  return builder.Finish().ValueOrDie();
}

/// A column of pairs before others: in Parquet the places of columns and of their leaves are not
/// the same behind it.
std::shared_ptr<arrow::Table> some_table() {
  const auto words = array_of<arrow::StringBuilder>(
      [](std::int64_t i) { return "item " + std::to_string(i / 10); });
  const auto shops =
      arrow::DictionaryArray::FromArrays(array_of<arrow::Int32Builder>([](std::int64_t i) {
                                           return static_cast<std::int32_t>(i % 2);
                                         }),
                                         words->Slice(0, 2))
          .ValueOrDie();
  const auto halves =
      array_of<arrow::DoubleBuilder>([](std::int64_t i) { return 0.5 * static_cast<double>(i); });
  const std::shared_ptr<arrow::Array> pairs =
      arrow::StructArray::Make({halves, words}, std::vector<std::string>{"x", "y"}).ValueOrDie();
  const std::vector<std::shared_ptr<arrow::Array>> arrays = {pairs, words, shops, halves, lists()};
  std::vector<std::shared_ptr<arrow::Field>> fields;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    fields.push_back(arrow::field(std::string(1, static_cast<char>('a' + i)), arrays[i]->type()));
  }
  return arrow::Table::Make(arrow::schema(fields), arrays);
}

class PartTableFiles : public WithFiles {
 protected:
  std::string write(const std::string& name) {
    const auto table = some_table();
    const auto out = arrow::io::FileOutputStream::Open(path(name)).ValueOrDie();
    if (name.ends_with(".parquet")) {
      EXPECT_TRUE(
          parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), out, kGroup).ok());
    } else {
      const auto writer =
          (name.starts_with("stream") ? arrow::ipc::MakeStreamWriter(out, table->schema())
                                      : arrow::ipc::MakeFileWriter(out, table->schema()))
              .ValueOrDie();
      EXPECT_TRUE(writer->WriteTable(*table, kGroup).ok());
      EXPECT_TRUE(writer->Close().ok());
    }
    EXPECT_TRUE(out->Close().ok());
    return path(name);
  }
  static Table read(const std::string& path, std::int64_t kept) {
    ReadOptions options;
    options.paths = {path};
    options.kept_bytes = kept;
    return read_table(options);
  }
};

std::string cells_of(const arrow::ChunkedArray& column) {
  std::string text;
  for (std::int64_t i = 0; i < column.length(); ++i) {
    auto cell = column.GetScalar(i).ValueOrDie();
    if (cell->is_valid && cell->type->id() == arrow::Type::DICTIONARY) {
      cell = static_cast<const arrow::DictionaryScalar&>(*cell).GetEncodedValue().ValueOrDie();
    }
    const std::string word = cell->is_valid ? cell->ToString() : "none";
    text += word.substr(word.starts_with("list") ? word.find('[') : 0) + "\n";
  }
  return text;
}

TEST_F(PartTableFiles, HaveTheCellsOfTheTableWhateverIsKept) {
  const auto table = some_table();
  for (const char* name : {"a.parquet", "a.arrow", "stream.arrow", "stream.feather"}) {
    const std::string file = write(name);
    for (const std::int64_t kept : {std::int64_t{0}, std::int64_t{90'000}, std::int64_t{1} << 30}) {
      const Table made = read(file, kept);
      const PartTable& part = made.impl().parts.front().table;
      ASSERT_EQ(part.num_rows(), kRows);
      ASSERT_EQ(part.num_columns(), table->num_columns());
      for (int again = 0; again < 2; ++again) {
        for (int c = 0; c < part.num_columns(); ++c) {
          EXPECT_EQ(cells_of(*part.column(c)), cells_of(*table->column(c))) << name << kept << c;
        }
      }
    }
  }
}

TEST_F(PartTableFiles, AreReadOnceWhereThereIsRoomForThem) {
  for (const char* name : {"a.parquet", "a.arrow"}) {
    const std::string file = write(name);
    const Table kept = read(file, std::int64_t{1} << 30), none = read(file, 0);
    const auto first_chunk = [](const Table& table) {
      return table.impl().parts.front().table.column(3)->chunk(0);
    };
    EXPECT_EQ(first_chunk(kept), first_chunk(kept));
    EXPECT_NE(first_chunk(none), first_chunk(none));
  }
}

TEST_F(PartTableFiles, EndWhereTheVisitorHasSeenEnough) {
  const std::string file = write("a.arrow");
  const Table table = read(file, std::int64_t{1} << 30);
  const PartTable& part = table.impl().parts.front().table;
  std::int64_t rows = 0;
  part.each_chunk(3, [&](const auto& chunk) {
    rows += chunk->length();
    return false;
  });
  EXPECT_EQ(rows, kGroup);
  EXPECT_EQ(part.column(3)->length(), kRows) << "the rest was not lost";
}

TEST_F(PartTableFiles, AnotherFileInThePlaceOfOneThatIsOpenDoesNoHarm) {
  for (const char* name : {"a.parquet", "a.arrow"}) {
    const std::string file = write(name);
    const Table table = read(file, 0);
    const PartTable& part = table.impl().parts.front().table;
    this->file("other", "something else");
    std::filesystem::rename(path("other"), file);
    EXPECT_EQ(cells_of(*part.column(3)), cells_of(*some_table()->column(3)));
  }
}

TEST_F(PartTableFiles, OfManyFilesOneThatIsReplacedBetweenTwoLooksIsAnError) {
  for (const char* name : {"a.parquet", "a.arrow"}) {
    const std::string file = write(name);
    std::vector<Table> open;
    for (int i = 0; i < 64; ++i) open.push_back(read(file, 0));
    const Table table = read(file, 0);
    const PartTable& part = table.impl().parts.front().table;
    EXPECT_EQ(part.column(3)->length(), kRows);
    std::filesystem::copy_file(file, file + ".new");
    std::filesystem::rename(file + ".new", file);
    // Of as many bytes: that both numbers are one would say nothing.
    EXPECT_THAT(data_error([&] { part.column(3); }),
                HasSubstr(fmt::format("another file took its place while it was read (of {} bytes "
                                      "as before, and written since)",
                                      std::filesystem::file_size(file))));
    std::filesystem::remove(file);
    EXPECT_THAT(data_error([&] { part.column(3); }), HasSubstr("no such file"));
  }
}

TEST_F(PartTableFiles, OfManyColumnsAndFewRowsAreReadAtOnce) {
  std::vector<OutputColumn> columns;
  for (int c = 0; c < 100; ++c) {
    columns.push_back({.name = std::to_string(c), .numbers = std::vector<double>(10'000, c)});
  }
  for (const char* name : {"a.parquet", "a.arrow"}) {
    write_table(path(name), columns);
    const Table table = read(path(name), 0);
    std::filesystem::remove(path(name));
    EXPECT_EQ(table.impl().parts.front().table.column(99)->length(), 10'000);
  }
}

/// A message about a cell looks for its place, or for others of the column.
TEST_F(PartTableFiles, AreLookedAtWhileTheyAreLookedAt) {
  for (const char* name : {"a.parquet", "a.arrow", "stream.arrow", "stream.feather"}) {
    const std::string file = write(name);
    for (const std::int64_t kept : {std::int64_t{0}, std::int64_t{1} << 18}) {
      const Table table = read(file, kept);
      const PartTable& part = table.impl().parts.front().table;
      std::int64_t rows = 0;
      for (int again = 0; again < 2; ++again) {
        part.each_chunk(3, [&](const auto&) {
          rows += part.column(3)->length();
          return false;
        });
        part.column(3);
      }
      EXPECT_EQ(rows, 2 * kRows);
    }
  }
}

/// Bytes of the file's end that say how many rows there are: a file may say anything.
TEST_F(PartTableFiles, RowsAreCountedNotBelieved) {
  const std::string file = write("a.arrow");
  std::string bytes = WithFiles::text_of(file);
  const std::int64_t rows = kGroup;
  const std::string said(reinterpret_cast<const char*>(&rows), sizeof rows);
  // The length of a batch, before those of its columns.
  const std::size_t at = bytes.find(said);
  ASSERT_NE(at, std::string::npos);
  bytes[at + 7] = 0x40;  // some 4e18 rows
  this->file("a.arrow", bytes);
  EXPECT_THAT(data_error([&] { read(file, 0); }), HasSubstr("check that it is a whole Arrow"));
}

TEST_F(PartTableFiles, FirstRowsAreInMemory) {
  const std::string file = write("a.parquet");
  const Table table = read(file, 0);
  const PartTable first = table.impl().parts.front().table.first(3001);
  std::filesystem::remove(file);
  EXPECT_EQ(first.num_rows(), 3001);
  EXPECT_EQ(cells_of(*first.column(0)), cells_of(*some_table()->column(0)->Slice(0, 3001)));
}

TEST(PartTable, OneWordInAllRowsTakesTheMemoryOfFew) {
  constexpr std::int64_t kMany = 10'000'000'001;
  const std::string word = "north";
  for (const std::string* given : {&word, static_cast<const std::string*>(nullptr)}) {
    const auto cells = constant_cells(given, kMany, "a");
    std::int64_t rows = 0;
    cells->each_chunk([&](const auto& chunk) {
      rows += chunk->length();
      EXPECT_EQ(chunk->null_count(), given == nullptr ? chunk->length() : 0);
      return !testing::Test::HasFailure();
    });
    EXPECT_EQ(rows, kMany);
  }
}

TEST(KeptBytes, AreGivenOutOnce) {
  KeptBytes room(100);
  EXPECT_TRUE(room.take(60));
  EXPECT_FALSE(room.take(60));
  EXPECT_TRUE(room.take(40));
  EXPECT_EQ(room.left(), 0);
}

}  // namespace
}  // namespace sluice
