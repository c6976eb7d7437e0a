// Tables in memory, in and out, by Arrow's C stream interface.
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/c/abi.h>
#include <arrow/c/bridge.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cmath>
#include <limits>
#include <memory>
#include <string>

#include "data/table/impl.hpp"
#include "sluice/base/error.hpp"
#include "sluice/data/catalog.hpp"
#include "sluice/data/table.hpp"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::int64_t kDay = 86'400, kStart = 1'704'067'200;  // 2024-01-01

std::shared_ptr<const Table> in_memory(std::vector<OutputColumn> columns, const std::string& name) {
  ArrowArrayStream stream;
  give_stream(std::move(columns), stream);
  return std::make_shared<const Table>(take_stream(stream, name));
}

/// Two series of three days.
std::vector<OutputColumn> sales() {
  return {{.name = "unique_id", .text = {"A", "B"}, .codes = {0, 0, 0, 1, 1, 1}},
          {.name = "ds",
           .times = {kStart, kStart + kDay, kStart + 2 * kDay, kStart, kStart + kDay,
                     kStart + 2 * kDay}},
          {.name = "y", .numbers = {1, 2, std::numeric_limits<double>::quiet_NaN(), 4, 5, 6.5}}};
}

CatalogSpec spec_of(std::vector<OutputColumn> columns) {
  CatalogSpec spec;
  spec.read.paths = {"df"};
  spec.read.memory["df"] = in_memory(std::move(columns), "df");
  return spec;
}

std::string error_of(const CatalogSpec& spec) {
  try {
    read_catalog(spec);
  } catch (const DataError& e) {
    return e.what();
  }
  return "no error";
}

std::string error_of(ArrowArrayStream& stream) {
  try {
    take_stream(stream, "df");
  } catch (const DataError& e) {
    return e.what();
  }
  return "no error";
}

TEST(TableStream, IsReadInPlaceOfAFileOfItsName) {
  const Catalog catalog = read_catalog(spec_of(sales()));
  EXPECT_THAT(catalog.ids(), ElementsAre("A", "B"));
  EXPECT_EQ(catalog.date(1, 0), "2024-01-01");
  EXPECT_THAT(catalog.values(0, 1), ElementsAre(4, 5, 6.5F));
  EXPECT_EQ(catalog.history(0), 2);
}

TEST(TableStream, SideTablesAreReadByTheirNamesToo) {
  CatalogSpec spec = spec_of(sales());
  auto main = sales();
  main.push_back({.name = "price", .numbers = {1, 1, 1, 2, 2, 2}});
  spec.read.memory["df"] = in_memory(main, "df");
  spec.future = {"price"};
  spec.future_files = {"future_df"};
  spec.read.memory["future_df"] =
      in_memory({{.name = "unique_id", .text = {"A", "B"}},
                 {.name = "ds", .times = {kStart + 3 * kDay, kStart + 3 * kDay}},
                 {.name = "price", .numbers = {7, 8}}},
                "future_df");
  spec.static_reals = {"area"};
  spec.static_files = {"static_df"};
  spec.read.memory["static_df"] =
      in_memory({{.name = "unique_id", .text = {"B", "A"}}, {.name = "area", .integers = {20, 10}}},
                "static_df");
  const Catalog catalog = read_catalog(spec);
  EXPECT_THAT(catalog.values(1, 0), ElementsAre(1, 1, 1, 7));
  EXPECT_THAT(catalog.values(1, 1), ElementsAre(2, 2, 2, 8));
  EXPECT_THAT(catalog.static_reals()[0].values, ElementsAre(10, 20));
}

TEST(TableStream, ErrorsNameTheTableTheRowAndTheColumn) {
  auto columns = sales();
  columns[1].times[1] = kStart;  // the same day twice
  EXPECT_THAT(error_of(spec_of(columns)), HasSubstr("df: row 1"));
  columns = sales();
  columns[2] = {.name = "y", .text = {"1", "2", "three", "4", "5", "6"}};
  CatalogSpec spec = spec_of(columns);
  spec.targets = {"y"};
  EXPECT_THAT(error_of(spec), HasSubstr("df: row 2: column 'y'"));
}

TEST(TableStream, OnlyTheFirstRowsAreTakenWhereThatIsAsked) {
  CatalogSpec spec = spec_of(sales());
  spec.read.max_rows = 2;
  EXPECT_THAT(read_catalog(spec).ids(), ElementsAre("A"));
}

TEST(TableStream, NothingIsCopiedOnTheWayIn) {
  arrow::DoubleBuilder builder;
  ASSERT_TRUE(builder.AppendValues({1, 2, 3}).ok());
  const auto array = *builder.Finish();
  const auto schema = arrow::schema({arrow::field("y", arrow::float64())});
  ArrowArrayStream stream;
  {
    const auto reader = *arrow::RecordBatchReader::Make(
        {arrow::RecordBatch::Make(schema, 3, std::vector{array})}, schema);
    ASSERT_TRUE(arrow::ExportRecordBatchReader(reader, &stream).ok());
  }
  const Table table = take_stream(stream, "df");
  EXPECT_EQ(stream.release, nullptr) << "the stream is released";
  const auto held = table.impl().parts[0].table.column(0)->chunk(0);
  EXPECT_EQ(held->data()->buffers[1]->data(), array->data()->buffers[1]->data());
}

