// Libraries that are loaded when they are asked for, tried on the C library's mathematics.
#include "base/shared_library.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

constexpr const char* kRemedy = "install it";

SharedLibrary mathematics() { return {"mathematics", "libm.so.6", kRemedy}; }

TEST(SharedLibrary, CallsAFunctionOfALoadedLibrary) {
  const SharedLibrary library = mathematics();
  EXPECT_EQ(library.trouble(), "");
  EXPECT_EQ(library.function<double(double, double)>("fmax")(2.0, 3.0), 3.0);
  EXPECT_THAT(library.listing(), MatchesRegex("libm\\.so\\.6 => /.*libm[-.0-9]*\\.so(\\.6)?"));
}

TEST(SharedLibrary, OneThatIsNotThereIsNamedWithTheLoadersReasonAndTheRemedy) {
  const SharedLibrary library("cuNOWHERE", "libsluice_nowhere.so.9", kRemedy);
  EXPECT_THAT(library.trouble(), StartsWith("cuNOWHERE cannot be used: libsluice_nowhere.so.9: "
                                            "cannot open shared object file"));
  EXPECT_THAT(library.trouble(), HasSubstr("; install it"));
  EXPECT_THAT([&] { library.function<void()>("anything"); },
              ThrowsMessage<DeviceError>(library.trouble()));
  EXPECT_EQ(library.listing(), "libsluice_nowhere.so.9 => not found (" + library.trouble() + ")");
}

TEST(SharedLibrary, OneOfAnotherMajorVersionIsRefusedAndNotCalled) {
  SharedLibrary library = mathematics();
  library.expect_major(9, 9, "9.1.2");
  EXPECT_EQ(library.trouble(), "");
  library.expect_major(8, 9, "8.9.7");
  EXPECT_THAT(
      library.trouble(),
      MatchesRegex("mathematics cannot be used: /.* is version 8\\.9\\.7, and this build was "
                   "made with version 9; install it"));
  EXPECT_THAT([&] { library.function<double(double)>("cos"); },
              ThrowsMessage<DeviceError>(HasSubstr("is version 8.9.7")));
}

TEST(SharedLibrary, AFunctionThatItDoesNotHaveIsNamed) {
  const SharedLibrary library = mathematics();
  EXPECT_THAT([&] { library.function<void()>("cudnnNowhere"); },
              ThrowsMessage<DeviceError>(HasSubstr(" has no cudnnNowhere (")));
}

}  // namespace
}  // namespace sluice
