// Exceptions in OpenMP regions: one that leaves a region ends the process.
#pragma once

#include <exception>
#include <mutex>

namespace sluice {

/// Brings the first exception of a parallel region out of it.
class RegionFailure {
 public:
  /// Does `work`; keeps what it throws. Called by any thread of the region.
  template <typename Work>
  void keep(Work&& work) {
    try {
      work();
    } catch (const std::exception&) {
      const std::lock_guard lock(mutex_);
      if (!first_) first_ = std::current_exception();
    }
  }

  /// Behind the region: throws what was kept, if anything was.
  void rethrow() const {
    if (first_) std::rethrow_exception(first_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr first_;
};

}  // namespace sluice
