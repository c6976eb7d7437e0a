#include "base/ranks/ranks.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <numeric>
#include <utility>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

class OneRank final : public Ranks {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void sum(std::span<float>) override {}
  void gather_all(std::span<const std::byte> own, std::span<std::byte> all) override {
    std::ranges::copy(own, all.begin());
  }
  void join_bytes(std::span<std::byte>, std::span<const std::int64_t>) override {}
  void broadcast(std::span<std::byte>) override {}
  void barrier() override {}
  std::vector<std::string> gather(std::string_view own) override { return {std::string(own)}; }
  [[noreturn]] void abort(int status) override { std::_Exit(status); }
};

OneRank alone;
std::unique_ptr<Ranks> several;
int place = 0;  ///< rank_on_machine()

int number(const char* text) {
  int value = 0;
  if (text != nullptr) std::from_chars(text, text + std::string_view(text).size(), value);
  return value;
}

/// The file beside the library or program that this function is part of.
std::string beside_this(const char* name) {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&find_launch), &info) == 0) return name;
  std::error_code ignored;
  const std::filesystem::path own = std::filesystem::canonical(info.dli_fname, ignored);
  return (own.parent_path() / name).string();
}

std::unique_ptr<Ranks> load_ranks(const Launch& launch) {
  const std::string file = beside_this(kRanksLibrary);
  const auto refuse = [&](const std::string& why) {
    throw DeviceError(fmt::format(
        "this process was started as one of {} ({}), and this build works in one process alone: "
        "{}; start it without mpirun or srun, or build it with MPI (cmake -D SLUICE_MPI=ON)",
        launch.size, launch.by, why));
  };
  if (!std::filesystem::exists(file)) refuse(file + " is not there");
  // Open MPI opens parts of itself, which look for its functions among what all can see.
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (library == nullptr) refuse(dlerror());
  auto* open = reinterpret_cast<OpenRanks*>(dlsym(library, kOpenRanks));
  if (open == nullptr) refuse(fmt::format("{} has no {}", file, kOpenRanks));
  return std::unique_ptr<Ranks>(open());
}

}  // namespace

Ranks& ranks() {
  if (several) return *several;
  return alone;
}

std::optional<Launch> find_launch(const std::function<const char*(const char*)>& variable) {
  const auto job = [&](const char* name) -> std::optional<Launch> {
    const int size = number(variable(name));
    if (size < 2) return std::nullopt;
    return Launch{.by = fmt::format("{}={}", name, size), .size = size};
  };
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}) {
    if (variable(name) != nullptr) return job(name);
  }
  // Slurm's PMIx says a rank, and the size in variables of its own.
  if (variable("PMIX_RANK") != nullptr) return job("SLURM_STEP_NUM_TASKS");
  return std::nullopt;
}

void open_ranks() {
  const std::optional<Launch> launch =
      find_launch([](const char* name) { return std::getenv(name); });
  if (!launch || several) return;
  std::unique_ptr<Ranks> found = load_ranks(*launch);
  if (found->size() != launch->size) {
    throw DeviceError(
        fmt::format("this process was started as one of {} ({}), and the MPI that this build has "
                    "sees {}; start "
                    "it by the mpirun of that MPI (Slurm: srun --mpi=pmix, see srun --mpi=list)",
                    launch->size, launch->by, found->size()));
  }
  place = rank_on_machine(*found);
  several = std::move(found);
}

void close_ranks() {
  several.reset();
  place = 0;
}

void check_alike(Ranks& ranks, std::uint64_t own, std::string_view what) {
  std::vector<std::uint64_t> all(static_cast<std::size_t>(ranks.size()));
  ranks.gather_all(std::as_bytes(std::span(&own, 1)), std::as_writable_bytes(std::span(all)));
  if (own == all.front()) return;
  throw DataError(
      fmt::format("its {} are not those of the first process; give all processes of a job the same "
                  "program, settings and files, on every machine",
                  what));
}

std::vector<std::int64_t> share_sizes(std::int64_t count, std::int64_t each, int size) {
  std::vector<std::int64_t> out;
  for (int rank = 0; rank < size; ++rank) {
    const Share share = share_of(count, rank, size);
    out.push_back((share.end - share.begin) * each);
  }
  return out;
}

Share share_of(std::int64_t count, Workers workers) {
  if (workers == Workers::this_process) return {0, count};
  return share_of(count, ranks().rank(), ranks().size());
}

int rank_on_machine(Ranks& ranks) {
  std::array<char, 256> own = {};
  gethostname(own.data(), own.size() - 1);
  std::vector<std::array<char, 256>> all(static_cast<std::size_t>(ranks.size()));
  ranks.gather_all(std::as_bytes(std::span(own)), std::as_writable_bytes(std::span(all)));
  return static_cast<int>(std::count(all.begin(), all.begin() + ranks.rank(), own));
}

int rank_on_machine() { return place; }

double of_first_rank(double value) {
  ranks().broadcast(std::as_writable_bytes(std::span(&value, 1)));
  return value;
}

double sum_of_ranks(double value) {
  std::vector<double> all(static_cast<std::size_t>(ranks().size()));
  ranks().gather_all(std::as_bytes(std::span(&value, 1)), std::as_writable_bytes(std::span(all)));
  return std::accumulate(all.begin(), all.end(), 0.0);
}

}  // namespace sluice
