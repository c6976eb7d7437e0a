// What this program was built from and by. CMake writes the other half (cmake/SluiceBuild.cmake).
#pragma once

namespace sluice {

struct Build {
  const char* version;   ///< "0.1.0"
  const char* commit;    ///< "1c6ad58b1400", with "-dirty" where files differed; "unknown"
  const char* compiler;  ///< "GNU 12.2.0"
  const char* type;      ///< "Release"
  const char* baseline;  ///< -march: "x86-64-v3"
};

extern const Build kBuild;

}  // namespace sluice
