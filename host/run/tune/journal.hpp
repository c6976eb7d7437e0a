// The journal of a search: what it is of, then a line for each training that ended. A process that
// is killed at any time leaves the lines that were written; the next one goes on after them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/path_lock.hpp"
#include "run/tune/halving.hpp"
#include "run/tune/trials.hpp"

namespace sluice {

/// A training of a trial that ended.
struct FinishedRun {
  TrialRun run;
  std::int64_t steps = 0;
  double score = 0;  ///< by the search's measure; NaN: its training failed
  double wql = 0;    ///< NaN: none
  double seconds = 0;
  TrialSettings settings;
};

/// A simple method beside the trials.
struct SimpleScore {
  std::string name;
  double score = 0;
};

/// What a journal is of. A journal of another search is not gone on with.
struct SearchIdentity {
  std::map<std::string, std::string> settings;  ///< that a score depends on, as TOML
  std::map<std::string, std::string> space;     ///< values of each key, as TOML
  std::int64_t data = 0;                        ///< checksum of the catalogue
};

/// What was found out before the first trial.
struct SearchStart {
  std::string chosen;               ///< settings as TOML, in which validation chose what was open
  std::vector<std::string> choice;  ///< its table
  std::string measure;              ///< "MASE"
  std::int64_t windows = 0;         ///< forecasts that each trial is scored on
  std::vector<SimpleScore> beside;
};

class Journal {
 public:
  /// Holds the file's lock; reads it where it is there. Throws ConfigError naming the setting, key
  /// or data by which `identity` is another search than the file's; DataError where the file cannot
  /// be used or another process writes it.
  Journal(const std::filesystem::path& path, const SearchIdentity& identity);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  bool has_begun() const { return begun_; }
  const SearchStart& start() const { return start_; }
  const std::vector<FinishedRun>& finished() const { return finished_; }

  /// Writes the head of a new journal. Blocks until the disk has it.
  void begin(const SearchStart& start);
  /// Adds a line. Blocks until the disk has it. Throws DataError.
  void add(const FinishedRun& run);

 private:
  void read();
  void open();

  std::filesystem::path path_;
  SearchIdentity identity_;
  PathLock lock_;
  SearchStart start_;
  std::vector<FinishedRun> finished_;
  bool begun_ = false;
  std::int64_t good_bytes_ = 0;  ///< of whole lines
  int descriptor_ = -1;
};

}  // namespace sluice
