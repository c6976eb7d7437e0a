// sluice_replay TARGET FOLDER: runs the target on each file of the folder, and on each of its
// beginnings.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "fuzz/targets.hpp"

int main(int argc, char** argv) {
  const auto* target = argc == 3 ? sluice::fuzz::find_target(argv[1]) : nullptr;
  if (target == nullptr) {
    std::fputs("usage: sluice_replay TARGET FOLDER\n", stderr);
    return 2;
  }
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argv[2])) {
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    sluice::fuzz::run(*target, bytes);
    const std::size_t step = bytes.size() / 20 + 1;
    for (std::size_t end = 0; end < bytes.size(); end += step) {
      sluice::fuzz::run(*target, bytes.substr(0, end) + bytes.back());
    }
    ++files;
  }
  std::printf("%s: %d files\n", argv[1], files);
  return files > 0 ? 0 : 1;
}
