"""What of the documentation is not run where it stands, and why; and what its readers are taken to have.

A key of a table is a page and a text that one block of it has. An entry that no block has is an error, and so is a
block that is neither run nor listed.
"""

# Whole pages that another test reads.
PAGES_ELSEWHERE = {
    "docs/scale.md": "tests/python/test_docs.py: it needs Spark and Ray, and compares their numbers",
}

# Run, or compared with the file that they show, by another test.
ELSEWHERE = {
    ("docs/deploy.md", "cmake --install build/release"): "tests/package/deploy_test.py",
    ("docs/deploy.md", "export PATH=~/sluice/bin"): "tests/package/deploy_test.py",
    ("docs/deploy.md", "export PKG_CONFIG_PATH"): "tests/package/deploy_test.py",
    ("docs/deploy.md", "sluice_job_set(job, \"network.predict_day\""): "tests/api/example_test.py",
    ("docs/deploy.md", "find_package(sluice"): "tests/package/deploy_test.py",
    ("docs/deploy.md", "--target package"): "tests/package/deb_test.py",
    ("docs/deploy.md", "apt-get install --yes --no-install-recommends ./sluice"): "tests/package/deb_test.py",
    ("docs/deploy.md", "install --directory /srv/sluice"): "tests/package/deb_test.py",
    ("docs/deploy.md", "[Service]"): "tests/package/deploy_test.py",
    ("docs/deploy.md", "[Timer]"): "tests/package/deploy_test.py",
    ("docs/deploy.md", "systemctl enable"): "tests/package/deb_test.py, but for the last command: its Debian runs no systemd",
    ("docs/deploy.md", "FROM docker.io"): "tests/package/deploy_test.py; deb_test.py runs its steps",
    ("docs/guide.md", "--mode.resume true"): "tests/run/training/resume_test.cpp: it needs a training that was interrupted",
    ("docs/guide.md", "python -m sluice.holidays"): "tests/python/test_holidays.py, but for the training on the reader's file",
    ("docs/python.md", "pip install ."): "tests/python/test_wheel.py: it builds all anew",
}

# Not run by any test.
NOT_RUN = {
    ("README.md", "include/sluice/   "): "shows the tree; a test of its own compares it",
    ("README.md", "scripts/demo"): "builds all and runs this test",
    ("docs/accuracy.md", "accuracy/run --quick"): "needs the network and minutes; tests/benchmarks/accuracy has its parts",
    ("docs/article.md", "76163"): "scores on the article's file, which is not in the repository",
    ("docs/article.md", "327551"): "scores on the article's file, which is not in the repository",
    ("docs/deploy.md", "docker build"): "needs docker",
    ("docs/guide.md", "-DSLUICE_GPU_ONLY=ON"): "needs nvcc and a GPU; tests/scripts runs it dry",
    ("docs/guide.md", "gpu_check --minutes 8"): "needs a GPU; tests/scripts runs it dry",
    ("docs/guide.md", "partners by validation"): "what validation says depends on the training; the table is in tests/run/training",
    ("docs/guide.md", "./sluice train configs/catalog.toml"): "is for a host that has the bundle",
    ("docs/kernels.md", "sluice-bench cpu --json"): "takes minutes; tests/benchmarks runs it small",
    ("docs/kernels.md", "sluice-bench cpu --selection"): "writes a table of this machine into the sources",
    ("docs/onnx.md", "pip install"): "needs the network",
    ("docs/results.md", "sluice simulate cat.parquet"): "needs a GPU",
    ("docs/trust.md", "scripts/faults"): "takes hours; tests/faults takes some of its faults",
    ("docs/trust.md", "scripts/fuzz"): "needs clang, and takes minutes; tests/fuzz runs the corpus",
    ("docs/trust.md", "scripts/threads"): "needs clang, and takes long",
}

# Commands on files of others, which are not in the repository: they are run up to there. Everything but the file is
# right where they end with status 3 and say that it is not there.
OTHERS_FILES = {
    ("docs/results.md", "train configs/hourly.toml --path.data DATA"): "Monash's M4 Hourly",
    ("docs/results.md", "train configs/walmart.toml"): "a part of M5",
    ("docs/results.md", "evaluate configs/shop.toml"): "the article's",
    ("docs/results.md", "train configs/article.toml"): "the article's",
    ("docs/results.md", "--engine.precision bf16"): "Monash's M4 Hourly",
}

# Names in the text that look like settings.
NO_SETTINGS = {"engine.dev": "a beginning, which the shell completes"}

# And files.
NO_FILES = {"benchmarks/results/DEVICE-DATE": "a pattern"}

# Packages that a reader of these pages may lack: their snippets are then left out, with a warning.
OPTIONAL = {"mlflow", "onnx", "onnxruntime", "optuna", "pyspark", "ray", "safetensors", "tensorboard", "torch"}

ROSSMANN = r"""
for store in 1 2; do for day in $(seq 0 119); do
  date=$(date -d "2015-01-01 + $day days" +%F); open=$((day % 7 != 3)); holiday=$((day == 0))
  echo "$store,$date,$((open * (5000 + store * 100 + day))),$open,$((day / 7 % 2)),${holiday/1/a}"
done; done | (echo Store,Date,Sales,Open,Promo,StateHoliday; cat) >train.csv
for store in 1 2; do for day in $(seq 120 140); do
  echo "$store,$(date -d "2015-01-01 + $day days" +%F),$((day % 7 != 3)),$((day / 7 % 2)),0"
done; done | (echo Store,Date,Open,Promo,StateHoliday; cat) >test.csv
"""

# Commands that make the files which a page takes its reader to have.
FILES = {
    "docs/article.md": "sluice simulate Data.csv --schema article",
    "docs/data.md": "sluice simulate sales.parquet --stores 2 --items 3 --days 150",
    "docs/guide.md": ROSSMANN,
    "docs/model-file.md": "sluice simulate demo/catalog.csv --stores 2 --items 3 --days 230\n"
                          "sluice train configs/catalog.toml --training.steps 10 --training.final_fit false",
}
