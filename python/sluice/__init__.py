"""Sluice: an LSTM that forecasts all series of a table at once.

    import sluice

    df, futr_df = sluice.simulate(stores=2, items=5)
    forecaster = sluice.Forecaster(h=28, freq="D", level=[80, 95], futr_exog_list=["price", "promotion", "holiday"])
    forecasts = forecaster.fit(df).predict(futr_df=futr_df)

Tables are pandas, polars or pyarrow, with a row for each series and time; results are of the same kind.
"""

from typing import TYPE_CHECKING, Any

from . import _native as _native  # first: it loads the libraries
from . import _sluice, callbacks
from ._forecaster import Forecaster
from ._progress import Callback, Progress
from ._tables import check, evaluate, explain, simulate
from .errors import (
    ConfigError,
    DataError,
    DeviceError,
    InternalError,
    Interrupted,
    NotFittedError,
    SluiceError,
)

if TYPE_CHECKING:
    from .onnx import to_onnx as to_onnx

__version__ = _sluice.version()
__all__ = [
    "Callback",
    "ConfigError",
    "DataError",
    "DeviceError",
    "Forecaster",
    "InternalError",
    "Interrupted",
    "NotFittedError",
    "Progress",
    "SluiceError",
    "callbacks",
    "check",
    "evaluate",
    "explain",
    "simulate",
]


def __getattr__(name: str) -> Any:
    """to_onnx is imported when it is asked for: it needs packages that nothing else does."""
    if name != "to_onnx":
        raise AttributeError(f"module 'sluice' has no attribute {name!r}")
    try:
        from .onnx import to_onnx
    except ModuleNotFoundError as missing:
        raise ImportError(f"sluice.to_onnx needs {missing.name}: pip install 'sluice[onnx]'") from missing
    return to_onnx
