// Columns that lie in a file: read when they are looked at, and kept where there is room.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "data/table/part_table.hpp"

namespace sluice {

/// Bytes that columns of files may still take in memory once they were read.
class KeptBytes {
 public:
  explicit KeptBytes(std::int64_t bytes) : left_(bytes) {}
  std::int64_t left() const { return left_; }
  /// Whether there was room.
  bool take(std::int64_t bytes);

 private:
  std::atomic<std::int64_t> left_;
};

class FileCells : public ColumnCells {
 public:
  explicit FileCells(std::shared_ptr<KeptBytes> room) : room_(std::move(room)) {}
  void each_chunk(const Visit& visit) const final;

 private:
  /// As each_chunk(), from the file. What looks at a cell may look at the column again.
  virtual void read(const Visit& visit) const = 0;

  std::shared_ptr<KeptBytes> room_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const arrow::ArrayVector> kept_;
};

}  // namespace sluice
