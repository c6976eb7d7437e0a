// The signature of this program's training on this machine's processor, as Stockfish's bench is
// one of its search.
#pragma once

#include <string>

namespace sluice {

/// JSON: what the build is, and for each instruction set of the fused recurrence that this
/// processor has, and for bf16 where it has that, the validation loss after 50 steps of a small
/// fixed training and the checksum of its weights. The bits follow compiler, C library and
/// instruction set, which are named, and with AVX-512 the processor's maker, too; threads do not
/// matter. Takes a second.
std::string signature_json();

}  // namespace sluice
