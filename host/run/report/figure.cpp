// Pictures through gnuplot. All text a user may have chosen reaches gnuplot inside single quotes of
// a script, and no path does: what it draws comes back as bytes, and is written here.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "base/output_file.hpp"
#include "base/text.hpp"
#include "run/report/gnuplot.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/report.hpp"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr int kWidthPixels = 1100, kHeightPixels = 520;
constexpr int kTitleColumns = 100;

/// A gnuplot string in which nothing is special: control characters become spaces, and a quote the
/// letter that looks like it and ends no string.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "ʼ";
    } else {
      out += static_cast<unsigned char>(c) < 32 || c == 127 ? ' ' : c;
    }
  }
  return out + "'";
}

/// UTF-8 is kept; what a file system or a shell stumbles over becomes '_'.
std::string safe_file_name(std::string_view name) {
  constexpr std::size_t kMostBytes = 200;
  if (name.ends_with(".png")) name.remove_suffix(4);
  std::string out;
  for (std::size_t at = 0; at < name.size();) {
    const std::size_t length = utf8_length(name, at);
    if (out.size() + length > kMostBytes) break;
    const auto c = static_cast<unsigned char>(name[at]);
    if (length > 1) {
      out += name.substr(at, length);
    } else {
      out += c < 32 || c >= 127 || c == '/' || c == '\\' ? '_' : static_cast<char>(c);
    }
    at += length;
  }
  return out.empty() ? "figure" : out;
}

void check_shape(const Figure& figure) {
  const std::size_t n = figure.dates.size();
  const auto fits = [n](const std::vector<double>& v) { return v.size() == n; };
  const bool band = figure.lower.empty() == figure.upper.empty() &&
                    (figure.lower.empty() || (fits(figure.lower) && fits(figure.upper)));
  if (!fits(figure.actual) || !fits(figure.forecast) || !band)
    throw InternalError(fmt::format(
        "figure '{}': {} dates, {} real values, {} forecasts, {} and {} ends of the band",
        figure.title, n, figure.actual.size(), figure.forecast.size(), figure.lower.size(),
        figure.upper.size()));
}

std::string data_text(const std::vector<double>& values) {
  std::string out;
  for (std::size_t t = 0; t < values.size(); ++t) {
    if (std::isfinite(values[t])) {
      fmt::format_to(std::back_inserter(out), "{} {}\n", t, values[t]);
    } else {
      out += "\n";  // a gap in the line
    }
  }
  return out.empty() || out.find(' ') == std::string::npos ? "0 NaN\n" : out;
}

/// Runs of steps that have both ends, parted by empty lines. A step alone gets a width.
std::string band_text(const Figure& figure) {
  std::string out;
  const auto has = [&](std::size_t t) {
    return t < figure.lower.size() && std::isfinite(figure.lower[t]) &&
           std::isfinite(figure.upper[t]);
  };
  const auto add = [&](double x, std::size_t t) {
    fmt::format_to(std::back_inserter(out), "{} {} {}\n", x, figure.lower[t], figure.upper[t]);
  };
  for (std::size_t t = 0; t < figure.lower.size(); ++t) {
    if (!has(t)) continue;
    const auto x = static_cast<double>(t);
    const bool begins = t == 0 || !has(t - 1), ends = !has(t + 1);
    if (begins && ends) {
      add(x - 0.3, t);
      add(x + 0.3, t);
    } else {
      add(x, t);
    }
    if (ends) out += "\n";
  }
  return out;
}

/// Both axes' ticks and the margins that their labels need.
struct Axes {
  std::string x_ticks, y_ticks;  // of `set xtics (...)`
  double y_low = 0, y_high = 1;
  double left = 0, right = 1;  // margins, as shares of the picture's width
};

constexpr double kPixelsPerColumn = 7.6;

std::string tick_list(const std::vector<std::pair<std::string, double>>& ticks) {
  std::string out;
  for (const auto& [label, at] : ticks)
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", quoted(label), at);
  return out;
}

