#include "sluice/run/trainer.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>

#include "base/checksum.hpp"
#include "base/output_file.hpp"
#include "base/path_lock.hpp"
#include "base/ranks/ranks.hpp"
#include "run/config/left_out_columns.hpp"
#include "run/interrupt.hpp"
#include "run/provenance/checksums.hpp"
#include "run/training/across_ranks.hpp"
#include "run/training/places.hpp"
#include "run/training/state_check.hpp"
#include "run/training/training.hpp"
#include "sluice/base/log.hpp"

namespace sluice {

TrainResult train(const Config& config, const Catalog& catalog, const TrainOptions& options) {
  // Until the model is written: a signal then must not lose the training that led to it.
  std::optional<InterruptGuard> guard;
  if (!options.watch) guard.emplace();
  std::optional<Catalog> reduced;
  const auto used_by = [&](const Decided& decided) -> const Catalog& {
    return (reduced = reduced_catalog(catalog, decided.config.data)) ? *reduced : catalog;
  };
  if (!options.save) {
    const Decided decided = decide(config, catalog, options);
    return Training(config, decided, used_by(decided), options).run();
  }
  const std::filesystem::path path = config.path.model;
  const bool writes = ranks().rank() == 0;
  std::optional<PathLock> lock;
  if (writes) {
    try_places(path);
    lock.emplace(path);
  }
  if (ranks().size() > 1) {
    Checksum settings;
    settings.add(settings_to_keep(config));
    check_alike(ranks(), settings.value(), "settings");
    check_alike(ranks(), static_cast<std::uint64_t>(checksum_of(catalog)), "data");
  }
  const Decided decided = decide(config, catalog, options);
  Training training(config, decided, used_by(decided), options);
  // Of the model, which the disk may have no room for when it is made. Another program can still
  // take it in the moment between this file and that one.
  std::optional<OutputFile> room;
  const TrainResult result = training.run([&](std::size_t bytes) {
    if (!writes) return;
    room.emplace(path, "path.model");
    room->reserve(bytes);
  });
  room.reset();
  if (!writes) return result;
  if (!training.is_output(result)) {
    save_at_the_end(path, result.model, [&] { return training.keep(result); });
  }
  if (result.interrupted) {
    log_warning(interruption_text(path, result));
  } else {
    remove_state(path);
  }
  return result;
}

}  // namespace sluice
