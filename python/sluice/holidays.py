"""Holidays by country, as a column of words for data.future_categories, by PyPI's package `holidays`.

python -m sluice.holidays DE 2013-01-01 2015-12-31 > holidays.csv    # a file for path.future
"""

from __future__ import annotations

import argparse
import csv
import datetime
import importlib
import sys
from collections.abc import Iterable
from typing import Any

from .errors import ConfigError, DataError

NONE = "none"    # the word of any other day


def holiday_names(country: str, days: Iterable[datetime.date], *, subdivision: str | None = None) -> list[str]:
    """The name of each day's holiday in English or the country's language, "none" on others.

    country, subdivision: ISO 3166 codes ("DE", "BY"). No network is used.
    Raises ConfigError where the package or the country is not there.
    """
    try:
        # This module has the package's name.
        package: Any = importlib.import_module("holidays")
    except ImportError as error:
        raise ConfigError("holidays by country need PyPI's package holidays: pip install 'sluice[holidays]'") from error
    days = list(days)
    years = range(min(day.year for day in days), max(day.year for day in days) + 1) if days else []
    try:
        found = package.country_holidays(country, subdiv=subdivision, years=years)
    except NotImplementedError as error:
        raise ConfigError(f"holidays of {country!r}{f', {subdivision!r}' if subdivision else ''}: {error}; give "
                          "ISO 3166 codes, as \"DE\" and \"BY\"") from error
    return [str(found.get(day, NONE)) for day in days]


def add_holidays(df: Any, country: str, *, subdivision: str | None = None, time_col: str = "ds",
                 column: str = "holiday") -> Any:
    """`df` (pandas) with one more column: the holiday of each row's day.

    For daily data, histories and horizons alike; the column goes to futr_exog_list or data.future_categories.
    Raises DataError where a time is missing or no time, or the column is there already; ConfigError as
    holiday_names().
    """
    if time_col not in df.columns:
        raise DataError(f"the table has no column '{time_col}'; name the time's column in time_col")
    if column in df.columns:
        raise DataError(f"the table has a column '{column}' already; give another name in column")
    days: dict[Any, datetime.date] = {}
    for row, time in enumerate(df[time_col]):
        if time in days:
            continue
        if not isinstance(time, datetime.date) or time != time:
            raise DataError(f"row {row}: '{time_col}' is {time!r}, and a holiday is one of a day; make the column "
                            "times (pandas.to_datetime)")
        days[time] = time.date() if isinstance(time, datetime.datetime) else time
    names = dict(zip(days, holiday_names(country, days.values(), subdivision=subdivision), strict=True))
    return df.assign(**{column: [names[time] for time in df[time_col]]})


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m sluice.holidays", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("country", help="ISO 3166 code: DE")
    parser.add_argument("first", type=datetime.date.fromisoformat, help="first day, YYYY-MM-DD: of the history")
    parser.add_argument("last", type=datetime.date.fromisoformat, help="last day: of the horizon")
    parser.add_argument("--subdivision", help="of the country: BY")
    parser.add_argument("--time", default="ds", help="name of the column of days (default ds)")
    parser.add_argument("--column", default="holiday", help="name of the column of words (default holiday)")
    asked = parser.parse_args(words)
    if asked.last < asked.first:
        parser.error(f"the last day, {asked.last}, is before the first one, {asked.first}")
    days = [asked.first + datetime.timedelta(days=n) for n in range((asked.last - asked.first).days + 1)]
    try:
        names = holiday_names(asked.country, days, subdivision=asked.subdivision)
    except ConfigError as error:
        parser.error(str(error))
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([asked.time, asked.column])
    writer.writerows(zip(days, names, strict=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
