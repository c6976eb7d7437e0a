#include "base/shared_library.hpp"

#include <dlfcn.h>
#include <fmt/core.h>
#include <link.h>

#include <utility>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

/// What the loader said last; it forgets it by being asked.
std::string loader_words(const std::string& file) {
  const char* words = dlerror();
  return words == nullptr ? file + ": the loader gave no reason" : words;
}

}  // namespace

SharedLibrary::SharedLibrary(std::string name, std::string file, std::string remedy)
    : name_(std::move(name)), file_(std::move(file)), remedy_(std::move(remedy)) {
  handle_ = dlopen(file_.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle_ == nullptr) {
    refuse(loader_words(file_));
    return;
  }
  link_map* map = nullptr;
  place_ = dlinfo(handle_, RTLD_DI_LINKMAP, &map) == 0 ? map->l_name : file_;
}

void SharedLibrary::expect_major(int found, int wanted, const std::string& version) {
  if (found == wanted || handle_ == nullptr) return;
  refuse(fmt::format("{} is version {}, and this build was made with version {}", place_, version,
                     wanted));
}

void SharedLibrary::refuse(const std::string& why) {
  trouble_ = fmt::format("{} cannot be used: {}; {}", name_, why, remedy_);
}

std::string SharedLibrary::listing() const {
  return fmt::format("{} => {}", file_,
                     trouble_.empty() ? place_ : fmt::format("not found ({})", trouble_));
}

void* SharedLibrary::address(const char* symbol) const {
  if (!trouble_.empty()) throw DeviceError(trouble_);
  static_cast<void>(dlerror());
  void* found = dlsym(handle_, symbol);
  if (found == nullptr) {
    throw DeviceError(fmt::format("{} cannot be used: {} has no {} ({}); {}", name_, place_, symbol,
                                  loader_words(file_), remedy_));
  }
  return found;
}

}  // namespace sluice
