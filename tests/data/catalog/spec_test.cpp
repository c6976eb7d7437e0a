// Settings that name nothing are refused also where the data would not need them.
#include <gtest/gtest.h>

#include "data/catalog/fixture.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

class CatalogSpecTest : public WithFiles {
 protected:
  /// Of a daily file in UTF-8 with a row for each time: no zone, start or encoding is needed.
  std::string error_of(void (*change)(CatalogSpec&)) {
    CatalogSpec spec = spec_of(file("a.csv", "ds,y\n2024-01-01,1\n2024-01-02,2\n2024-01-03,3\n"));
    change(spec);
    try {
      read_catalog(spec);
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  }
};

TEST_F(CatalogSpecTest, ATimeZoneThatThereIsNotIsRefused) {
  EXPECT_THAT(error_of([](CatalogSpec& spec) { spec.time_zone = "abc"; }),
              testing::StartsWith("data.time_zone: the time zone 'abc' cannot be used"));
  EXPECT_EQ(error_of([](CatalogSpec& spec) { spec.time_zone = "Europe/Berlin"; }), "no error");
}

TEST_F(CatalogSpecTest, AStartThatIsNoTimeIsRefused) {
  EXPECT_THAT(error_of([](CatalogSpec& spec) { spec.start = "abc"; }),
              testing::HasSubstr("data.start"));
  for (const auto change : {+[](CatalogSpec& spec) { spec.start = "2024-01-31"; },
                            +[](CatalogSpec& spec) { spec.start = "-7"; }}) {
    EXPECT_EQ(error_of(change), "no error");
  }
}

TEST_F(CatalogSpecTest, AnEncodingThatThereIsNotIsRefused) {
  EXPECT_THAT(error_of([](CatalogSpec& spec) { spec.read.encoding = "abc"; }),
              testing::StartsWith("data.encoding: iconv knows no encoding 'abc'"));
  EXPECT_THAT(error_of([](CatalogSpec& spec) { spec.read.encoding = "[]"; }),
              testing::StartsWith("data.encoding: iconv knows no encoding '[]'"));
  EXPECT_THAT(error_of([](CatalogSpec& spec) { spec.read.encoding = ""; }),
              testing::StartsWith("data.encoding: iconv knows no encoding ''"));
  EXPECT_EQ(error_of([](CatalogSpec& spec) { spec.read.encoding = "cp1252"; }), "no error");
}

TEST_F(CatalogSpecTest, AFrequencyOfDataAggregateIsRefusedByThatName) {
  const std::string message = error_of([](CatalogSpec& spec) { spec.aggregate = "abc"; });
  EXPECT_THAT(message,
              testing::StartsWith("data.aggregate: unknown frequency 'abc'; use min, h, D"));
  EXPECT_THAT(error_of([](CatalogSpec& spec) { spec.aggregate = "BH"; }),
              testing::StartsWith("data.aggregate: 'BH' needs a calendar of holidays"));
}

}  // namespace
}  // namespace sluice
