// One time scale for a catalogue and all that is read beside it or said about it.
#include <gtest/gtest.h>

#include "data/catalog/fixture.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CatalogTimeAxis : public CatalogBuild {
 protected:
  /// Two hours of a series with a known price, and a file with the price of the third hour.
  CatalogSpec with_future(const std::string& first, const std::string& second,
                          const std::string& third) {
    CatalogSpec s = spec("ds,y,p\n" + first + ",1,1\n" + second + ",2,2\n");
    s.future = {"p"};
    s.future_for_all = true;
    s.future_file = file("future.csv", "ds,p\n" + third + ",3\n");
    return s;
  }
  std::string config_error(const CatalogSpec& s) {
    try {
      read_catalog(s);
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "no error";
  }
};

TEST_F(CatalogTimeAxis, FutureTimesWithoutAnOffsetAreOnTheDatasClock) {
  const CatalogSpec s =
      with_future("2024-01-01T10:00:00+02:00", "2024-01-01T11:00:00+02:00", "2024-01-01T12:00:00");
  EXPECT_THAT(series_of(build(s), 1), ElementsAre(values({1, 2, 3})));
  EXPECT_EQ(notes_.future_coverage, "all 1 series, 2024-01-01 12:00:00 .. 2024-01-01 12:00:00");
  EXPECT_THAT(notes_.remarks,
              Contains(HasSubstr("future.csv: the times of 'ds' carry no offset from UTC; they "
                                 "were read by the data's clock, +02:00")));
}

TEST_F(CatalogTimeAxis, AZoneOfTheDataHoldsForTheFutureFileToo) {
  write_table(path("a.parquet"),  // 2024-03-30 23:00 and 2024-03-31 00:00 UTC
              {{.name = "ds", .times = {1711839600, 1711843200}, .time_zone = "Europe/Berlin"},
               {.name = "y", .numbers = {1, 2}},
               {.name = "p", .numbers = {1, 2}}});
  CatalogSpec s = spec_of(path("a.parquet"));
  s.future = {"p"};
  // The clocks skip the hour from 02:00 on.
  s.future_file = file("future.csv", "ds,p\n2024-03-31 03:00,3\n2024-03-31 04:00,4\n");
  EXPECT_THAT(series_of(build(s), 1), ElementsAre(values({1, 2, 3, 4})));
  s.future_file = file("skipped.csv", "ds,p\n2024-03-31 02:00,3\n");
  EXPECT_THAT(error(s), AllOf(HasSubstr("skipped.csv:2:ds: 2024-03-31 02:00:00 does not exist in "
                                        "Europe/Berlin"),
                              HasSubstr("write the offsets from UTC")));
}

TEST_F(CatalogTimeAxis, FutureTimesThatNoClockTellsAreRefused) {
  const CatalogSpec several =
      with_future("2024-03-31T01:00:00+01:00", "2024-03-31T03:00:00+02:00", "2024-03-31T04:00:00");
  EXPECT_THAT(error(several), HasSubstr("future.csv: the times of 'ds' carry no offset from UTC, "
                                        "those of the data several; write the offsets, or set "
                                        "data.time_zone to the zone of both"));
  CatalogSpec bare = with_future("2024-01-01 10:00", "2024-01-01 11:00", "2024-01-01T12:00:00Z");
  EXPECT_THAT(error(bare), HasSubstr("future.csv: the times of 'ds' carry an offset from UTC "
                                     "(+00:00), those of the data none; write both alike, or set "
                                     "data.time_zone"));
  bare.time_zone = "UTC";
  EXPECT_THAT(series_of(build(bare), 1), ElementsAre(values({1, 2, 3})));
}

TEST_F(CatalogTimeAxis, OffsetsOfDaysNeedNotBeTheSameInTheFutureFile) {
  const CatalogSpec s =
      with_future("2024-01-01T00:00:00+01:00", "2024-01-02T00:00:00+01:00", "2024-01-03");
  EXPECT_THAT(series_of(build(s), 1), ElementsAre(values({1, 2, 3})));
}

TEST_F(CatalogTimeAxis, UnixTimesAreOnTheClockOfUtc) {
  CatalogSpec s = with_future("1704103200", "1704106800", "2024-01-01 12:00");  // 10:00, 11:00
  EXPECT_THAT(series_of(build(s), 1), ElementsAre(values({1, 2, 3})));
  s = with_future("1704103200", "1704106800", "1704110400");
  s.time_format = "epoch_s";
  EXPECT_THAT(series_of(build(s), 1), ElementsAre(values({1, 2, 3})));
}

}  // namespace
}  // namespace sluice
