// The ranks of an MPI job, in a library of its own: nothing else is linked with MPI.
//
// Sums are not MPI_Allreduce's, whose order of adding is the library's affair: each rank adds one
// part of the numbers of all in the order of ranks, then all hand on their parts. That moves what a
// ring moves, 2 (R-1)/R of the array in and out of each rank.
#include <mpi.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/ranks/ranks.hpp"

namespace sluice {
namespace {

class MpiRanks final : public Ranks {
 public:
  MpiRanks() {
    int level = 0;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
  }
  ~MpiRanks() override { MPI_Finalize(); }
  MpiRanks(const MpiRanks&) = delete;
  MpiRanks& operator=(const MpiRanks&) = delete;

  int rank() const override { return rank_; }
  int size() const override { return size_; }

  void sum(std::span<float> values) override {
    // MPI counts in int; a piece is what is summed at once.
    constexpr std::size_t kPiece = std::size_t{1} << 28;
    for (std::size_t begin = 0; begin < values.size(); begin += kPiece) {
      sum_piece(values.subspan(begin, std::min(kPiece, values.size() - begin)));
    }
  }

  void gather_all(std::span<const std::byte> own, std::span<std::byte> all) override {
    MPI_Allgather(own.data(), static_cast<int>(own.size()), MPI_BYTE, all.data(),
                  static_cast<int>(own.size()), MPI_BYTE, MPI_COMM_WORLD);
  }

  void join_bytes(std::span<std::byte> all, std::span<const std::int64_t> counts) override {
    std::int64_t begin = 0;
    constexpr std::int64_t kMost = std::int64_t{1} << 30;  // MPI counts in int
    for (int from = 0; from < size_; ++from) {
      for (std::int64_t left = counts[static_cast<std::size_t>(from)]; left > 0;) {
        const std::int64_t count = std::min(left, kMost);
        MPI_Bcast(all.data() + begin, static_cast<int>(count), MPI_BYTE, from, MPI_COMM_WORLD);
        begin += count;
        left -= count;
      }
    }
  }

  void broadcast(std::span<std::byte> bytes) override {
    MPI_Bcast(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, 0, MPI_COMM_WORLD);
  }

  void barrier() override { MPI_Barrier(MPI_COMM_WORLD); }

  std::vector<std::string> gather(std::string_view own) override {
    const int length = static_cast<int>(own.size());
    const bool first = rank_ == 0;
    std::vector<int> lengths(first ? static_cast<std::size_t>(size_) : 0), begins;
    MPI_Gather(&length, 1, MPI_INT, lengths.data(), 1, MPI_INT, 0, MPI_COMM_WORLD);
    int total = 0;
    for (const int one : lengths) {
      begins.push_back(total);
      total += one;
    }
    std::string joined(static_cast<std::size_t>(total), '\0');
    MPI_Gatherv(own.data(), length, MPI_CHAR, joined.data(), lengths.data(), begins.data(),
                MPI_CHAR, 0, MPI_COMM_WORLD);
    std::vector<std::string> texts;
    for (std::size_t r = 0; r < lengths.size(); ++r) {
      texts.push_back(
          joined.substr(static_cast<std::size_t>(begins[r]), static_cast<std::size_t>(lengths[r])));
    }
    return texts;
  }

  [[noreturn]] void abort(int status) override {
    MPI_Abort(MPI_COMM_WORLD, status);
    std::_Exit(status);
  }

 private:
  void sum_piece(std::span<float> values) {
    const auto count = static_cast<std::int64_t>(values.size());
    const auto R = static_cast<std::size_t>(size_);
    counts_.resize(R), begins_.resize(R), own_counts_.resize(R), own_begins_.resize(R);
    const Share own = share_of(count, rank_, size_);
    const std::int64_t own_count = own.end - own.begin;
    for (int r = 0; r < size_; ++r) {
      const auto at = static_cast<std::size_t>(r);
      const Share share = share_of(count, r, size_);
      counts_[at] = static_cast<int>(share.end - share.begin);
      begins_[at] = static_cast<int>(share.begin);
      own_counts_[at] = static_cast<int>(own_count);
      own_begins_[at] = static_cast<int>(own_count * r);
    }
    received_.resize(static_cast<std::size_t>(own_count) * R);
    MPI_Alltoallv(values.data(), counts_.data(), begins_.data(), MPI_FLOAT, received_.data(),
                  own_counts_.data(), own_begins_.data(), MPI_FLOAT, MPI_COMM_WORLD);
    for (std::int64_t i = 0; i < own_count; ++i) {
      double total = 0;
      for (std::int64_t r = 0; r < size_; ++r) {
        total += static_cast<double>(received_[static_cast<std::size_t>(r * own_count + i)]);
      }
      values[static_cast<std::size_t>(own.begin + i)] = static_cast<float>(total);
    }
    MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, values.data(), counts_.data(),
                   begins_.data(), MPI_FLOAT, MPI_COMM_WORLD);
  }

  int rank_ = 0, size_ = 1;
  std::vector<int> counts_, begins_, own_counts_, own_begins_;
  std::vector<float> received_;  ///< [R, own part]
};

}  // namespace
}  // namespace sluice

extern "C" [[gnu::visibility("default")]] sluice::Ranks* sluice_open_mpi_ranks() {
  return std::make_unique<sluice::MpiRanks>().release();
}
