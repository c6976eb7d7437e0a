// Processes that work as one: the ranks of an MPI job. A program that no launcher started is one
// rank, loads no MPI and pays nothing; MPI itself is in a library of its own (mpi.cpp), opened
// where it is needed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace sluice {

/// The ranks of a job. What is not rank(), size() and abort() is called by all of them, in the same
/// order, each by its main thread, and blocks until they have. A failure of MPI ends all of them,
/// as a lost rank does.
class Ranks {
 public:
  virtual ~Ranks() = default;
  virtual int rank() const = 0;  ///< this one, from 0
  virtual int size() const = 0;

  /// values[i] becomes the sum of all ranks' values[i], added in double by ascending rank and
  /// rounded once: the same bits on every rank, and in every job of so many ranks, on whatever
  /// machines.
  virtual void sum(std::span<float> values) = 0;
  /// all [size, own.size()]: what every rank has; `own` is of one size on all.
  virtual void gather_all(std::span<const std::byte> own, std::span<std::byte> all) = 0;
  /// counts [size]: rank r has filled its counts[r] bytes of `all`, which lie in the order of
  /// ranks. Now all have all of them.
  virtual void join_bytes(std::span<std::byte> all, std::span<const std::int64_t> counts) = 0;
  /// The same of what `all` is made of: counts[r] elements.
  template <typename T>
  requires std::is_trivially_copyable_v<T>
  void join(std::span<T> all, std::span<const std::int64_t> counts) {
    std::vector<std::int64_t> bytes;
    for (const std::int64_t count : counts) {
      bytes.push_back(count * static_cast<std::int64_t>(sizeof(T)));
    }
    join_bytes(std::as_writable_bytes(all), bytes);
  }
  /// Rank 0's bytes take the place of the others'.
  virtual void broadcast(std::span<std::byte> bytes) = 0;
  virtual void barrier() = 0;
  /// On rank 0 what each rank has, [size]; empty on the others.
  virtual std::vector<std::string> gather(std::string_view own) = 0;
  /// Ends all ranks at once with that status, whatever they do. Called by any one.
  [[noreturn]] virtual void abort(int status) = 0;
};

/// Those of this process: one rank, unless open_ranks() found more.
Ranks& ranks();

/// A job as its launcher says it in the environment.
struct Launch {
  std::string by;  ///< "OMPI_COMM_WORLD_SIZE=4"
  int size = 0;
};
/// By what Open MPI's mpirun, MPICH's and Intel's, and Slurm's srun with PMI set. `variable` is
/// getenv. Empty: no launcher, or one process.
std::optional<Launch> find_launch(const std::function<const char*(const char*)>& variable);

/// Joins the other ranks if a launcher started this process as one of several; else does nothing.
/// Throws DeviceError where this build has no MPI, or another one than the launcher. Blocks until
/// all ranks are there.
void open_ranks();
/// Leaves them, if there are others, when all have come to this. What is done later is done alone.
void close_ranks();

/// Rank 0's value.
double of_first_rank(double value);
/// The sum of all ranks' values, added by ascending rank.
double sum_of_ranks(double value);
/// Called by all with a checksum of what they must have alike, its `what`. Throws DataError on each
/// rank whose own is another than the first one's, which ends all. Blocks.
void check_alike(Ranks& ranks, std::uint64_t own, std::string_view what);
/// A rank's place among those of its machine, from 0: how many with its host name are before it.
/// Called by all. Blocks.
int rank_on_machine(Ranks& ranks);
/// That of this process, as open_ranks() found it; 0 on one rank.
int rank_on_machine();
/// Items [begin, end) of `count`, in the order of ranks, as even as they go.
struct Share {
  std::int64_t begin, end;
};
inline Share share_of(std::int64_t count, int rank, int size) {
  return {count * rank / size, count * (rank + 1) / size};
}
/// How many elements each rank has where it has share_of() `count` items of `each` elements.
std::vector<std::int64_t> share_sizes(std::int64_t count, std::int64_t each, int size);

/// Who makes what is made of many items alike: this process all of it, or each rank of the job its
/// share, whereupon all have all of it. All ranks ask for the same then.
enum class Workers { this_process, all_ranks };
/// This process's part of `count` items: all, or share_of() them.
Share share_of(std::int64_t count, Workers workers);
/// Gives all workers `all`, of `count` items of equally many elements, where each has filled its
/// share_of() them. Blocks.
template <typename T>
void join_shares(std::span<T> all, std::int64_t count, Workers workers) {
  if (workers == Workers::this_process || count == 0) return;
  ranks().join(all, share_sizes(count, std::ssize(all) / count, ranks().size()));
}

/// What the library of mpi.cpp gives: all ranks, after MPI was started.
using OpenRanks = Ranks*();
inline constexpr const char* kOpenRanks = "sluice_open_mpi_ranks";
inline constexpr const char* kRanksLibrary = "libsluice_mpi.so";

}  // namespace sluice
