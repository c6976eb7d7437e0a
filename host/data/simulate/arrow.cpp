// The simulated catalogue through Arrow: batches of rows into Parquet or Arrow IPC, and CSV text
// through its compressors. Memory is one batch and one row group, whatever the size.
#include <arrow/api.h>
#include <arrow/io/api.h>
#include <arrow/ipc/api.h>
#include <arrow/util/compression.h>
#include <parquet/arrow/writer.h>

#include "data/simulate/model.hpp"
#include "data/table/files.hpp"
#include "data/table/write.hpp"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRemedy = "check the folder and the free space";

void check(const arrow::Status& status, const fs::path& path) {
  files::check(status, path, kRemedy);
}

template <typename T>
T check(arrow::Result<T> result, const fs::path& path) {
  return files::value_of(std::move(result), path, kRemedy);
}

std::shared_ptr<arrow::Schema> schema_of(bool future) {
  const auto field = [](const char* name, const std::shared_ptr<arrow::DataType>& type) {
    return arrow::field(name, type);
  };
  arrow::FieldVector fields = {field("unique_id", arrow::utf8()), field("ds", arrow::date32())};
  if (!future) fields.push_back(field("y", arrow::int32()));
  fields.push_back(field("price", arrow::float64()));
  fields.push_back(field("promotion", arrow::int32()));
  fields.push_back(field("holiday", arrow::int32()));
  if (!future) {
    fields.push_back(field("store", arrow::utf8()));
    fields.push_back(field("item", arrow::utf8()));
  }
  return arrow::schema(fields);
}

using BatchSink = std::function<void(const std::shared_ptr<arrow::RecordBatch>&)>;

void make_batches(const StoreWorld& world, bool future, const fs::path& path,
                  const BatchSink& sink) {
  constexpr std::int64_t kBatchRows = 1 << 17;
  const SimulateSpec& spec = world.spec();
  const auto schema = schema_of(future);
  arrow::StringBuilder id, store_column, item_column;
  arrow::Date32Builder ds;
  arrow::Int32Builder y, promotion, holiday;
  arrow::DoubleBuilder price;
  const auto flush = [&] {
    const std::int64_t rows = ds.length();
    if (rows == 0) return;
    arrow::ArrayVector arrays;
    const auto take = [&](arrow::ArrayBuilder& builder) {
      std::shared_ptr<arrow::Array> array;
      check(builder.Finish(&array), path);
      arrays.push_back(std::move(array));
    };
    take(id);
    take(ds);
    if (!future) take(y);
    take(price);
    take(promotion);
    take(holiday);
    if (!future) {
      take(store_column);
      take(item_column);
    }
    sink(arrow::RecordBatch::Make(schema, rows, std::move(arrays)));
  };

  const int begin = future ? spec.days : 0, end = future ? world.all_days() : spec.days;
  std::vector<SimulatedDay> days;
  for (int store = 0; store < spec.stores; ++store) {
    const std::string store_name = StoreWorld::store_name(store);
    for (int item = 0; item < spec.items; ++item) {
      world.series(store, item, days);
      const std::string item_name = StoreWorld::item_name(item);
      const std::string name = store_name + "/" + item_name;
      for (int d = begin; d < end; ++d) {
        const SimulatedDay& day = days[static_cast<std::size_t>(d)];
        if (!day.present) continue;
        check(id.Append(name), path);
        check(ds.Append(static_cast<std::int32_t>(world.first_day() + d)), path);
        check(price.Append(static_cast<double>(day.price_cents) / 100), path);
        check(promotion.Append(day.promotion ? 1 : 0), path);
        check(holiday.Append(day.holiday ? 1 : 0), path);
        if (future) continue;
        check(y.Append(day.y), path);
        check(store_column.Append(store_name), path);
        check(item_column.Append(item_name), path);
      }
      if (ds.length() >= kBatchRows) flush();
    }
  }
  flush();
}

}  // namespace

void write_catalog_parquet(const StoreWorld& world, bool future, const OutputFile& to,
                           const fs::path& name) {
  const auto file = stream_to(to, name);
  const files::QuietEnd end(file);
  const auto properties =
      parquet::WriterProperties::Builder().compression(arrow::Compression::ZSTD)->build();
  auto writer = check(parquet::arrow::FileWriter::Open(
                          *schema_of(future), arrow::default_memory_pool(), file, properties),
                      name);
  make_batches(world, future, name,
               [&](const auto& batch) { check(writer->WriteRecordBatch(*batch), name); });
  check(writer->Close(), name);
  check(file->Close(), name);
}

void write_catalog_ipc(const StoreWorld& world, bool future, const OutputFile& to,
                       const fs::path& name) {
  const auto file = stream_to(to, name);
  const files::QuietEnd end(file);
  auto writer = check(arrow::ipc::MakeFileWriter(file, schema_of(future)), name);
  make_batches(world, future, name,
               [&](const auto& batch) { check(writer->WriteRecordBatch(*batch), name); });
  check(writer->Close(), name);
  check(file->Close(), name);
}

void write_compressed(const OutputFile& to, const fs::path& name,
                      const std::function<void(const TextSink&)>& write) {
  const auto compressor = check(arrow::util::Codec::Create(files::compression_of(name)), name);
  const auto file = stream_to(to, name);
  const files::QuietEnd end(file);
  const auto stream = check(arrow::io::CompressedOutputStream::Make(compressor.get(), file), name);
  const files::QuietEnd end_of_all(stream);
  write([&](std::string_view text) {
    check(stream->Write(text.data(), static_cast<std::int64_t>(text.size())), name);
  });
  check(stream->Close(), name);
}

}  // namespace sluice
