#include "run/config/carried.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "run/temporary_file.hpp"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(CarriedSettings, AreHowDataAreReadAndNotWhereResultsGo) {
  Config trained;
  trained.data.id = {"shop"};
  trained.path.data = {"a.csv"};
  trained.path.future = {"known.csv"};
  trained.path.forecast = "/etc/passwd";
  trained.path.log = "elsewhere.jsonl";
  trained.forecast.levels = {50, 90};
  trained.forecast.from = "2024-01-01";
  trained.evaluate.n_windows = 4;
  trained.evaluate.refit = 1;
  trained.evaluate.show = {"A"};
  trained.engine.device = "cuda:3";
  trained.mode.resume = true;
  const Config carried = carried_settings(trained, {});
  EXPECT_TRUE(carried.data == trained.data);
  EXPECT_EQ(carried.path.data, trained.path.data);
  EXPECT_THAT(carried.path.future, ElementsAre("known.csv"));
  EXPECT_EQ(carried.path.forecast, Config{}.path.forecast);
  EXPECT_EQ(carried.path.log, Config{}.path.log);
  EXPECT_EQ(carried.forecast.levels, trained.forecast.levels);
  EXPECT_EQ(carried.forecast.from, "");
  EXPECT_EQ(carried.evaluate.n_windows, 4);
  EXPECT_EQ(carried.evaluate.refit, 0);
  EXPECT_TRUE(carried.evaluate.show.empty());
  EXPECT_TRUE(carried.engine == Config{}.engine);
  EXPECT_FALSE(carried.mode.resume);
}

Config with_data(std::vector<std::string> files) {
  Config written;
  written.path.data = std::move(files);
  return written;
}

TEST(CarriedSettings, HowOneFileIsWrittenIsFoundAnewForAnother) {
  Config trained = with_data({"a.csv"});
  trained.data.format = "csv";
  trained.data.delimiter = ";";
  trained.data.encoding = "cp1252";
  trained.data.decimal = ",";
  trained.data.time_format = "%d.%m.%Y";
  // The same file, by another name, is no other one.
  EXPECT_EQ(carried_settings(trained, with_data({"./a.csv"})).data, trained.data);
  EXPECT_THAT(carried_remarks(trained, with_data({"./a.csv"}), trained, "m"), IsEmpty());

  const Config written = with_data({"b.csv"});
  const Config carried = carried_settings(trained, written);
  Config::Data expected = trained.data;
  expected.format = expected.delimiter = expected.encoding = expected.decimal = "auto";
  EXPECT_EQ(carried.data, expected);
  EXPECT_THAT(carried_remarks(trained, written, carried, "m"),
              ElementsAre("m was trained with --data.delimiter ';' --data.encoding cp1252 "
                          "--data.decimal ,; how b.csv is written is found out anew: give what is "
                          "still so"));
  Config given = carried;  // by a flag
  given.data.delimiter = given.data.decimal = ",";
  given.data.encoding = "cp1252";
  EXPECT_THAT(carried_remarks(trained, written, given, "m"), IsEmpty());
}

TEST(CarriedSettings, AnEncodingHoldsForFilesThatCannotBeUtf8) {
  Config trained = with_data({"a.csv"});
  trained.data.encoding = "cp1252";
  const auto encoding_for = [&](const std::string& bytes) {
    const auto file = temporary("other.csv");
    write_bytes(file, bytes);
    return carried_settings(trained, with_data({file.string()})).data.encoding;
  };
  EXPECT_EQ(encoding_for("id,y\nM\xFCnchen,1\n"), "cp1252");
  EXPECT_EQ(encoding_for("id,y\nM\xC3\xBCnchen,1\n"), "auto");
  EXPECT_EQ(encoding_for("\xFF\xFEi"), "auto");  // UTF-16 by its mark
  // A character that lies across the end of what is looked at is none that is wrong.
  EXPECT_EQ(encoding_for(std::string((1 << 20) - 1, 'a') + "\xC3\xBC"), "auto");
  EXPECT_EQ(encoding_for(std::string(1 << 19, 'a') + "\xFC" + std::string(1 << 19, 'a')), "cp1252");
}

