"""A wheel, built as users build it, in a fresh environment in another folder."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(os.environ["SLUICE_SOURCE_DIR"])

FORECAST = """
import os, sluice
before = dict(os.environ)
df, futr_df = sluice.simulate(1, 3, 120, like="pyarrow")
made = sluice.Forecaster(h=7, settings={"training.steps": 20, "engine.threads": 1}).fit(df).predict()
print(made.num_rows, sluice.__file__, sluice.__version__)
"""


@pytest.mark.slow
def test_a_wheel_works_in_a_fresh_environment(tmp_path):
    if wheel := os.environ.get("SLUICE_WHEEL"):  # one that is there already
        wheels = [pathlib.Path(wheel)]
    else:
        subprocess.run([sys.executable, "-m", "build", "--wheel", "-C", "cmake.define.SLUICE_CUDA=OFF", "--outdir",
                        tmp_path / "dist", ROOT], check=True)
        wheels = list((tmp_path / "dist").glob("sluice-*.whl"))
    assert len(wheels) == 1
    venv = tmp_path / "elsewhere" / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    subprocess.run([venv / "bin/pip", "install", "--quiet", wheels[0]], check=True)
    plain = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "LD_LIBRARY_PATH")}
    done = subprocess.run([venv / "bin/python", "-c", FORECAST], env=plain, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows, file, version = done.stdout.split()
    assert rows == "21" and pathlib.Path(file).is_relative_to(venv)
    assert version in wheels[0].name
    # Also what is loaded when it is first needed (cuBLAS and cuDNN) is looked for beside the package.
    for library in venv.glob("lib/python3*/site-packages/sluice/*sluice*.so*"):
        dynamic = subprocess.run(["readelf", "--dynamic", library], capture_output=True, text=True, check=True).stdout
        paths = re.search(r"\(RPATH\) +Library rpath: \[(.*)\]", dynamic)[1].split(":")
        assert paths[:2] == ["$ORIGIN", "$ORIGIN/../pyarrow"], library
        if "cuda" in dynamic:
            assert re.fullmatch(r"\$ORIGIN/\.\./nvidia/cu\d+/lib", paths[2]), library
    # Nothing is taken from the folder of the build.
    maps = subprocess.run([venv / "bin/python", "-c", "import sluice; print(open('/proc/self/maps').read())"], env=plain,
                          cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    loaded = {line.split()[-1] for line in maps.splitlines() if ".so" in line}
    assert any("libsluice.so" in file for file in loaded)
    for file in loaded:
        assert not file.startswith(str(ROOT)), file
