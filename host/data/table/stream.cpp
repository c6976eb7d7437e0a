// Tables in memory, to and from other libraries, by Arrow's C stream interface.
#include <arrow/c/abi.h>
#include <arrow/c/bridge.h>
#include <arrow/record_batch.h>
#include <fmt/format.h>

#include <exception>
#include <memory>
#include <utility>

#include "data/table/arrow_table.hpp"
#include "data/table/files.hpp"
#include "data/table/impl.hpp"
#include "data/table/write.hpp"
#include "sluice/base/error.hpp"
#include "sluice/data/table.hpp"

namespace sluice {
namespace {

constexpr const char* kStreamRemedy =
    "check what gives this table: its columns must be what Arrow's format says they are";

/// Arrow calls what a stream has without a look at it.
void check_callbacks(const ArrowArrayStream& stream, const std::string& name) {
  if (stream.release == nullptr) {
    throw DataError(
        fmt::format("{}: this stream has been read or released before; get a new one", name));
  }
  const auto check = [&](bool has, const char* callback) {
    if (has) return;
    throw DataError(
        fmt::format("{}: this stream has no {}; give it one, as Arrow's C stream interface asks",
                    name, callback));
  };
  check(stream.get_schema != nullptr, "get_schema");
  check(stream.get_next != nullptr, "get_next");
  check(stream.get_last_error != nullptr, "get_last_error");
}

}  // namespace

Table take_stream(ArrowArrayStream& stream, const std::string& name) {
  check_callbacks(stream, name);
  const auto reader = files::value_of(arrow::ImportRecordBatchReader(&stream), name, kStreamRemedy);
  const auto given = files::value_of(reader->ToTable(), name, kStreamRemedy);
  files::check(given->Validate(), name, kStreamRemedy);
  for (int c = 0; c < given->num_columns(); ++c) {
    files::check(given->column(c)->ValidateFull(),
                 fmt::format("{}: column '{}'", name, given->field(c)->name()), kStreamRemedy);
  }
  auto table = std::make_unique<Table::Impl>();
  table->names = given->schema()->field_names();
  table->source = name;
  table->parts.push_back({PartTable(given), name, TableFormat::memory, {}, {}});
  return Table(std::move(table));
}

void give_stream(std::vector<OutputColumn> columns, ArrowArrayStream& out) {
  const std::string name = "result";
  check_columns(name, columns);
  const auto table = arrow_table(std::move(columns), name);
  const auto reader = std::make_shared<arrow::TableBatchReader>(table);
  files::check(arrow::ExportRecordBatchReader(reader, &out), name, files::kMemoryRemedy);
}

}  // namespace sluice