/// The range of all values with some air, and about eight round numbers in it: 0, 50k, 100k.
int set_y_axis(const Figure& figure, Axes& axes) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const auto* values : {&figure.actual, &figure.forecast, &figure.lower, &figure.upper}) {
    for (const double v : *values) {
      if (!std::isfinite(v)) continue;
      low = std::min(low, v);
      high = std::max(high, v);
    }
  }
  if (low > high) low = 0, high = 1;  // no value at all
  // Values that differ by less than a picture or a double can show are drawn as a constant.
  const double magnitude = std::max(std::abs(low), std::abs(high));
  const bool constant = !(high - low > 1e-9 * magnitude);
  const double air = constant ? std::max(1.0, 0.1 * magnitude) : 0.05 * (high - low);
  // Below zero only if the values are.
  axes.y_low = low >= 0 ? std::max(0.0, low - air) : low - air;
  axes.y_high = high + air;
  const double rough = (axes.y_high - axes.y_low) / 8;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  const double lead = rough / power;
  const double step = power * (lead <= 1     ? 1
                               : lead <= 2   ? 2
                               : lead <= 2.5 ? 2.5
                               : lead <= 5   ? 5
                                             : 10);
  const double largest = std::max(std::abs(axes.y_low), std::abs(axes.y_high));
  const bool million = largest >= 1e6, thousand = largest >= 1e4;
  const double unit = million ? 1e6 : thousand ? 1e3 : 1;
  const char* suffix = million ? "M" : thousand ? "k" : "";
  std::vector<std::pair<std::string, double>> ticks;
  int widest = 1;
  for (double i = std::ceil(axes.y_low / step); i * step <= axes.y_high; ++i) {
    const double value = i * step;
    ticks.emplace_back(fmt::format("{:g}{}", value / unit, value == 0 ? "" : suffix), value);
    widest = std::max(widest, display_width(ticks.back().first));
  }
  axes.y_ticks = tick_list(ticks);
  return widest;
}

/// As many dates as fit side by side.
int set_x_axis(const std::vector<std::string>& dates, Axes& axes) {
  constexpr double kPlotPixels = kWidthPixels - 160, kGapPixels = 22;
  constexpr int kMostColumns = 24;
  int widest = 1;
  for (const std::string& date : dates)
    widest = std::max(widest, std::min(kMostColumns, display_width(date)));
  const auto most = static_cast<std::size_t>(
      std::max(2.0, std::floor(kPlotPixels / (widest * kPixelsPerColumn + kGapPixels))));
  const std::size_t step = std::max<std::size_t>(1, (dates.size() + most - 1) / most);
  std::vector<std::pair<std::string, double>> ticks;
  for (std::size_t t = 0; t < dates.size(); t += step)
    ticks.emplace_back(cut_to_width(dates[t], kMostColumns), static_cast<double>(t));
  axes.x_ticks = tick_list(ticks);
  return widest;
}

Axes axes_of(const Figure& figure) {
  Axes axes;
  const int y_columns = set_y_axis(figure, axes);
  const int x_columns = set_x_axis(figure.dates, axes);
  const double half_date = x_columns * kPixelsPerColumn / 2 + 8;
  axes.left = std::max(y_columns * kPixelsPerColumn + 28, half_date) / kWidthPixels;
  axes.right = 1 - half_date / kWidthPixels;
  return axes;
}

/// Lines alone would hide a value without neighbours, and a short series reads better with points.
const char* line_style(const std::vector<double>& values) {
  constexpr std::size_t kFew = 90;
  const auto has = [&](std::size_t t) { return t < values.size() && std::isfinite(values[t]); };
  bool alone = false;
  for (std::size_t t = 0; t < values.size(); ++t)
    alone = alone || (has(t) && !has(t + 1) && (t == 0 || !has(t - 1)));
  return alone || values.size() <= kFew ? "linespoints pt 7 ps 0.5" : "lines";
}

