"""Series on a regular grid, and their split into what methods see and what they are scored on.

A frame has the columns unique_id, ds, y (missing where there is no value), and inputs. A panel cuts it by places, not
by dates: of each series the last rows are the horizons, so series that end at different times are all scored.
"""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Split:
    """Forecasts of `horizon` steps from each of `origins`, `step` steps apart, the last one `horizon` before the end.

    A method that is trained is trained at the first origin, and again after every `refit` origins (0: never).
    """

    horizon: int
    origins: int = 1
    step: int = 0
    refit: int = 0

    def left(self, origin: int) -> int:
        """Rows of a series after the origin, counted from the first one, 0."""
        return self.horizon + (self.origins - 1 - origin) * self.step

    def trains_at(self, origin: int) -> bool:
        return origin == 0 or (self.refit > 0 and origin % self.refit == 0)


def regular(frame: pd.DataFrame, frequency: str, *, end: pd.Timestamp | None, fill: dict[str, float] | None = None) -> pd.DataFrame:
    """The frame with a row for every step from each series' first row to `end` (None: to its own last row).

    A step without a row has no y and no inputs, but what `fill` says by column.
    """
    parts = []
    for name, rows in frame.groupby("unique_id", sort=True):
        grid = pd.date_range(rows["ds"].min(), rows["ds"].max() if end is None else end, freq=frequency, name="ds")
        part = rows.drop(columns="unique_id").set_index("ds").reindex(grid)
        parts.append(part.reset_index().assign(unique_id=name))
    result = pd.concat(parts, ignore_index=True)
    for column, value in (fill or {}).items():
        result[column] = result[column].fillna(value)
    return result[list(frame.columns)]


class Panel:
    """A frame, cut at the origins of a split. Series shorter than `least` rows before the first origin are left out."""

    def __init__(self, frame: pd.DataFrame, split: Split, least: int = 4) -> None:
        frame = frame.sort_values(["unique_id", "ds"], kind="stable")
        frame = frame.assign(unique_id=frame["unique_id"].astype(str))
        from_end = frame.groupby("unique_id").cumcount(ascending=False)
        seen = frame[(from_end >= split.left(0)) & frame["y"].notna()]
        enough = seen.groupby("unique_id").size()
        kept = frame["unique_id"].isin(enough.index[enough >= least])
        self.frame = frame[kept].reset_index(drop=True)
        self._from_end = from_end[kept].to_numpy()
        self.split = split
        self.ids = list(self.frame["unique_id"].unique())
        if not self.ids:
            raise ValueError(f"no series has {least} values before the first origin")

    def history(self, origin: int) -> pd.DataFrame:
        """Rows up to the origin."""
        return self.frame[self._from_end >= self.split.left(origin)]

    def horizon(self, origin: int) -> pd.DataFrame:
        """The `horizon` rows after the origin, of each series."""
        left = self.split.left(origin)
        return self.frame[(self._from_end < left) & (self._from_end >= left - self.split.horizon)]

    def histories(self, origin: int) -> list[Floats]:
        """Values up to the origin, of each series, NaN where missing."""
        rows = self.history(origin)
        values = rows["y"].to_numpy(dtype=np.float64)
        return np.split(values, np.flatnonzero(np.diff(pd.factorize(rows["unique_id"])[0])) + 1)

    def truth(self, origin: int) -> Floats:
        """[series, horizon], NaN where missing."""
        return self.horizon(origin)["y"].to_numpy(dtype=np.float64).reshape(len(self.ids), self.split.horizon)

    def placed(self, origin: int, forecast: pd.DataFrame, columns: list[str]) -> Floats:
        """Columns of a forecast by unique_id and ds as [series, horizon, column], NaN where it has no row."""
        keys = self.horizon(origin)[["unique_id", "ds"]]
        found = keys.merge(forecast, on=["unique_id", "ds"], how="left")[columns]
        return found.to_numpy(dtype=np.float64).reshape(len(self.ids), self.split.horizon, len(columns))

    def digest(self, inputs: bool = True) -> str:
        """Of all values and of the split: two panels with one digest ask the same; without inputs, of the targets alone."""
        rows = pd.util.hash_pandas_object(self.frame if inputs else self.frame[["unique_id", "ds", "y"]], index=False).to_numpy()
        return hashlib.sha256(rows.tobytes() + repr(self.split).encode()).hexdigest()[:16]
