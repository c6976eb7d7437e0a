"""The public data sets of the comparison: files below a folder, and their protocols.

None of them is part of this repository. The splits and metrics are those of the sets' own competitions or archives
where they have one. Targets are what this project aims at by its defaults.
"""

from __future__ import annotations

import dataclasses

import readers
from panel import Split
from problem import Problem
from simulated import SIMULATED

MONASH = "Monash archive: the last horizon of each series (Godahewa et al. 2021)"
OWN = "no common protocol; this project's"

_hourly = Problem(
    name="m4_hourly", about="M4 Hourly, 414 series", frequency="h", season=24, split=Split(48), metric="MASE", common_end=False,
    read=lambda source: readers.tsf(source.data / "m4" / "m4_hourly_dataset.tsf.zst"),
    protocol="M4 competition (Makridakis et al. 2020)", targets={"MASE": 0.69, "sMAPE": 8.2}, every=4, config="hourly.toml")
_tourism = Problem(
    name="tourism_monthly", about="tourism, 366 monthly series", frequency="MS", season=12, split=Split(24), metric="MASE",
    read=lambda source: readers.tsf(source.data / "monash_tsf" / "tourism_monthly_dataset.tsf.zst"),
    protocol=MONASH, common_end=False, targets={"MASE": 1.37}, quick=True)
_hospital = Problem(
    name="hospital", about="patients of 767 products, monthly", frequency="MS", season=12, split=Split(12), metric="MASE",
    read=lambda source: readers.tsf(source.data / "monash_tsf" / "hospital_dataset.tsf.zst"),
    protocol=MONASH, targets={"MASE": 0.74}, quick=True)
_electricity = Problem(
    name="electricity_weekly", about="electricity, 321 clients, weekly", frequency="7D", season=52, split=Split(8), metric="MASE",
    read=lambda source: readers.tsf(source.data / "monash_tsf" / "electricity_weekly_dataset.tsf.zst"),
    protocol=MONASH, targets={"MASE": 0.75}, quick=True)
_births = Problem(
    name="us_births", about="births in the USA, one daily series", frequency="D", season=7, split=Split(30), metric="MASE",
    read=lambda source: readers.tsf(source.data / "monash_tsf" / "us_births_dataset.tsf.zst"),
    protocol=MONASH, limit=2000)
# Sixteen of the twenty months, as the usual borders have it; the last four are the test.
_etth1 = Problem(
    name="etth1", about="ETTh1, 7 hourly channels of a transformer", frequency="h", season=24, metric="MASE",
    split=Split(96, origins=5, step=576), read=lambda source: readers.wide(source.data / "ett" / "ETTh1.csv.zst", "h", rows=14400),
    protocol="the usual test months (Zhou et al. 2021), 5 origins, not all; MASE, not their MSE", limit=1000)
_ettm1 = dataclasses.replace(
    _etth1, name="ettm1", about="ETTm1, the same by the quarter of an hour", frequency="15min", season=96,
    split=Split(96, origins=5, step=2304),
    read=lambda source: readers.wide(source.data / "ett" / "ETTm1.csv.zst", "15min", rows=57600))
_foods = Problem(
    name="m5_ca1_foods", about="M5, store CA_1, 1,437 foods, daily", frequency="D", season=7, split=Split(28), metric="RMSSE",
    read=lambda source: readers.m5_foods(source.data), static_words=("department",),
    protocol="M5's validation days d_1914..d_1941 (Makridakis et al. 2022), mean RMSSE without weights",
    targets={"RMSSE": 0.745}, every=15, limit=730, config="walmart.toml")
_rossmann = Problem(
    name="rossmann", about="Rossmann, 100 drug stores, daily", frequency="D", season=7, split=Split(42), metric="WAPE",
    read=lambda source: readers.rossmann(source.data), protocol=f"{OWN}: last 42 days")
_rossmann_known = dataclasses.replace(
    _rossmann, name="rossmann_known", without="rossmann", about="the same with opening days, promotions and holidays",
    known=("open", "promo", "school_holiday"), known_words=("state_holiday",), static_words=("store_type", "assortment"))
_walmart = Problem(
    name="walmart_weekly", about="Walmart, departments of 45 stores, weekly", frequency="W-FRI", season=52, split=Split(13),
    metric="WAPE", read=lambda source: readers.walmart_weekly(source.data), protocol=f"{OWN}: last 13 weeks", every=32)
_walmart_known = dataclasses.replace(
    _walmart, name="walmart_weekly_known", without="walmart_weekly", about="the same with holidays and markdowns",
    known=("holiday", "markdown1", "markdown2", "markdown3", "markdown4", "markdown5"), statics=("size",),
    static_words=("type", "department"))
_koubei = Problem(
    name="koubei", about="Koubei, customers of 1,000 shops, daily", frequency="D", season=7, split=Split(14), metric="MASE",
    read=lambda source: readers.koubei(source.data), protocol="the contest's horizon (IJCAI-17), MASE",
    targets={"MASE": 0.76}, every=10)
_store_item = Problem(
    name="store_item", about="100 of 500 store items, daily, thought simulated", frequency="D", season=7, split=Split(90),
    metric="sMAPE", read=lambda source: readers.store_item(source.data), protocol="the contest's horizon and metric (Kaggle 2018)",
    every=2, limit=1100)
_vic_elec = Problem(
    name="vic_elec", about="demand of Victoria, half-hourly, holidays known", frequency="30min", season=48, metric="MASE",
    split=Split(48, origins=7, step=48), read=lambda source: readers.vic_elec(source.data), known=("holiday",),
    protocol=f"{OWN}: each of the last 7 days", limit=1000)
_shop = Problem(
    name="article_shop", about="the article's shop, 14 columns, daily", frequency="D", season=7, metric="skill",
    split=Split(5, origins=96, step=1, refit=24), read=lambda source: readers.article_shop(source.data),
    protocol="docs/results.md: 96 origins, trained anew every 24", targets={"skill": 0.21}, config="shop.toml")
_exchange = Problem(
    name="exchange_rate", about="8 exchange rates, daily", frequency="D", season=1, metric="MASE",
    split=Split(30, origins=5, step=30),
    read=lambda source: readers.wide(source.data / "exchange_rate" / "exchange_rate.csv.zst", "D"),
    protocol="GluonTS': 5 origins of 30 days", limit=1000)
_bikes = Problem(
    name="bikes", about="bicycle hires, one hourly series", frequency="h", season=24, metric="MASE",
    split=Split(24, origins=7, step=24), read=lambda source: readers.bikes(source.data),
    protocol=f"{OWN}: each of the last 7 days", limit=1000)
_retail = Problem(
    name="online_retail", about="products of a web shop that sell on 100 days or more, daily", frequency="D", season=7,
    split=Split(14), metric="RMSSE", read=lambda source: readers.online_retail(source.data),
    protocol=f"{OWN}: last 14 days", every=9)

PUBLIC = (_tourism, _hospital, _electricity, _hourly, _births, _foods, _rossmann, _rossmann_known, _walmart, _walmart_known,
          _koubei, _store_item, _retail, _shop, _bikes, _vic_elec, _exchange, _etth1, _ettm1)
ALL = (*SIMULATED, *PUBLIC)