std::string script_of(const Figure& figure) {
  const char* real = figure.chinese ? "真实值" : "actual";
  const char* predicted = figure.chinese ? "预测值" : "forecast";
  const Axes axes = axes_of(figure);
  const std::string band = band_text(figure);
  std::string out = fmt::format(
      "$actual << EOD\n{}EOD\n"
      "$forecast << EOD\n{}EOD\n"
      "$band << EOD\n{}EOD\n"
      "set title {} noenhanced\n"
      "set xtics ({}) noenhanced\n"
      "set ytics ({}) noenhanced\n"
      "set xrange [-0.5:{}]\n"
      "set yrange [{}:{}]\n"
      "set lmargin at screen {}\n"
      "set rmargin at screen {}\n"
      "plot ",
      data_text(figure.actual), data_text(figure.forecast), band,
      quoted(cut_to_width(figure.title, kTitleColumns)), axes.x_ticks, axes.y_ticks,
      static_cast<double>(std::max<std::size_t>(figure.dates.size(), 1)) - 0.5, axes.y_low,
      axes.y_high, axes.left, axes.right);
  if (!band.empty()) {
    out += fmt::format("$band using 1:2:3 with filledcurves lc rgb '#c3d5f2' title {} noenhanced, ",
                       quoted(figure.band_name));
  }
  out += fmt::format(
      "$actual using 1:2 with {} lw 1.6 lc rgb '#d62728' title '{}' noenhanced, "
      "$forecast using 1:2 with {} lw 1.6 lc rgb '#1f4fd6' title '{}' noenhanced\n",
      line_style(figure.actual), real, line_style(figure.forecast), predicted);
  return out;
}

constexpr const char* kPreamble =
    "if (strstrt(GPVAL_TERMINALS, 'pngcairo') > 0) {\n"
    "  set terminal pngcairo size %W,%H font 'Noto Sans CJK SC,11' background '#ffffff'\n"
    "} else {\n"
    "  set terminal png truecolor size %W,%H font 'Noto Sans CJK SC,11'\n"
    "}\n"
    "set encoding utf8\n"
    "set title font 'Noto Sans CJK SC,14' offset 0,1.2\n"
    "set tmargin 5\n"
    "set key at graph 0, graph 1.02 left bottom horizontal reverse Left samplen 2.5\n"
    "set border 3 lc rgb '#666666'\n"
    "set tics nomirror out textcolor rgb '#333333'\n"
    "set grid y lc rgb '#e4e4e4' lt 1\n";

std::string preamble() {
  std::string out = kPreamble;
  const auto replace = [&out](std::string_view what, int with) {
    for (std::size_t at; (at = out.find(what)) != std::string::npos;)
      out.replace(at, what.size(), std::to_string(with));
  };
  replace("%W", kWidthPixels);
  replace("%H", kHeightPixels);
  return out;
}

}  // namespace

std::vector<fs::path> draw_figures(const fs::path& directory, const std::vector<Figure>& figures,
                                   const std::vector<std::string>& file_names) {
  if (figures.size() != file_names.size())
    throw InternalError(
        fmt::format("figures: {} figures, {} file names", figures.size(), file_names.size()));
  std::vector<fs::path> paths;
  if (figures.empty()) return paths;
  std::error_code failure;
  fs::create_directories(directory, failure);
  if (failure)
    throw DataError(fmt::format("{}: the folder for figures cannot be made: {}; choose another",
                                directory.string(), failure.message()));

  std::string script = preamble();
  for (const Figure& figure : figures) {
    check_shape(figure);
    script += script_of(figure);
  }
  const std::vector<std::string> pictures = drawn_by_gnuplot(script, figures.size());

  std::set<std::string> taken;
  for (std::size_t i = 0; i < figures.size(); ++i) {
    const std::string name = safe_file_name(file_names[i]);
    std::string distinct = name;
    for (int n = 2; !taken.insert(distinct).second; ++n) distinct = fmt::format("{}_{}", name, n);
    paths.push_back(directory / (distinct + ".png"));
    OutputFile file(paths.back(), "path.figures");
    file.write(pictures[i]);
    file.commit();
  }
  return paths;
}

}  // namespace sluice
