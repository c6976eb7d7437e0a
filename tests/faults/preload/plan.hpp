// What a test asks of the preloaded library, from the environment:
//   FAULTS_FOLDER=DIR          calls on files below it are counted, and no others
//   FAULTS_CALL=N:WHAT         meets the N-th of them, from 1 on: an errno by name (ENOSPC), short (half of the bytes), end
//                              (a read finds no more), KILL and KILL_AFTER (SIGKILL before or after the call), TORN (half of
//                              the bytes and SIGKILL), or a signal by name (SIGTERM), which is sent before the call
//   FAULTS_CALL=N:WHAT:ever    and all later ones of the same name: a disk that stays full
//   FAULTS_ONLY=NAME ENDING    counts the calls of the name alone, on paths that end so
//   FAULTS_MEMORY=N            the N-th allocation after main has begun has no memory; N:ever: and all later ones
//   FAULTS_MOMENT=US           SIGKILL so many microseconds after main has begun
//   FAULTS_RANK=R              all this for the process of an MPI job (Open MPI's) that has this rank, and nothing for the others
//   FAULTS_TRACE=FILE          gets a line of each counted call, in order: its name, the allocations made before it, its path; and at the end
//                              "end", all allocations and the microseconds since main began
// The variables are taken out of the environment, so that no program that is started meets the faults.
#pragma once

#include <cstddef>
#include <cstdint>

namespace faults {

/// What a call meets.
struct Fate {
  int error = 0;          ///< to fail with; 0: none
  bool half = false;      ///< to move half of the bytes
  bool end = false;       ///< to read nothing
  bool kill_after = false;
};

/// Counts a call by its name on `path`, which is absolute or relative to the working directory, and
/// says what becomes of it. Not below the folder: nothing. May not come back.
Fate meet(const char* name, const char* path);
/// The same for what has a descriptor: one that `remember` was told of.
Fate meet(const char* name, int descriptor);
/// Ends the process if that was asked for.
void after(Fate fate);

/// Which descriptors are files below the folder.
void remember(int descriptor, const char* path);
void forget(int descriptor);

/// Whether this allocation has no memory. Neither allocates nor changes errno.
bool allocation_fails();
/// From here on allocations are counted.
void main_begins();

}  // namespace faults
