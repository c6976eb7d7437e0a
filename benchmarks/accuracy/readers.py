"""Reads files of public data sets into frames with the columns unique_id, ds, y and inputs, on a regular grid."""

from __future__ import annotations

import pathlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from panel import regular

TSF_FREQUENCY = {"hourly": "h", "daily": "D", "weekly": "7D", "monthly": "MS", "quarterly": "QS", "yearly": "YS"}


def table(path: pathlib.Path, columns: list[str] | None = None) -> pd.DataFrame:
    """A CSV file, plain, .gz or .zst."""
    with pa.input_stream(str(path), compression="detect") as stream:
        convert = pyarrow.csv.ConvertOptions(null_values=["", "NA"], strings_can_be_null=True, include_columns=columns or [])
        read: pd.DataFrame = pyarrow.csv.read_csv(stream, convert_options=convert).to_pandas()
    return read.rename(columns=lambda name: name.lstrip("\ufeff"))


def tsf(path: pathlib.Path) -> pd.DataFrame:
    """Monash's format: a line is name:attributes:comma-separated values, and the head names the attributes."""
    with pa.input_stream(str(path), compression="detect") as stream:
        lines = stream.read().decode("utf-8", errors="replace").splitlines()
    head = [line.split() for line in lines[:lines.index("@data")] if line.startswith("@")]
    attributes = [words[1] for words in head if words[0] == "@attribute"]
    frequency = next(words[1] for words in head if words[0] == "@frequency")
    if frequency not in TSF_FREQUENCY:
        raise ValueError(f"{path}: frequency '{frequency}' is none of {', '.join(TSF_FREQUENCY)}")
    parts = []
    for line in lines[lines.index("@data") + 1:]:
        if not line:
            continue
        *fields, values = line.split(":", len(attributes))
        described = dict(zip(attributes, fields, strict=True))
        start = pd.to_datetime(described["start_timestamp"], format="%Y-%m-%d %H-%M-%S")
        y = np.array([np.nan if v == "?" else float(v) for v in values.split(",")])
        ds = pd.date_range(start, periods=y.size, freq=TSF_FREQUENCY[frequency])
        parts.append(pd.DataFrame({"unique_id": described["series_name"], "ds": ds, "y": y}))
    return pd.concat(parts, ignore_index=True)


def wide(path: pathlib.Path, frequency: str, time: str = "date", rows: int | None = None) -> pd.DataFrame:
    """A series in each column; the first `rows` rows, whose times are the frequency's from the first one on."""
    read = table(path).iloc[:rows]
    first = pd.to_datetime(str(read[time].iloc[0]))
    times = pd.date_range(first, periods=len(read), freq=frequency)
    long = read.drop(columns=time).set_axis(times, axis=0).astype(float)
    return long.rename_axis("ds").reset_index().melt("ds", var_name="unique_id", value_name="y")[["unique_id", "ds", "y"]]




def m5_foods(data: pathlib.Path) -> pd.DataFrame:
    """Every FOODS item of Walmart's store CA_1, from its first sale; d_1914..d_1941 are scored."""
    read = table(data / "m5" / "sales_train_evaluation.CA_1_FOODS.csv.zst")
    days = [name for name in read.columns if name.startswith("d_")]
    dates = pd.date_range("2011-01-29", periods=len(days), freq="D")
    values = read[days].to_numpy(dtype=np.float64)
    parts = []
    for row, (item, department) in enumerate(zip(read["item_id"], read["dept_id"], strict=True)):
        first = int(np.flatnonzero(values[row])[0])
        parts.append(pd.DataFrame({"unique_id": item, "ds": dates[first:], "y": values[row, first:], "department": department}))
    return pd.concat(parts, ignore_index=True)


def rossmann(data: pathlib.Path) -> pd.DataFrame:
    """Stores 1 to 100 with their closed days, on which nothing is sold."""
    sales = table(data / "rossmann" / "train_all_days_stores_1_100.csv.zst")
    stores = table(data / "rossmann" / "store.csv.zst", ["Store", "StoreType", "Assortment"])
    read = sales.merge(stores, on="Store")
    frame = pd.DataFrame({
        "unique_id": read["Store"].map("S{:04d}".format), "ds": pd.to_datetime(read["Date"]), "y": read["Sales"].astype(float),
        "open": read["Open"].astype(float), "promo": read["Promo"].astype(float),
        "school_holiday": read["SchoolHoliday"].astype(float), "state_holiday": read["StateHoliday"].astype(str),
        "store_type": read["StoreType"], "assortment": read["Assortment"]})
    # 16 stores have no rows for some months: what is known there of promotions is not, and nothing was counted.
    result = regular(frame, "D", end=frame["ds"].max(), fill={"open": 0, "promo": 0, "school_holiday": 0})
    result["state_holiday"] = result["state_holiday"].fillna("0")
    result[["store_type", "assortment"]] = result.groupby("unique_id")[["store_type", "assortment"]].ffill()
    return result


