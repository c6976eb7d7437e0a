// Standard output and standard error as the program uses them: results on the one, messages on the
// other, and a status that is true whatever became of either.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// For the beginning of main(): standard streams that are closed are opened on nothing, so that no
/// data file gets their number and the program's messages; a file that grows beyond `ulimit -f`, or
/// a reader that goes away, is an error of its write, not the end of the process.
void ready_process();

/// `text`, made printable, on standard output, at once. False if it did not get there whole.
bool try_print_result(std::string_view text);
/// The same; throws DataError with the cause.
void print_result(std::string_view text);
/// Throws the DataError of a result that did not get there. Where its reader went away the process
/// ends as any other does (SIGPIPE), but if whoever started it ignores that signal.
[[noreturn]] void refuse_output();

/// Columns that a line of results may have: 80 on a terminal, any number elsewhere.
int output_width();

/// A line "note        TEXT" for each text, broken at the terminal's width, whole elsewhere.
std::string labelled_lines(std::string_view label, const std::vector<std::string>& texts);

/// Says on standard error and in the log why the program ends. Returns `exit_code`, also where
/// neither can be written.
int fail(std::string_view message, int exit_code) noexcept;

}  // namespace sluice
