"""Loads the extension: pyarrow's libraries first, and with an environment in which threads that wait soon sleep.

libgomp reads OMP_WAIT_POLICY and GOMP_SPINCOUNT once, when it is loaded. Threads that spin while they wait lose
far more than they gain as soon as another process wants their core. What the user has set is left alone, and what
is set here is taken back, for the processes that this one starts. Where another package has loaded the same
libgomp before, it is too late; set the two variables before Python starts then.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from ._build import PYARROW_MAJOR

_PASSIVE = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "1000"}


def check_pyarrow(found: str) -> None:
    """Raises ImportError where pyarrow has another major version than libsluice.so was built with."""
    if found.split(".")[0] != str(PYARROW_MAJOR):
        raise ImportError(
            f"sluice was built for pyarrow {PYARROW_MAJOR}, and pyarrow {found} is installed; "
            f"pip install 'pyarrow=={PYARROW_MAJOR}.*', or build sluice again from its checkout"
        )


@contextlib.contextmanager
def _waiting_passively() -> Iterator[None]:
    if any(name in os.environ for name in _PASSIVE):
        yield
        return
    os.environ.update(_PASSIVE)
    try:
        yield
    finally:
        for name in _PASSIVE:
            del os.environ[name]


def _load() -> None:
    try:
        import pyarrow
    except ModuleNotFoundError:
        raise ImportError(f"sluice needs pyarrow: pip install 'pyarrow=={PYARROW_MAJOR}.*'") from None
    check_pyarrow(pyarrow.__version__)
    # They load the libraries that libsluice.so needs, also where pyarrow is not beside this package.
    import pyarrow.compute
    import pyarrow.parquet

    with _waiting_passively():
        from . import _sluice

    if _sluice.api_version() != _sluice.API_VERSION:
        raise ImportError(
            f"libsluice.so has version {_sluice.api_version()} of its interface, and this package was built for "
            f"{_sluice.API_VERSION}; install the package again"
        )


_load()
