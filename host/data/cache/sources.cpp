// The files that a cache was made of, by which it knows that it is old.
#include "data/table/inputs.hpp"
#include "data/table/source.hpp"
#include "sluice/data/cache.hpp"

namespace sluice {

namespace fs = std::filesystem;

std::vector<CacheSource> sources_of(const CatalogSpec& spec) {
  std::vector<CacheSource> sources;
  const auto add = [&](const std::vector<fs::path>& paths) {
    if (paths.empty()) return;
    ReadOptions options = spec.read;
    options.paths = paths;
    std::vector<std::string> remarks;  // which reading makes again
    for (const inputs::Input& input : inputs::list(options, remarks)) {
      if (input.format == TableFormat::memory) continue;
      const Source::Identity identity = Source(input.path).identity();
      sources.push_back({fs::absolute(input.path), identity.size, identity.changed_ns});
    }
  };
  add(spec.read.paths);
  add(spec.future_files);
  add(spec.static_files);
  return sources;
}

}  // namespace sluice