def walmart_weekly(data: pathlib.Path) -> pd.DataFrame:
    """Departments of 45 stores, with the weeks of holidays and the planned markdowns, missing before November 2011."""
    sales = table(data / "walmart_weekly" / "train.csv.zst")
    stores = table(data / "walmart_weekly" / "stores.csv.zst")
    features = table(data / "walmart_weekly" / "features.csv.zst")
    marks = [f"MarkDown{n}" for n in range(1, 6)]
    frame = pd.DataFrame({
        "unique_id": sales["Store"].map("{:02d}".format) + "/" + sales["Dept"].map("{:02d}".format),
        "ds": pd.to_datetime(sales["Date"]), "y": sales["Weekly_Sales"].astype(float)})
    frame = regular(frame, "W-FRI", end=frame["ds"].max())
    features = features.assign(ds=pd.to_datetime(features["Date"]), holiday=features["IsHoliday"].astype(float))
    features[marks] = features[marks].fillna(0).astype(float)
    frame = frame.assign(Store=frame["unique_id"].str[:2].astype(int), department=frame["unique_id"].str[3:])
    frame = frame.merge(features[["Store", "ds", "holiday", *marks]], on=["Store", "ds"]).merge(stores, on="Store")
    frame = frame.rename(columns={"Type": "type", "Size": "size"}).astype({"size": float})
    return frame.drop(columns="Store").rename(columns=str.lower)


def koubei(data: pathlib.Path) -> pd.DataFrame:
    """Paying customers of Chinese shops by the day. A day without a row is missing: shops close."""
    read = table(data / "koubei" / "shop_daily_pay_count.csv.zst")
    frame = pd.DataFrame({"unique_id": read["shop_id"].map("{:04d}".format), "ds": pd.to_datetime(read["date"]),
                          "y": read["pay_count"].astype(float)})
    return regular(frame, "D", end=frame["ds"].max())


def store_item(data: pathlib.Path, every: int = 5) -> pd.DataFrame:
    """Every fifth item of every store."""
    read = table(data / "store_item_demand" / "train.csv.zst")
    read = read[read["item"] % every == 0]
    names = read["store"].map("{:02d}".format) + "/" + read["item"].map("{:02d}".format)
    return pd.DataFrame({"unique_id": names, "ds": pd.to_datetime(read["date"]), "y": read["sales"].astype(float)})


def vic_elec(data: pathlib.Path) -> pd.DataFrame:
    """Half-hourly demand of Victoria, on local standard time (UTC+10)."""
    read = table(data / "vic_electricity" / "vic_elec.csv.zst")
    times = pd.to_datetime(read["Time"], utc=True).dt.tz_localize(None) + pd.Timedelta(hours=10)
    return pd.DataFrame({"unique_id": "VIC", "ds": times, "y": read["Demand"].astype(float),
                         "holiday": (read["Holiday"].astype(str).str.upper() == "TRUE").astype(float)})


def article_shop(data: pathlib.Path) -> pd.DataFrame:
    """The 14 columns of the article's shop as 14 series."""
    return wide(data / "shop_ops_seed" / "Data.csv.zst", "D", time="日期")


def bikes(data: pathlib.Path) -> pd.DataFrame:
    """Hourly hires. An hour without a row had none."""
    read = table(data / "uci_hourly" / "bike_sharing_hour.csv.zst")
    times = pd.to_datetime(read["dteday"]) + pd.to_timedelta(read["hr"], unit="h")
    frame = pd.DataFrame({"unique_id": "bikes", "ds": times, "y": read["cnt"].astype(float)})
    return regular(frame, "h", end=frame["ds"].max(), fill={"y": 0})


def online_retail(data: pathlib.Path, least_days: int = 100) -> pd.DataFrame:
    """Units of the products that sold on 100 days or more before the last 28; a day without a row sold none."""
    read = table(data / "online_retail" / "daily_by_product.csv.zst", ["date", "StockCode", "units"])
    frame = pd.DataFrame({"unique_id": read["StockCode"].astype(str), "ds": pd.to_datetime(read["date"]),
                          "y": read["units"].astype(float)})
    early = frame[frame["ds"] <= frame["ds"].max() - pd.Timedelta(days=28)]
    days = early.groupby("unique_id").size()
    chosen = frame[frame["unique_id"].isin(days.index[days >= least_days])]
    return regular(chosen, "D", end=frame["ds"].max(), fill={"y": 0})
