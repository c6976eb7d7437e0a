#include "run/checkpoint/atomic_file.hpp"

#include "base/output_file.hpp"

namespace sluice {

void write_atomically(const std::filesystem::path& path, std::span<const std::string_view> parts,
                      std::string_view purpose) {
  OutputFile file(path, purpose);
  for (const std::string_view part : parts) file.write(part);
  file.commit();
}

}  // namespace sluice
