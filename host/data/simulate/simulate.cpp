// `sluice simulate`: checks what is asked for, and writes each file to a temporary name that
// becomes the real one when it is complete.
#include "sluice/data/simulate.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>

#include "base/output_file.hpp"
#include "data/calendar/civil.hpp"
#include "data/simulate/model.hpp"
#include "data/table/write.hpp"
#include "sluice/base/error.hpp"
#include "sluice/data/calendar.hpp"
#include "sluice/data/table.hpp"

namespace sluice {
namespace {

namespace fs = std::filesystem;

void check_range(const char* name, double value, double low, double high) {
  if (value >= low && value <= high) return;
  throw ConfigError(
      fmt::format("simulate: {} = {:g} is out of range; give {} to {}", name, value, low, high));
}

Timestamp check(const SimulateSpec& spec) {
  check_range("stores", spec.stores, 1, 1'000'000);
  check_range("items", spec.items, 1, 1'000'000);
  check_range("days", spec.days, 1, 100'000);
  check_range("future_days", spec.future_days, 0, 10'000);
  check_range("intermittent", spec.intermittent, 0, 1);
  check_range("launches", spec.launches, 0, 1);
  check_range("missing", spec.missing, 0, 0.99);
  if (spec.schema != "catalog" && spec.schema != "article")
    throw ConfigError(fmt::format("simulate: schema = '{}' is unknown; give 'catalog' or 'article'",
                                  spec.schema));
  const auto start = parse_time(spec.start);
  if (!start)
    throw ConfigError(
        fmt::format("simulate: start = '{}' is no date; write it like 2023-01-01", spec.start));
  const std::int64_t end = civil::day_of(*start) + spec.days + spec.future_days;
  if (end > civil::day_of(civil::kLatest))
    throw ConfigError(
        fmt::format("simulate: {} days from {} end after the year 9999; give fewer days",
                    spec.days + spec.future_days, spec.start));
  return *start;
}

enum class Kind { csv, compressed_csv, parquet, arrow };

struct Ending {
  const char* text;
  Kind kind;
};
constexpr Ending kEndings[] = {{".csv", Kind::csv},
                               {".csv.gz", Kind::compressed_csv},
                               {".csv.zst", Kind::compressed_csv},
                               {".parquet", Kind::parquet},
                               {".arrow", Kind::arrow},
                               {".feather", Kind::arrow}};

const Ending& ending_of(const fs::path& path) {
  const std::string name = path.filename().string();
  for (const Ending& ending : kEndings) {
    if (name.size() > std::strlen(ending.text) && name.ends_with(ending.text)) return ending;
  }
  throw ConfigError(fmt::format(
      "{}: this ending is not known; name the file .csv, .csv.gz, .csv.zst, .parquet, .arrow or "
      ".feather",
      path.string()));
}

fs::path future_path(const fs::path& path) {
  const std::string name = path.filename().string(), end = ending_of(path).text;
  return path.parent_path() / (name.substr(0, name.size() - end.size()) + ".future" + end);
}

void write_plain(const OutputFile& to, const fs::path& name,
                 const std::function<void(const TextSink&)>& write) {
  const auto fail = [&] {
    throw DataError(fmt::format("{}: cannot be written: {}; check the folder and the free space",
                                name.string(), std::strerror(errno)));
  };
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  const int descriptor = ::fcntl(to.descriptor(), F_DUPFD_CLOEXEC, 0);
  if (descriptor < 0) fail();
  std::unique_ptr<std::FILE, Close> file(::fdopen(descriptor, "wb"));
  if (!file) {
    ::close(descriptor);
    fail();
  }
  std::setvbuf(file.get(), nullptr, _IONBF, 0);  // blocks come large
  write([&](std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), file.get()) != text.size()) fail();
  });
  if (std::fclose(file.release()) != 0) fail();
}

/// Keeps other processes of its kind from putting files into the folder while it lives, where the
/// file system has locks. Nothing is left of it.
class FolderLock {
 public:
  explicit FolderLock(const fs::path& folder)
      : descriptor_(
            ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    while (descriptor_ >= 0 && ::flock(descriptor_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  ~FolderLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int descriptor_;
};

constexpr std::string_view kPurpose = "file name for simulate";

void write_text(Kind kind, const OutputFile& file, const fs::path& path,
                const std::function<void(const TextSink&)>& write) {
  if (kind == Kind::csv) {
    write_plain(file, path, write);
  } else {
    write_compressed(file, path, write);
  }
}

void write_catalog(const StoreWorld& world, bool future, const OutputFile& file,
                   const fs::path& path) {
  const Kind kind = ending_of(path).kind;
  if (kind == Kind::parquet) {
    write_catalog_parquet(world, future, file, path);
  } else if (kind == Kind::arrow) {
    write_catalog_ipc(world, future, file, path);
  } else {
    write_text(kind, file, path, [&](const TextSink& sink) { catalog_csv(world, future, sink); });
  }
}

/// In a format that is no text.
void write_shop_table(const SimulateSpec& spec, std::int64_t first_day, Kind kind,
                      const OutputFile& file, const fs::path& path) {
  std::vector<OutputColumn> columns(kShopColumns.size());
  for (std::size_t c = 0; c < columns.size(); ++c) columns[c].name = kShopColumns[c];
  std::int64_t day = first_day;
  for (const ShopDay& row : simulate_shop(spec, first_day)) {
    columns[0].times.push_back(day++ * civil::kDay);
    for (std::size_t c = 1; c < columns.size(); ++c)
      columns[c].numbers.push_back(row.values[c - 1]);
  }
  if (kind == Kind::parquet) {
    write_parquet(file, path, columns);
  } else {
    write_arrow(file, path, columns);
  }
}

void write_shop(const SimulateSpec& spec, std::int64_t first_day, const OutputFile& file,
                const fs::path& path) {
  const Kind kind = ending_of(path).kind;
  if (kind == Kind::parquet || kind == Kind::arrow) {
    write_shop_table(spec, first_day, kind, file, path);
  } else {
    write_text(kind, file, path, [&](const TextSink& sink) { shop_csv(spec, first_day, sink); });
  }
}

bool same_bytes(const fs::path& a, const fs::path& b) {
  constexpr std::streamsize kBlock = 1 << 16;
  std::ifstream first(a, std::ios::binary), second(b, std::ios::binary);
  std::string one(kBlock, '\0'), other(kBlock, '\0');
  while (first && second) {
    first.read(one.data(), kBlock);
    second.read(other.data(), kBlock);
    const auto got = first.gcount();
    if (got != second.gcount()) return false;
    if (one.compare(0, static_cast<std::size_t>(got), other, 0, static_cast<std::size_t>(got)) != 0)
      return false;
  }
  return first.eof() && second.eof();
}

/// Whether made-up data would take the place of something else at `path`: nothing tells it from a
/// file that somebody needs. `made`: what would take it; nullptr: the file would be removed.
void refuse_loss(const fs::path& path, const OutputFile* made) {
  std::error_code failure;
  if (!fs::is_regular_file(path, failure)) return;
  if (made != nullptr && same_bytes(path, made->place())) return;
  throw DataError(
      fmt::format("{}: is there already and holds something else; choose another {}, or write over "
                  "it (sluice simulate --replace)",
                  path.string(), kPurpose));
}

}  // namespace

void simulate(const SimulateSpec& spec, const fs::path& path) {
  const std::int64_t first_day = civil::day_of(check(spec));
  const fs::path beside = future_path(path);
  OutputFile data(path, kPurpose);
  if (spec.schema == "article") {
    write_shop(spec, first_day, data, path);
    if (!spec.replace) refuse_loss(path, &data);
    data.commit();
    return;
  }
  const StoreWorld world(spec);
  write_catalog(world, false, data, path);
  std::optional<OutputFile> future;
  if (spec.future_days > 0) {
    future.emplace(beside, kPurpose);
    write_catalog(world, true, *future, beside);
  }
  // Two files get their names, and another process's two may come at the same time.
  const FolderLock lock(path.parent_path());
  if (!spec.replace) {
    refuse_loss(path, &data);
    refuse_loss(beside, future ? &*future : nullptr);
  }
  // Killed here, the data may lack their future file, but never have another one's.
  std::error_code failure;
  if (fs::is_regular_file(beside, failure)) fs::remove(beside, failure);
  data.commit();
  if (future) future->commit();
}

}  // namespace sluice
