// What a process does about limits on its memory and its threads (ulimit -v, -d, -u; a
// container's).
#pragma once

namespace sluice {

/// For the beginning of main(), before any thread. Under a limit on address space, threads get
/// small stacks and share the allocator's arenas, which otherwise take 64 MB each, and a process
/// that has no room to begin with ends with a sentence: its libraries would crash. What would end
/// the process where an exception cannot go on (out of a thread, out of a parallel region) says why
/// and ends it with a status of ours instead of a core.
void ready_for_limits();

}  // namespace sluice
