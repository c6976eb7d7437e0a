#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <string>

#include "sluice/base/error.hpp"
#include "sluice/run/report.hpp"

namespace sluice {
namespace {

namespace fs = std::filesystem;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

class FigureTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        fs::path(testing::TempDir()) /
        (std::string("sluice-") + testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  bool have_gnuplot() const { return std::system("command -v gnuplot >/dev/null") == 0; }

  fs::path folder_;
};

Figure example(const std::string& title) {
  Figure figure;
  figure.title = title;
  figure.band_name = "80 %";
  for (int t = 0; t < 100; ++t) {
    figure.dates.push_back("2023-01-" + std::to_string(t));
    figure.actual.push_back(t < 95 ? 1e6 + 1e5 * std::sin(t) : kNan);
    figure.forecast.push_back(t >= 80 ? 1e6 + 9e4 * std::sin(t) : kNan);
    figure.lower.push_back(figure.forecast.back() - 5e4);
    figure.upper.push_back(figure.forecast.back() + 5e4);
  }
  return figure;
}

/// Width, height of a PNG file, by its header; 0, 0 if it is none.
std::pair<int, int> png_size(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string head(24, '\0');
  file.read(head.data(), 24);
  if (!file || head.compare(1, 3, "PNG") != 0) return {0, 0};
  const auto number = [&](std::size_t at) {
    int value = 0;
    for (std::size_t i = 0; i < 4; ++i)
      value = value * 256 + static_cast<unsigned char>(head[at + i]);
    return value;
  };
  return {number(16), number(20)};
}

TEST_F(FigureTest, AreWrittenAsPngUnderSafeNames) {
  if (!have_gnuplot()) GTEST_SKIP() << "gnuplot is not installed";
  const auto paths = draw_figures(folder_ / "deep" / "er",
                                  {example("下单商品件数预测图"), example("b"), example("c")},
                                  {"predict_下单商品件数", "a/b\nc.png", "a_b_c"});
  ASSERT_EQ(paths.size(), 3u);
  EXPECT_EQ(paths[0].filename(), "predict_下单商品件数.png");
  EXPECT_EQ(paths[1].filename(), "a_b_c.png");
  EXPECT_EQ(paths[2].filename(), "a_b_c_2.png");
  for (const fs::path& path : paths) EXPECT_EQ(png_size(path), std::pair(1100, 520)) << path;
}

TEST_F(FigureTest, TitlesMayHoldAnyCharacter) {
  if (!have_gnuplot()) GTEST_SKIP() << "gnuplot is not installed";
  const fs::path made = folder_ / "made-by-a-title";
  fs::create_directories(folder_);
  const std::string touch = "touch " + made.string();
  const std::vector<std::string> titles = {
      "it's \"quoted\" _{sub} \\ @x `" + touch + "` $(" + touch + ")",
      "'; system('" + touch + "'); '", "two\nlines\n! " + touch, ""};
  for (const std::string& title : titles) {
    Figure figure = example(title);
    figure.band_name = title;
    figure.dates[0] = title;
    const auto paths = draw_figures(folder_, {figure}, {"x'y`z"});
    EXPECT_EQ(png_size(paths[0]).first, 1100) << title;
  }
  EXPECT_FALSE(fs::exists(made));
}

TEST_F(FigureTest, MayBeEmptyConstantOrWithoutBand) {
  if (!have_gnuplot()) GTEST_SKIP() << "gnuplot is not installed";
  Figure empty, constant, missing;
  empty.title = "empty";
  constant.dates = {"1", "2"};
  constant.actual = {0, 0};
  constant.forecast = {0, 0};
  missing.dates = {"1", "2"};
  missing.actual = {kNan, kNan};
  missing.forecast = {kNan, 3};
  missing.lower = {kNan, 2};
  missing.upper = {kNan, 4};
  Figure nearly = constant;
  nearly.actual = {1e18, std::nextafter(1e18, 2e18)};
  nearly.forecast = nearly.actual;
  const auto paths =
      draw_figures(folder_, {empty, constant, missing, nearly}, {"a", "b", "c", "d"});
  for (const fs::path& path : paths) EXPECT_EQ(png_size(path).first, 1100) << path;
}

TEST_F(FigureTest, WithoutGnuplotSayWhatToDo) {
  const std::string path = std::getenv("PATH");
  ASSERT_EQ(setenv("PATH", "/nowhere", 1), 0);
  std::string message = "no error";
  try {
    draw_figures(folder_, {example("a")}, {"a"});
  } catch (const DataError& error) {
    message = error.what();
  }
  setenv("PATH", path.c_str(), 1);
  EXPECT_EQ(message,
            "figures: gnuplot is not installed; install gnuplot (Debian: gnuplot-nox) or set "
            "mode.figures = false");
}

/// A variable of the environment while it lives.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    setenv(name, value.c_str(), 1);
  }
  ~Variable() {
    if (before_) {
      setenv(name_, before_->c_str(), 1);
    } else {
      unsetenv(name_);
    }
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

TEST_F(FigureTest, NeedNoTemporaryFolderAndNoTerminalOfTheUsers) {
  if (!have_gnuplot()) GTEST_SKIP() << "gnuplot is not installed";
  const Variable temporary("TMPDIR", "/nowhere"), terminal("GNUTERM", "x11");
  fs::create_directories(folder_);
  std::ofstream(folder_ / ".gnuplot") << "set output 'mine.png'\nset terminal dumb\n";
  const Variable home("HOME", folder_.string());
  const auto paths = draw_figures(folder_, {example("a"), example("b")}, {"a", "b"});
  for (const fs::path& path : paths) EXPECT_EQ(png_size(path), std::pair(1100, 520)) << path;
}

/// A program in gnuplot's place that draws what is in `drawn` with a status of 0.
std::string path_with_another_gnuplot(const fs::path& folder, const std::string& drawn) {
  fs::create_directories(folder / "bin");
  std::ofstream(folder / "bin" / "drawn", std::ios::binary) << drawn;
  const fs::path program = folder / "bin" / "gnuplot";
  std::ofstream(program) << "#!/bin/sh\nexec cat '" << (folder / "bin" / "drawn").string() << "'\n";
  fs::permissions(program, fs::perms::owner_all);
  return (folder / "bin").string() + ":" + std::getenv("PATH");
}

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_F(FigureTest, AreWrittenOnlyWhereEachIsDrawnToItsEnd) {
  // Signature and the chunk IEND: as short as a PNG can be for a reader of chunks.
  const std::string signature = "\x89PNG\r\n\x1a\n";
  const std::string whole = signature + std::string("\0\0\0\0IEND\xae\x42\x60\x82", 12);
  const std::string half = signature + std::string("\0\0\0\x0dIHDR\0\0", 10);
  {
    const Variable path("PATH", path_with_another_gnuplot(folder_, whole + whole));
    draw_figures(folder_ / "fig", {example("a"), example("b")}, {"a", "b"});
    EXPECT_EQ(bytes_of(folder_ / "fig" / "a.png"), whole);
    EXPECT_EQ(bytes_of(folder_ / "fig" / "b.png"), whole);
  }
  std::ofstream(folder_ / "fig" / "a.png", std::ios::binary) << "earlier";
  for (const std::string& drawn :
       {std::string(), whole, whole + half, whole + signature, whole + whole.substr(0, 19),
        whole + whole + half, half + whole}) {
    const Variable path("PATH", path_with_another_gnuplot(folder_, drawn));
    EXPECT_THROW(draw_figures(folder_ / "fig", {example("a"), example("b")}, {"a", "b"}), DataError)
        << drawn.size();
    EXPECT_EQ(bytes_of(folder_ / "fig" / "a.png"), "earlier") << drawn.size();
  }
}

TEST_F(FigureTest, NameAFolderThatCannotBeMade) {
  fs::create_directories(folder_);
  std::ofstream(folder_ / "file") << "x";
  try {
    draw_figures(folder_ / "file" / "below", {example("a")}, {"a"});
    FAIL();
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(),
                testing::HasSubstr("file/below: the folder for figures cannot be made"));
  }
}

TEST_F(FigureTest, OfUnequalLengthsAreRefused) {
  Figure figure = example("a");
  figure.forecast.pop_back();
  EXPECT_THROW(draw_figures(folder_, {figure}, {"a"}), InternalError);
}

}  // namespace
}  // namespace sluice
