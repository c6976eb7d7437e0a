"""Holidays by country: words of days, with the package that knows them and without."""

from __future__ import annotations

import csv
import datetime
import importlib
import io

import pandas as pd
import pytest

from sluice import holidays
from sluice.errors import ConfigError, DataError

pytest.importorskip("holidays", reason="PyPI's holidays is not there (python/requirements.txt)")


def test_a_holiday_is_a_word_and_other_days_are_none() -> None:
    days = [datetime.date(2024, 12, 24), datetime.date(2024, 12, 25), datetime.date(2024, 12, 27)]
    names = holidays.holiday_names("US", days)
    assert names == ["none", "Christmas Day", "none"]


def test_a_subdivision_has_its_own() -> None:
    day = [datetime.date(2024, 1, 6)]  # Epiphany, in Bavaria alone
    assert holidays.holiday_names("DE", day) == ["none"]
    assert holidays.holiday_names("DE", day, subdivision="BY") != ["none"]


def test_a_table_gets_a_column_by_its_rows_days() -> None:
    df = pd.DataFrame({"unique_id": ["a", "a", "b"], "ds": pd.to_datetime(["2024-07-04 12:00", "2024-07-05 00:00", "2024-07-04 00:00"])})
    out = holidays.add_holidays(df, "US")
    assert out["holiday"].tolist() == ["Independence Day", "none", "Independence Day"]
    assert "holiday" not in df.columns


def test_the_program_writes_every_day(capsys: pytest.CaptureFixture[str]) -> None:
    assert holidays.main(["US", "2024-12-24", "2024-12-26", "--time", "day", "--column", "feast"]) == 0
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows == [["day", "feast"], ["2024-12-24", "none"], ["2024-12-25", "Christmas Day"], ["2024-12-26", "none"]]


def test_what_is_wrong_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match="holidays of 'XX'.*ISO 3166"):
        holidays.holiday_names("XX", [datetime.date(2024, 1, 1)])
    df = pd.DataFrame({"ds": ["2024-01-01"]})
    with pytest.raises(DataError, match="row 0: 'ds' is '2024-01-01'"):
        holidays.add_holidays(df, "US")
    with pytest.raises(DataError, match="no column 'day'"):
        holidays.add_holidays(df, "US", time_col="day")
    with pytest.raises(DataError, match="row 1: 'ds' is NaT"):
        holidays.add_holidays(pd.DataFrame({"ds": pd.to_datetime(["2024-01-01", None])}), "US")
    with pytest.raises(SystemExit):
        holidays.main(["US", "2024-12-24", "2024-12-01"])
    assert "is before the first one" in capsys.readouterr().err


def test_without_the_package_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ConfigError, match=r"pip install 'sluice\[holidays\]'"):
        holidays.holiday_names("US", [datetime.date(2024, 1, 1)])
