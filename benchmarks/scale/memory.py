"""Peak memory of the processes that forecast many series on a local Spark or Ray.

    python benchmarks/scale/memory.py spark --series 100000
    python benchmarks/scale/memory.py ray --series 100000
    python benchmarks/scale/memory.py fit --series 100000

Series of --days days each are made by the engine itself; a small model, trained on 100 of them, forecasts all, and
the forecasts go to Parquet. Prints a line of JSON. --rows-at-once is that of sluice.spark.forecast. With fit one
process trains on all series, as sluice.spark.fit does on the driver or a worker.
"""

import argparse
import collections
import json
import os
import pathlib
import resource
import sys
import tempfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset

import sluice


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine", choices=["spark", "ray", "fit"])
    parser.add_argument("--series", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--rows-at-once", type=int, default=1_000_000)
    parser.add_argument("--partitions", type=int, default=8)
    return parser.parse_args()


def table_of(first, count, days):
    """The series first .. first+count-1, pyarrow."""
    numbers = np.repeat(np.arange(first, first + count), days)
    t = np.tile(np.arange(days), count)
    dates = pd.date_range("2024-01-01", periods=days).to_numpy("datetime64[us]")
    return pa.table({"unique_id": pa.array([f"series-{n:08d}" for n in range(first, first + count)]).take(
                         np.repeat(np.arange(count), days)),
                     "ds": np.tile(dates, count), "y": 10.0 + numbers % 100 + 5 * (t % 7 == 5)})


def forecaster():
    settings = {"network.hidden_size": 32, "training.steps": 50, "engine.threads": 1}
    return sluice.Forecaster(h=28, freq="D", level=[80], settings=settings)


def trained(days):
    return forecaster().fit(table_of(0, 100, days), progress=False)


def peaks_mib(groups):
    """{group: [(peak resident memory, MiB) of each descendant whose command line holds its word]}, greatest first."""
    parents, found = {}, {}
    for status in pathlib.Path("/proc").glob("[0-9]*/status"):
        try:
            said = dict(line.split(":", 1) for line in status.read_text().splitlines())
            command = status.with_name("cmdline").read_bytes().decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        pid = int(status.parent.name)
        parents[pid] = int(said["PPid"])
        found[pid] = (command, int(said.get("VmHWM", "0").split()[0]) // 1024)
    peaks = collections.defaultdict(list)
    for pid, (command, peak) in found.items():
        root = pid
        while root in parents and root != os.getpid():
            root = parents[root]
        if root == os.getpid():
            name = "driver" if pid == os.getpid() else next((g for g, word in groups.items() if word in command), None)
            if name:
                peaks[name].append(peak)
    return {name: sorted(values, reverse=True)[:4] for name, values in peaks.items()}


def on_spark(asked, out):
    import sluice.spark
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = (SparkSession.builder.master("local[2]").config("spark.driver.memory", "2g")
               .config("spark.ui.enabled", "false").config("spark.sql.session.timeZone", "UTC")
               .config("spark.driver.bindAddress", "127.0.0.1").getOrCreate())
    session.sparkContext.setLogLevel("ERROR")
    step = 1000

    def make(batches):
        for batch in batches:
            for first in batch["id"].to_pylist():
                count = min(step, asked.series - first)
                yield from table_of(first, count, asked.days).to_batches()

    starts = session.range(0, asked.series, step, numPartitions=8)
    sales = starts.mapInArrow(make, "unique_id string, ds timestamp_ntz, y double")
    sluice.spark.forecast(sales, trained(asked.days), partitions=asked.partitions,
                          rows_at_once=asked.rows_at_once).write.parquet(str(out))
    return peaks_mib({"worker": "pyspark.daemon", "jvm": "java"})


def on_ray(asked, out):
    import ray
    import sluice.ray

    ray.init(num_cpus=3, include_dashboard=False, object_store_memory=2 * 2**30, logging_level="ERROR")
    ray.data.DataContext.get_current().enable_progress_bars = False
    step = 1000

    def make(batch):
        return pa.concat_tables([table_of(first, min(step, asked.series - first), asked.days)
                                 for first in batch["id"].to_pylist()])

    starts = ray.data.from_items([{"id": first} for first in range(0, asked.series, step)]).repartition(8)
    sales = starts.map_batches(make, batch_format="pyarrow", batch_size=10)
    sluice.ray.forecast(sales, trained(asked.days), partitions=asked.partitions,
                        rows_at_once=asked.rows_at_once).write_parquet(str(out))
    return peaks_mib({"actor": "MapBatches(_Actor)", "worker": "ray::", "store": "raylet"})


def fit(asked):
    from sluice._train import Training

    table = table_of(0, asked.series, asked.days)
    Training.of(forecaster(), None).train(table, 1)
    print(json.dumps({"engine": "fit", "rows": table.num_rows, "bytes_of_table": table.nbytes,
                      "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))


def main():
    asked = arguments()
    if asked.engine == "fit":
        fit(asked)
        return
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "forecasts"
        peaks = {"spark": on_spark, "ray": on_ray}[asked.engine](asked, out)
        made = pyarrow.dataset.dataset(out).to_table(columns=["unique_id", "sluice", "reason"])
    assert made.num_rows == 28 * asked.series, made.num_rows
    assert made["sluice"].null_count == 0
    print(json.dumps({"engine": asked.engine, "series": asked.series, "rows": asked.series * asked.days,
                      "rows_at_once": asked.rows_at_once, "partitions": asked.partitions, "peak_mib": peaks}))


if __name__ == "__main__":
    main()
