"""A wheel, built as users build it, in a fresh environment in another folder."""

import os
import pathlib
import re
import subprocess
import sys
import zipfile

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
    with zipfile.ZipFile(wheels[0]) as wheel:
        carried = {name.removeprefix("sluice/licences/") for name in wheel.namelist() if "/licences/" in name}
    named = re.findall(r"^\| ([\w+-]+)[^|]*\| [^|-]", (ROOT / "THIRD_PARTY.md").read_text(), re.MULTILINE)
    assert "nanobind" in named and "sluice.cdx.json" in carried and carried >= {f"{name}.txt" for name in named if name != "Apache"}  # pyarrow has that
    venv = tmp_path / "elsewhere" / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    subprocess.run([venv / "bin/pip", "install", "--quiet", wheels[0]], check=True)
    plain = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "LD_LIBRARY_PATH")}
    done = subprocess.run([venv / "bin/python", "-c", FORECAST], env=plain, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows, file, version = done.stdout.split()
    assert rows == "21" and pathlib.Path(file).is_relative_to(venv)
    assert version in wheels[0].name
    # A wheel for newer Pythons than its own has an extension that they load.
    extensions = [name for name in zipfile.ZipFile(wheels[0]).namelist() if name.startswith("sluice/_sluice.")]
    assert [name.endswith(".abi3.so") for name in extensions if name.endswith(".so")] == ["-abi3-" in wheels[0].name]
    # Both find Arrow by themselves: CUDA's libraries are looked for from libsluice.so alone.
    for library in ("_sluice.*.so", "libsluice.so.*"):
        file = next((venv / "lib").glob(f"python3*/site-packages/sluice/{library}"))
        dynamic = subprocess.run(["readelf", "-d", file], capture_output=True, text=True, check=True).stdout
        assert "$ORIGIN/../pyarrow" in dynamic, dynamic
        if "nvidia" in dynamic:  # in a wheel with CUDA: the folder has its version
            assert re.search(r":\$ORIGIN/\.\./nvidia/cu\d+/lib:", dynamic), dynamic
    # Nothing is taken from the folder of the build.
    maps = subprocess.run([venv / "bin/python", "-c", "import sluice; print(open('/proc/self/maps').read())"], env=plain,
                          cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    loaded = {line.split()[-1] for line in maps.splitlines() if ".so" in line}
    assert any("libsluice.so" in file for file in loaded)
    for file in loaded:
        assert not file.startswith(str(ROOT)), file