TEST(CarriedSettings, OtherDataEndWhereTheyEnd) {
  Config trained = with_data({"a.csv"});
  trained.data.end = "2024-06-30";
  EXPECT_EQ(carried_settings(trained, {}).data.end, "2024-06-30");
  const Config carried = carried_settings(trained, with_data({"b.csv"}));
  EXPECT_EQ(carried.data.end, "auto");
  EXPECT_THAT(carried_remarks(trained, with_data({"b.csv"}), carried, "m"),
              ElementsAre(HasSubstr("up to data.end = 2024-06-30")));
  trained.data.end = "common";
  EXPECT_EQ(carried_settings(trained, with_data({"b.csv"})).data.end, "common");
}

TEST(CarriedSettings, AStartIsSaidBecauseOtherColumnsMayBeginAtAnother) {
  Config trained = with_data({"a.csv"});
  trained.data.start = "2011-01-29";
  Config written = with_data({"b.csv"});
  const Config carried = carried_settings(trained, written);
  EXPECT_EQ(carried.data.start, "2011-01-29");
  EXPECT_THAT(carried_remarks(trained, written, carried, "m"),
              ElementsAre("b.csv: the first value column is taken for 2011-01-29, as that of the "
                          "data that m was trained on; give --data.start where it is another "
                          "time"));
  written.data.start = "2011-01-29";
  EXPECT_THAT(carried_remarks(trained, written, carried, "m"), IsEmpty());
}

TEST(CarriedSettings, FilesBesideTheDataAreUsedBesideOthersAndThatIsSaid) {
  Config trained = with_data({"a.csv"});
  trained.path.future = {"known.csv"};
  trained.path.statics = {"shops.csv"};
  Config written = with_data({"b.csv"});
  const Config carried = carried_settings(trained, written);
  EXPECT_THAT(carried.path.future, ElementsAre("known.csv"));
  EXPECT_THAT(carried.path.statics, ElementsAre("shops.csv"));
  EXPECT_THAT(carried_remarks(trained, written, carried, "m"),
              ElementsAre("path.future = known.csv stood beside the data that m was trained on, "
                          "and is used beside b.csv too; give --path.future for another",
                          HasSubstr("path.statics = shops.csv stood beside")));
  Config given = carried;
  written.path.statics = given.path.statics = {"new.csv"};
  given.path.future = {};  // --path.future '': there is none
  EXPECT_THAT(carried_remarks(trained, written, given, "m"), IsEmpty());
}

TEST(CarriedSettings, AFutureFileThatIsTheDataIsTheOtherDataToo) {
  Config trained = with_data({"a.csv", "c.csv"});
  trained.path.future = {"./a.csv"};
  EXPECT_THAT(carried_settings(trained, with_data({"b.csv"})).path.future, ElementsAre("b.csv"));
  const Config written = with_data({"b.csv", "d.csv"});
  const Config carried = carried_settings(trained, written);
  EXPECT_THAT(carried.path.future, IsEmpty());
  EXPECT_THAT(carried_remarks(trained, written, carried, "m"),
              ElementsAre(HasSubstr("none of b.csv, d.csv is known to be it")));
  // Of several files only that one is lost.
  trained.path.future = {"known.csv", "a.csv"};
  const Config of_two = carried_settings(trained, written);
  EXPECT_THAT(of_two.path.future, ElementsAre("known.csv"));
  EXPECT_THAT(carried_remarks(trained, written, of_two, "m"),
              ElementsAre(HasSubstr("path.future = a.csv was among the data")));
  EXPECT_THAT(carried_settings(trained, with_data({"b.csv"})).path.future,
              ElementsAre("known.csv", "b.csv"));
}

}  // namespace
}  // namespace sluice
