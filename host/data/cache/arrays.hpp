// A cache's columns and the arrays of a catalogue: which is which, and their checksum.
#pragma once

#include <arrow/record_batch.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "data/cache/fields.hpp"

namespace sluice::cache {

/// A row a series, with columns as fields.columns will say. The arrays are the catalogue's own
/// memory, which outlives the batch.
std::shared_ptr<arrow::RecordBatch> batch_of(const Catalog& catalog, Fields& fields);

/// The catalogue of a validated batch that `memory` keeps. Throws DataError where a column is not
/// as fields.columns says, InternalError where the parts do not fit together.
Catalog catalog_of(const arrow::RecordBatch& batch, Fields fields,
                   std::shared_ptr<const void> memory, const std::filesystem::path& path);

/// Of the fields' text and of every bit in the batch's columns.
std::uint64_t checksum_of(const std::string& fields, const arrow::RecordBatch& batch);

}  // namespace sluice::cache
