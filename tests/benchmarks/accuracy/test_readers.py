"""Readers on files of a few lines, and the table of sets."""

import math

import pandas as pd
import pyarrow as pa
import pytest
import readers
import simulated
from conftest import ROOT
from metrics import METRICS
from problem import Source
from sets import ALL


def put(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with pa.output_stream(str(path), compression="detect") as stream:
        stream.write(text.encode())
    return path


def rows(frame):
    return [tuple(None if isinstance(v, float) and math.isnan(v) else v for v in row)
            for row in frame.assign(ds=frame["ds"].dt.strftime("%Y-%m-%d %H:%M")).itertuples(index=False)]


def test_tsf_has_its_own_starts_and_missing_values(tmp_path):
    path = put(tmp_path, "a.tsf.zst", "# a\n@attribute series_name string\n@attribute start_timestamp date\n"
               "@frequency monthly\n@data\nT1:2020-11-01 00-00-00:1,?,3\nT2:2019-01-01 00-00-00:4.5\n")
    assert rows(readers.tsf(path)) == [("T1", "2020-11-01 00:00", 1), ("T1", "2020-12-01 00:00", None),
                                       ("T1", "2021-01-01 00:00", 3), ("T2", "2019-01-01 00:00", 4.5)]


def test_tsf_of_an_unknown_frequency_names_those_that_are_known(tmp_path):
    path = put(tmp_path, "a.tsf", "@attribute series_name string\n@frequency lunar\n@data\nT1:1\n")
    with pytest.raises(ValueError, match="frequency 'lunar' is none of hourly, daily"):
        readers.tsf(path)


def test_wide_tables_are_a_series_a_column(tmp_path):
    path = put(tmp_path, "a.csv.zst", "\ufeffdate,A,B\n2022/1/1,1,10\n2022/1/2,2,20\n2022/1/3,3,30\n")
    assert rows(readers.wide(path, "D", rows=2)) == [
        ("A", "2022-01-01 00:00", 1), ("A", "2022-01-02 00:00", 2), ("B", "2022-01-01 00:00", 10), ("B", "2022-01-02 00:00", 20)]


def test_m5_begins_with_each_items_first_sale(tmp_path):
    put(tmp_path, "m5/sales_train_evaluation.CA_1_FOODS.csv.zst", "id,item_id,dept_id,d_1,d_2,d_3\nx,I1,F1,0,4,0\ny,I2,F2,1,0,2\n")
    assert rows(readers.m5_foods(tmp_path)) == [
        ("I1", "2011-01-30 00:00", 4, "F1"), ("I1", "2011-01-31 00:00", 0, "F1"),
        ("I2", "2011-01-29 00:00", 1, "F2"), ("I2", "2011-01-30 00:00", 0, "F2"), ("I2", "2011-01-31 00:00", 2, "F2")]


def test_rossmann_has_days_without_a_row_closed_and_without_a_value(tmp_path):
    put(tmp_path, "rossmann/train_all_days_stores_1_100.csv.zst",
        "Store,DayOfWeek,Date,Sales,Customers,Open,Promo,StateHoliday,SchoolHoliday\n"
        "1,1,2015-01-01,0,0,0,0,a,1\n1,3,2015-01-03,50,5,1,1,0,0\n")
    put(tmp_path, "rossmann/store.csv.zst", 'Store,StoreType,Assortment\n1,"c","a"\n')
    assert rows(readers.rossmann(tmp_path)) == [
        ("S0001", "2015-01-01 00:00", 0, 0, 0, 1, "a", "c", "a"), ("S0001", "2015-01-02 00:00", None, 0, 0, 0, "0", "c", "a"),
        ("S0001", "2015-01-03 00:00", 50, 1, 1, 0, "0", "c", "a")]


def test_walmart_has_its_holidays_and_markdowns_by_store_and_week(tmp_path):
    put(tmp_path, "walmart_weekly/train.csv.zst", "Store,Dept,Date,Weekly_Sales,IsHoliday\n"
        "1,7,2012-02-03,10,FALSE\n1,7,2012-02-17,-3,FALSE\n1,8,2012-02-10,5,TRUE\n")
    put(tmp_path, "walmart_weekly/stores.csv.zst", "Store,Type,Size\n1,A,500\n")
    put(tmp_path, "walmart_weekly/features.csv.zst", "Store,Date,MarkDown1,MarkDown2,MarkDown3,MarkDown4,MarkDown5,IsHoliday\n"
        + "".join(f"1,2012-02-{day},{mark},NA,1,2,3,{day == 10}\n".upper().replace("STORE", "Store")
                  for day, mark in (("03", "NA"), ("10", 9), ("17", 4))).replace("TRUE", "TRUE"))
    made = readers.walmart_weekly(tmp_path)
    first = made[made["unique_id"] == "01/07"].set_index("ds")
    assert first["y"].iloc[[0, 2]].tolist() == [10, -3] and math.isnan(first["y"].iloc[1])
    assert first["markdown1"].tolist() == [0, 9, 4] and first["markdown2"].tolist() == [0, 0, 0]
    assert set(made["type"]) == {"A"} and set(made["size"]) == {500} and set(made["department"]) == {"07", "08"}


def test_bikes_are_zero_in_hours_without_a_row(tmp_path):
    put(tmp_path, "uci_hourly/bike_sharing_hour.csv.zst", "dteday,hr,cnt\n2011-01-01,22,7\n2011-01-02,0,9\n")
    assert [row[1:] for row in rows(readers.bikes(tmp_path))] == [
        ("2011-01-01 22:00", 7), ("2011-01-01 23:00", 0), ("2011-01-02 00:00", 9)]


def test_victoria_is_on_its_own_standard_time(tmp_path):
    put(tmp_path, "vic_electricity/vic_elec.csv.zst", "Time,Demand,Temperature,Date,Holiday\n2011-12-31T13:00:00Z,4382.8,21.4,2012-01-01,TRUE\n")
    assert rows(readers.vic_elec(tmp_path)) == [("VIC", "2011-12-31 23:00", 4382.8, 1)]


def test_products_are_chosen_by_what_was_before_the_last_four_weeks(tmp_path):
    days = pd.date_range("2011-01-01", periods=60).strftime("%Y-%m-%d")
    lines = [f"{day},early,1,9" for day in days[:30:2]] + [f"{day},late,1,9" for day in days[40:]]
    put(tmp_path, "online_retail/daily_by_product.csv.zst", "date,StockCode,units,revenue\n" + "\n".join(lines) + "\n")
    made = readers.online_retail(tmp_path, least_days=10)
    assert set(made["unique_id"]) == {"early"} and made["y"].sum() == 15 and made["ds"].max() == pd.Timestamp(days[-1])


def test_made_up_series_are_the_same_every_time():
    for make in (simulated.short_trends, simulated.intermittent, simulated.two_seasons, simulated.level_shifts):
        first = make(count=3)
        assert first.equals(make(count=3)) and not first.equals(make(count=3, seed=99))
        assert first["unique_id"].nunique() == 3 and (first["y"] >= 0).all()


def test_sets_have_names_of_their_own_metrics_that_exist_and_files_of_configs():
    assert len({problem.name for problem in ALL}) == len(ALL)
    for problem in ALL:
        assert problem.metric in METRICS and set(problem.targets) <= set(METRICS)
        assert not problem.without or problem.without in {other.name for other in ALL}
        assert not problem.config or (ROOT / "configs" / problem.config).is_file()


def test_a_set_whose_file_is_not_there_says_which(tmp_path, program):
    problem = next(problem for problem in ALL if problem.name == "hospital")
    with pytest.raises(FileNotFoundError, match="hospital_dataset"):
        problem.panel(Source(tmp_path, program))
