// The settings of [data]; included by keys.hpp only.
#pragma once

#include <type_traits>

#include "run/config/key.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

template <typename AnyConfig, typename Visitor>
requires std::is_same_v<std::remove_const_t<AnyConfig>, Config>
void visit_data_keys(AnyConfig& config, Visitor& visit) {
  auto& d = config.data;
  visit(Key{.name = "data.format",
            .meaning = "Format of the files; auto: by extension (.gz and .zst stripped).",
            .choices = {"auto", "csv", "parquet", "arrow", "tsf"}},
        d.format);
  visit(Key{.name = "data.delimiter",
            .meaning = "Character between the fields of a CSV file; tab for the tabulator; auto: "
                       "by its first lines.",
            .form = Form::one_character},
        d.delimiter);
  visit(Key{.name = "data.encoding",
            .meaning = "Encoding of CSV files, by iconv's names (gb18030, cp1252); auto: UTF-8, or "
                       "UTF-16 by its mark."},
        d.encoding);
  visit(Key{.name = "data.decimal",
            .meaning = "Decimal sign of CSV files; auto: a comma where the cells leave no doubt.",
            .choices = {"auto", ".", ","}},
        d.decimal);
  visit(Key{.name = "data.missing", .meaning = "Words that mean 'no value', beside an empty cell."},
        d.missing);
  visit(Key{.name = "data.layout",
            .meaning = "long: a row for each series and time; single: one series, a row for each "
                       "time; columns: a series in each target column; rows: a series in each row; "
                       "auto: by the columns that are there.",
            .choices = {"auto", "long", "single", "columns", "rows"}},
        d.layout);
  visit(Key{.name = "data.id",
            .meaning = "Columns that name the series, joined by '/'; empty: looked for by usual "
                       "names (unique_id, item_id, series, id; Store, sku).",
            .form = Form::column},
        d.id);
  visit(Key{.name = "data.time",
            .meaning = "Column of the time, or those that together are the time (dteday,hr; Year,"
                       "Month); empty: looked for by usual names (ds, timestamp, date, time; week, "
                       "fecha), else the only one that holds dates.",
            .form = Form::column},
        d.time);
  visit(Key{.name = "data.targets",
            .meaning =
                "Columns to forecast (the article's label_columns); empty: looked for by usual "
                "names (y, target, value, sales; units, demand).",
            .form = Form::column},
        d.targets);
  visit(Key{.name = "data.past",
            .meaning = "Input columns known up to the forecast origin (the article's "
                       "feature_columns beside the labels).",
            .form = Form::column},
        d.past);
  visit(Key{.name = "data.future",
            .meaning = "Input columns known for the horizon too: prices, promotions, holidays.",
            .form = Form::column},
        d.future);
  visit(Key{.name = "data.static_reals",
            .meaning = "Columns with one number a series.",
            .form = Form::column},
        d.static_reals);
  visit(Key{.name = "data.static_categories",
            .meaning = "Columns with one category a series; the id column may be one of them.",
            .form = Form::column},
        d.static_categories);
  visit(Key{.name = "data.groups",
            .meaning = "Sums to forecast beside the series: names of static categories, joined "
                       "with / (state/store), and total; their forecasts add up "
                       "(forecast.reconcile)."},
        d.groups);
  visit(Key{.name = "data.past_categories",
            .meaning = "Input columns of words, known up to the forecast origin (weather).",
            .form = Form::column},
        d.past_categories);
  visit(Key{.name = "data.future_categories",
            .meaning = "Input columns of words, known for the horizon too (kinds of holidays).",
            .form = Form::column},
        d.future_categories);
  visit(Key{.name = "data.left_out",
            .meaning = "Columns of data.future and data.future_categories that the model is made "
                       "without; [] for none.",
            .automatic = "by training.choice: those without which validation is better; else none",
            .form = Form::column},
        d.left_out);
  visit(Key{.name = "data.future_for_all",
            .meaning = "Whether rows of path.future hold for every series.",
            .automatic = "true without id columns, with one row a time and no other text"},
        d.future_for_all);
  visit(
      Key{.name = "data.frequency",
          .meaning = "Distance of the steps, by pandas' names (15min, h, D, B, W-SUN, MS, QE, YS) "
                     "or an integer; auto: from the times."},
      d.frequency);
  visit(Key{.name = "data.time_format",
            .meaning = "How times are written: strptime's words (%d.%m.%Y), epoch_s, epoch_ms, "
                       "epoch_us, epoch_ns, excel, iso_week; auto: as they show beyond doubt."},
        d.time_format);
  visit(Key{.name = "data.time_zone",
            .meaning = "Zone of the times for steps under a day (Europe/Berlin); empty: UTC where "
                       "they carry an offset, else as written."},
        d.time_zone);
  visit(Key{.name = "data.align",
            .meaning = "exact: every time lies on the frequency's grid; period: a time means the "
                       "period that holds it.",
            .choices = {"exact", "period"}},
        d.align);
  visit(Key{.name = "data.aggregate",
            .meaning = "Frequency to which rows (sales at the till) are added up; empty: a row is "
                       "a step."},
        d.aggregate);
  visit(Key{.name = "data.aggregate_by",
            .meaning = "How columns are added up, COLUMN=sum, mean, min, max, first, last or "
                       "count; by default targets sum, the others mean."},
        d.aggregate_by);
  visit(
      Key{.name = "data.start",
          .meaning = "Layout rows: time of the first value column where the file has none; empty: "
                     "integer times from 0."},
      d.start);
  visit(Key{.name = "data.first_value",
            .meaning = "Layout rows: the first value column; empty: the first one whose followers "
                       "are all numbers.",
            .form = Form::column},
        d.first_value);
  visit(Key{.name = "data.gaps",
            .meaning = "What a step without a row is.",
            .choices = {"missing", "zero", "forward_fill", "error"}},
        d.gaps);
  visit(Key{.name = "data.covariate_gaps",
            .meaning = "What past and future columns are in a step without a row: one of "
                       "forward_fill, zero, missing, error, or NAME=WORD for some; auto: missing, "
                       "an error where that would tell the target."},
        d.covariate_gaps);
  visit(
      Key{.name = "data.end",
          .meaning = "Where histories end: common (the last time of all data), series (each at "
                     "its last row), or a date (its whole day); auto: common where gaps are zero."},
      d.end);
  visit(Key{.name = "data.ended_after",
            .meaning = "Steps without a row before the end after which a series has ended, and is "
                       "not forecast; 0: never.",
            .automatic = "one year of steps",
            .range = {.min = 0, .max = 1e9}},
        d.ended_after);
  visit(Key{.name = "data.max_steps",
            .meaning = "Most values (steps times channels) that a catalogue may have; 0: by the "
                       "number of rows.",
            .range = {.min = 0, .max = 1e15}},
        d.max_steps);
  visit(Key{.name = "data.max_bytes",
            .meaning = "Most bytes that a data file may hold uncompressed, and that its cells may "
                       "take; 0: three quarters of the memory that the process may take.",
            .range = {.min = 0, .max = 1e15}},
        d.max_bytes);
  visit(Key{.name = "data.duplicates",
            .meaning = "What several rows of one series and time become.",
            .choices = {"error", "first", "last", "sum", "mean"}},
        d.duplicates);
  visit(Key{.name = "data.valid",
            .meaning = "Part of each series, before the test part, on which choices are made: a "
                       "share of its history below 1, or steps (from the article's "
                       "valid_data_rate).",
            .automatic = "a tenth, and at least the horizon in each series that keeps as much to "
                         "train on",
            .range = {.min = 0, .max = 1e9},
            .form = Form::share_or_steps},
        d.valid);
  visit(Key{.name = "data.test",
            .meaning = "Part at each series' end that is never trained on: a share below 1, or "
                       "steps (1 - the article's train_data_rate).",
            .automatic = "a tenth, and at least what evaluate scores, where the histories hold "
                         "twice that",
            .range = {.min = 0, .max = 1e9},
            .form = Form::share_or_steps},
        d.test);
  visit(Key{.name = "data.min_history",
            .meaning = "Series with fewer training steps are not trained on.",
            .range = {.min = 1, .max = 1e9}},
        d.min_history);
}

}  // namespace sluice
