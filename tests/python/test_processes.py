"""What a process may do beside: end while a thread trains, ask for more threads than there can be."""

import subprocess
import sys

TRAIN = """
import os, sys, threading, time
import pandas as pd
import sluice

df = pd.DataFrame({"unique_id": "a", "ds": pd.date_range("2024-01-01", periods=80), "y": [1.0 + t % 7 for t in range(80)]})

def fit(threads, **settings):
    settings = {"network.hidden_size": 4, "training.steps": 10, "engine.threads": threads, **settings}
    return sluice.Forecaster(h=7, freq="D", settings=settings).fit(df, progress=False)
"""


def python(code, timeout=60):
    return subprocess.run([sys.executable, "-B", "-c", TRAIN + code], capture_output=True, text=True, timeout=timeout)


def test_a_process_ends_while_a_daemon_trains():
    done = python("""
endless = {"training.steps": 0, "training.max_seconds": 50}
threading.Thread(target=fit, args=(1,), kwargs=endless, daemon=True).start()
time.sleep(1)
""")
    assert (done.returncode, done.stderr) == (0, "")


def test_threads_that_cannot_be_had_are_not_asked_for_again():
    done = python("""
import ctypes, resource
openmp = ctypes.CDLL("libgomp.so.1")
openmp.omp_set_num_threads(2)
fit(0)
limits = resource.getrlimit(resource.RLIMIT_AS)
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, limits[1]))
try:
    fit(1024)
except sluice.DeviceError as error:
    print(error)
print(openmp.omp_get_max_threads())
""")
    first, second = done.stdout.splitlines()
    assert "of 1024 threads can be started" in first, done.stderr
    assert second == "2"