TEST(TableStream, AProducerThatFailsIsAnErrorWithItsWords) {
  const auto schema = arrow::schema({arrow::field("y", arrow::float64())});
  const auto reader = *arrow::RecordBatchReader::MakeFromIterator(
      arrow::MakeFunctionIterator([]() -> arrow::Result<std::shared_ptr<arrow::RecordBatch>> {
        return arrow::Status::IOError("the database went away");
      }),
      schema);
  ArrowArrayStream stream;
  ASSERT_TRUE(arrow::ExportRecordBatchReader(reader, &stream).ok());
  try {
    take_stream(stream, "df");
    FAIL() << "no error";
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("df: "));
    EXPECT_THAT(e.what(), HasSubstr("the database went away"));
  }
}

TEST(TableStream, ColumnsThatAreNotAsArrowHasThemAreAnError) {
  const auto offsets = arrow::Buffer::FromVector(std::vector<std::int32_t>{0, 1, 1'000'000});
  const auto text =
      std::make_shared<arrow::StringArray>(2, offsets, arrow::Buffer::FromString("AB"));
  const auto schema = arrow::schema({arrow::field("unique_id", arrow::utf8())});
  const auto reader = *arrow::RecordBatchReader::Make(
      {arrow::RecordBatch::Make(schema, 2, std::vector<std::shared_ptr<arrow::Array>>{text})},
      schema);
  ArrowArrayStream stream;
  ASSERT_TRUE(arrow::ExportRecordBatchReader(reader, &stream).ok());
  EXPECT_THAT(error_of(stream), HasSubstr("df: column 'unique_id': "));
}

/// What fails after its first call, as a producer in C does that has nothing to say.
ArrowArrayStream mute_stream() {
  ArrowArrayStream stream;
  EXPECT_TRUE(
      arrow::ExportRecordBatchReader(
          *arrow::RecordBatchReader::Make({}, arrow::schema({arrow::field("y", arrow::float64())})),
          &stream)
          .ok());
  stream.get_next = [](ArrowArrayStream*, ArrowArray*) { return EIO; };
  stream.get_last_error = [](ArrowArrayStream*) -> const char* { return nullptr; };
  return stream;
}

TEST(TableStream, AProducerThatFailsWithoutAWordIsAnErrorWithItsNumber) {
  ArrowArrayStream stream = mute_stream();
  EXPECT_THAT(error_of(stream), HasSubstr("df: IOError; "));
}

TEST(TableStream, WhatAStreamLacksIsNamed) {
  ArrowArrayStream released = mute_stream();
  released.release(&released);
  EXPECT_THAT(error_of(released), HasSubstr("df: this stream has been read or released before; "));
  const auto lacks = [](const char* name, auto take) {
    ArrowArrayStream stream = mute_stream();
    take(stream);
    EXPECT_THAT(error_of(stream), HasSubstr(std::string("df: this stream has no ") + name + "; "));
    if (stream.release != nullptr) stream.release(&stream);
  };
  lacks("get_schema", [](ArrowArrayStream& stream) { stream.get_schema = nullptr; });
  lacks("get_next", [](ArrowArrayStream& stream) { stream.get_next = nullptr; });
  lacks("get_last_error", [](ArrowArrayStream& stream) { stream.get_last_error = nullptr; });
}

TEST(TableStream, TextOfAnyWidthIsText) {
  const auto column = [](auto builder) {
    EXPECT_TRUE(builder.AppendValues(std::vector<std::string>{"A", "A"}).ok());
    return *builder.Finish();
  };
  arrow::StringViewBuilder views;
  ASSERT_TRUE(views.Append("A").ok());
  ASSERT_TRUE(views.Append("A").ok());
  for (const auto& ids :
       {column(arrow::StringBuilder()), column(arrow::LargeStringBuilder()), *views.Finish()}) {
    arrow::Date32Builder days;
    ASSERT_TRUE(days.AppendValues({19'723, 19'724}).ok());
    arrow::Int32Builder values;
    ASSERT_TRUE(values.AppendValues({3, 4}).ok());
    const auto table = arrow::Table::Make(
        arrow::schema({arrow::field("unique_id", ids->type()), arrow::field("ds", arrow::date32()),
                       arrow::field("y", arrow::int32())}),
        {ids, *days.Finish(), *values.Finish()});
    ArrowArrayStream stream;
    ASSERT_TRUE(
        arrow::ExportRecordBatchReader(std::make_shared<arrow::TableBatchReader>(table), &stream)
            .ok());
    CatalogSpec spec;
    spec.read.paths = {"df"};
    spec.read.memory["df"] = std::make_shared<const Table>(take_stream(stream, "df"));
    const Catalog catalog = read_catalog(spec);
    EXPECT_THAT(catalog.ids(), ElementsAre("A")) << ids->type()->ToString();
    EXPECT_EQ(catalog.date(0, 0), "2024-01-01") << ids->type()->ToString();
    EXPECT_THAT(catalog.values(0, 0), ElementsAre(3, 4)) << ids->type()->ToString();
  }
}

}  // namespace
}  // namespace sluice
