// A file that gets whole lines, one at a time: what a run leaves when it is cut at any point.
#pragma once

#include <string>

namespace sluice::bench {

class LineFile {
 public:
  /// Opens `file` to append to, and makes it; what is there stays. Throws Error (status 1), as does
  /// append(), with the file and the remedy.
  explicit LineFile(const std::string& file);
  ~LineFile();
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;

  /// `line` and a newline, in the file when this returns. What cannot be written whole (a full
  /// disk) is taken back before the error.
  void append(const std::string& line);

 private:
  std::string file_;
  int descriptor_ = -1;
};

/// Throws Error (status 1) now, rather than after minutes, if `file` cannot be written. Leaves what
/// is there, and makes no file.
void expect_writable(const std::string& file);

}  // namespace sluice::bench
