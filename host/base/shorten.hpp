// Messages that repeat what a user wrote, however long it is.
#pragma once

#include <string>
#include <string_view>

namespace sluice {

/// `text` for a person: a word of more than 1,000 bytes, and then a text of more than 6,000, is cut
/// in its middle, never inside a character, and says how many bytes are left out. What is no longer
/// stays as it is: paths and commands can be copied.
std::string shortened(std::string_view text);

}  // namespace sluice
