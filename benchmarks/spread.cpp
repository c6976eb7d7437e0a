#include "spread.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>

namespace sluice::bench {

Spread spread(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  const std::size_t half = samples.size() / 2;
  const double median =
      samples.size() % 2 == 1 ? samples[half] : (samples[half - 1] + samples[half]) / 2;
  return {samples.front(), median, samples.back()};
}

std::string git_commit() {
  constexpr const char* kCommand =
      "git -C '" SLUICE_SOURCE_DIR
      "' describe --always --dirty --abbrev=12 --exclude='*' 2>/dev/null";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(kCommand, "r"), pclose);
  char line[64] = "";
  if (!pipe || std::fgets(line, sizeof line, pipe.get()) == nullptr) return "";
  std::string commit = line;
  commit.erase(commit.find_last_not_of('\n') + 1);
  return commit;
}

}  // namespace sluice::bench
