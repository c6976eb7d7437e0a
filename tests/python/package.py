"""Makes the package's modules of Python alone importable: from the checkout, without the package round
them, which needs the compiled engine."""
import pathlib
import sys
import types

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/app"))  # program.py
if "sluice" not in sys.modules:
    sys.modules["sluice"] = types.ModuleType("sluice")
    sys.modules["sluice"].__path__ = [str(ROOT / "python/sluice")]
