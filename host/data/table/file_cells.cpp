#include "data/table/file_cells.hpp"

#include <arrow/util/byte_size.h>

#include <algorithm>
#include <utility>

namespace sluice {

bool KeptBytes::take(std::int64_t bytes) {
  std::int64_t left = left_;
  while (left >= bytes) {
    if (left_.compare_exchange_weak(left, left - bytes)) return true;
  }
  return false;
}

void FileCells::each_chunk(const Visit& visit) const {
  std::shared_ptr<const arrow::ArrayVector> kept;
  {
    const std::lock_guard lock(mutex_);
    kept = kept_;
  }
  if (kept) {
    for (const auto& chunk : *kept) {
      if (!visit(chunk)) return;
    }
    return;
  }
  arrow::ArrayVector seen;
  std::int64_t bytes = 0;
  bool whole = true, room = room_ != nullptr;
  read([&](const std::shared_ptr<arrow::Array>& chunk) {
    if (room) {
      bytes += arrow::util::TotalBufferSize(*chunk);
      seen.push_back(chunk);
      room = bytes <= room_->left();
      if (!room) seen.clear();
    }
    whole = visit(chunk);
    return whole;
  });
  if (!whole || !room) return;
  const std::lock_guard lock(mutex_);
  if (!kept_ && room_->take(bytes)) {
    kept_ = std::make_shared<const arrow::ArrayVector>(std::move(seen));
  }
}

}  // namespace sluice
