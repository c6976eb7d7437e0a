#include "data/table/packed_cells.hpp"

#include <arrow/array/data.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/chunked_array.h>
#include <arrow/util/compression.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "data/table/files.hpp"

namespace sluice {
namespace {

/// Of a column that is looked at several times the taking apart costs less than its use.
constexpr auto kCodec = arrow::Compression::LZ4;

/// Bytes of one of an array's buffers.
struct PackedBuffer {
  std::shared_ptr<arrow::Buffer> bytes;  ///< null: the array has no such buffer
  std::int64_t size = -1;                ///< once taken apart; below 0: they are as they were
};

std::unique_ptr<arrow::util::Codec> codec(const std::filesystem::path& path) {
  if (!arrow::util::Codec::IsAvailable(kCodec)) return nullptr;
  return files::value_of(arrow::util::Codec::Create(kCodec), path, files::kMemoryRemedy);
}

std::shared_ptr<arrow::Buffer> copied(const std::uint8_t* from, std::int64_t size,
                                      const std::filesystem::path& path) {
  std::shared_ptr<arrow::Buffer> to =
      files::value_of(arrow::AllocateBuffer(size), path, files::kMemoryRemedy);
  if (size > 0) std::memcpy(to->mutable_data(), from, static_cast<std::size_t>(size));
  return to;
}

PackedBuffer packed(const std::shared_ptr<arrow::Buffer>& buffer, arrow::util::Codec* codec,
                    const std::filesystem::path& path) {
  if (buffer == nullptr) return {};
  if (codec != nullptr && buffer->size() > 0) {
    std::vector<std::uint8_t> room(
        static_cast<std::size_t>(codec->MaxCompressedLen(buffer->size(), buffer->data())));
    const std::int64_t size =
        files::value_of(codec->Compress(buffer->size(), buffer->data(),
                                        static_cast<std::int64_t>(room.size()), room.data()),
                        path, files::kMemoryRemedy);
    if (size < buffer->size()) return {copied(room.data(), size, path), buffer->size()};
  }
  // A copy, for the buffer may be part of a larger one.
  return {copied(buffer->data(), buffer->size(), path), -1};
}

std::shared_ptr<arrow::Buffer> unpacked(const PackedBuffer& packed, arrow::util::Codec* codec,
                                        const std::filesystem::path& path) {
  if (packed.size < 0) return packed.bytes;
  std::shared_ptr<arrow::Buffer> to =
      files::value_of(arrow::AllocateBuffer(packed.size), path, files::kMemoryRemedy);
  files::value_of(codec->Decompress(packed.bytes->size(), packed.bytes->data(), packed.size,
                                    to->mutable_data()),
                  path, files::kMemoryRemedy);
  return to;
}

}  // namespace

/// An array, its buffers packed.
struct ColumnCollector::Packed {
  std::shared_ptr<arrow::ArrayData> rest;  ///< without buffers, dictionary and children
  std::vector<PackedBuffer> buffers;
  std::shared_ptr<const Packed> dictionary;  ///< or null
  std::vector<std::shared_ptr<const Packed>> children;

  Packed(const arrow::ArrayData& data, arrow::util::Codec* codec, const std::filesystem::path& path)
      : rest(arrow::ArrayData::Make(data.type, data.length, data.GetNullCount(), data.offset)) {
    for (const auto& buffer : data.buffers) buffers.push_back(packed(buffer, codec, path));
    if (data.dictionary) {
      dictionary = std::make_shared<const Packed>(*data.dictionary, codec, path);
    }
    for (const auto& child : data.child_data) {
      children.push_back(std::make_shared<const Packed>(*child, codec, path));
    }
  }

  std::shared_ptr<arrow::ArrayData> data(arrow::util::Codec* codec,
                                         const std::filesystem::path& path) const {
    auto whole = rest->Copy();
    for (const PackedBuffer& buffer : buffers) {
      whole->buffers.push_back(unpacked(buffer, codec, path));
    }
    if (dictionary) whole->dictionary = dictionary->data(codec, path);
    for (const auto& child : children) whole->child_data.push_back(child->data(codec, path));
    return whole;
  }
};

class ColumnCollector::Cells final : public ColumnCells {
 public:
  Cells(std::vector<std::shared_ptr<const Packed>> chunks, std::filesystem::path path)
      : chunks_(std::move(chunks)), path_(std::move(path)) {}

  void each_chunk(const Visit& visit) const override {
    const auto lz4 = codec(path_);
    for (const auto& chunk : chunks_) {
      if (!visit(arrow::MakeArray(chunk->data(lz4.get(), path_)))) return;
    }
  }
  std::int64_t null_count() const override {
    std::int64_t nulls = 0;
    for (const auto& chunk : chunks_) nulls += chunk->rest->null_count;
    return nulls;
  }

 private:
  std::vector<std::shared_ptr<const Packed>> chunks_;
  std::filesystem::path path_;
};

ColumnCollector::ColumnCollector(std::shared_ptr<arrow::DataType> type, bool packs,
                                 std::filesystem::path path)
    : type_(std::move(type)), packs_(packs), path_(std::move(path)) {}

void ColumnCollector::add(const std::shared_ptr<arrow::Array>& chunk) {
  if (packs_) {
    packed_.push_back(std::make_shared<const Packed>(*chunk->data(), codec(path_).get(), path_));
  } else {
    held_.push_back(chunk);
  }
}

std::shared_ptr<const ColumnCells> ColumnCollector::cells() && {
  if (packs_) return std::make_shared<Cells>(std::move(packed_), path_);
  return held_cells(std::make_shared<arrow::ChunkedArray>(std::move(held_), type_));
}

}  // namespace sluice
