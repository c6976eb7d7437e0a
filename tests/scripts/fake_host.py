"""A host with a GPU, of shell scripts: nvidia-smi, ldd, ncu, compute-sanitizer, a Python with a stand-in for PyTorch and the
wheels of CUDA; and a bundle with the benchmark on the stand-in for CUDA and a test program that does as it is told.

FAKE_TESTS="hang:TEXT" (die, fail, sticky; stay: hang, in a program of its own, and not end when asked to): what the test
program does where its filter has TEXT."""
import os
import pathlib
import shutil
import stat
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TORCH = pathlib.Path(__file__).resolve().parent / "torch_standin"

NVIDIA_SMI = r"""
case "$*" in
  *name,driver*)
    [ -z "$FAKE_NO_CARD" ] || { echo 'No devices were found'; exit 6; }
    echo 'NVIDIA H100 80GB HBM3, 580.159.04, 81559, 1980' ;;
  *compute_cap*) echo "${FAKE_COMPUTE:-9.0}" ;;
  *) printf 'Driver Version : 580.159.04\nCUDA Version                              : %s\n' "${FAKE_CUDA:-13.0}" ;;
esac
"""
LDD = r"""
printf '\tlibgomp.so.1 => %s\n' "${FAKE_GOMP:-/usr/lib/libgomp.so.1 (0x0000)}"
"""
TESTS = r"""
for word in "$@"; do case $word in --gtest_filter=*) filter=${word#*=} ;; esac; done
what=${FAKE_TESTS%%:*}
case "$filter" in *"${FAKE_TESTS#*:}"*) ;; *) what= ;; esac
echo "libraries: $LD_LIBRARY_PATH"
printf '[ RUN      ] Fake.First\n[       OK ] Fake.First (0 ms)\n[ RUN      ] Fake.Second\n'
case "$what" in
  hang) exec sleep 1000 ;;
  stay) trap '' TERM; sleep 1000 ;;
  die) kill -SEGV $$ ;;
  fail) echo '[  FAILED  ] Fake.Second (1 ms)'; exit 1 ;;
  sticky) echo 'an illegal memory access was encountered'; echo '[  FAILED  ] Fake.Second (1 ms)'; exit 1 ;;
esac
echo '[       OK ] Fake.Second (0 ms)'
"""
# The stand-in's times mean nothing: one short sample of each case, and the cases of a few shapes.
BENCH = r"""
if [ "$2" = --libraries ]; then
  IFS=:
  for name in libcublas.so.13 libcudnn.so.9; do
    file='not found (no such file)'
    for folder in $LD_LIBRARY_PATH; do [ ! -e "$folder/$name" ] || { file="$folder/$name"; break; }; done
    printf '%s => %s\n' "$name" "$file"
  done
  exit
fi
echo "libraries: $LD_LIBRARY_PATH" >&2
left=$#
while [ "$left" -gt 0 ]; do
  case $1 in
    --repeat | --sample-seconds) shift 2; left=$((left - 2)) ;;
    *) set -- "$@" "$1"; shift; left=$((left - 1)) ;;
  esac
done
exec "$FAKE_BENCH" "$@" --repeat 1 --sample-seconds 0.00001 --filter 'rate/device copy' --filter engine/ \
  --filter /32768,24,15,128,1 --filter /256,24,15,128,1 --filter cudnn/cudnn_standard/fp16/train
"""
SANITIZER = r"""
echo "$*"; echo '========= ERROR SUMMARY: 0 errors'
"""
NCU = r"""
echo "$*"; echo '==PROF== Profiling "kernel"'
"""


def script(path, text):
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


class FakeHost:
    """In `folder`: bin/ (the PATH), site/ (Python's packages), bundle/ and, for the results, out/."""

    def __init__(self, folder, bench):
        self.folder = pathlib.Path(folder)
        self.bin, self.bundle, self.out = self.folder / "bin", self.folder / "bundle", self.folder / "out"
        self.environment = {"FAKE_MARK": str(self.folder), "FAKE_BENCH": str(bench), "CUDA_HOME": f"{folder}/no-toolkit"}
        self._make_bin()
        self._make_site()
        self._make_bundle(bench)

    def _make_bin(self):
        self.bin.mkdir()
        for name in ("sh", "sleep", "bash", "env"):
            (self.bin / name).symlink_to(shutil.which(name))
        for name, text in (("nvidia-smi", NVIDIA_SMI), ("ldd", LDD), ("ncu", NCU), ("compute-sanitizer", SANITIZER)):
            script(self.bin / name, text)
        # The one whose PyTorch is looked for; the other runs gpu_check.
        driver = self.folder / "driver"
        driver.mkdir()
        (driver / "libcuda.so.1").symlink_to(self._any_library())
        script(self.bin / "python3", f'PYTHONPATH="{self.folder}/site:{TORCH}" '
               f'LD_LIBRARY_PATH="$LD_LIBRARY_PATH:{driver}" exec {sys.executable} -B "$@"\n')

    @staticmethod
    def _any_library():
        for line in pathlib.Path("/proc/self/maps").read_text().splitlines():
            if "libc.so" in line or "libc-" in line:
                return line.split()[-1]
        raise AssertionError("this Python has no libc")

    def _make_site(self):
        for part, name in (("cu13", "libcublas.so.13"), ("cudnn", "libcudnn.so.9")):
            place = self.folder / "site" / "nvidia" / part / "lib"
            place.mkdir(parents=True)
            (place / name).touch()

    def _make_bundle(self, bench):
        (self.bundle / "peers").mkdir(parents=True)
        shutil.copy(ROOT / "scripts" / "gpu_check", self.bundle)
        shutil.copytree(ROOT / "scripts" / "gpu", self.bundle / "gpu", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "benchmarks" / "peers" / "pytorch_lstm.py", self.bundle / "peers")
        script(self.bundle / "sluice-bench", BENCH)
        script(self.bundle / "sluice_gpu_test", TESTS)
        (self.bundle / "COMMIT").write_text("0123456789ab\n")
        (self.bundle / "build.json").write_text('{"cuda": "13.0.88", "architectures": ["90a-real"]}\n')

    def start(self, *arguments, **environment):
        """gpu_check of the bundle as a process whose output is read by its caller."""
        words = [sys.executable, "-B", str(self.bundle / "gpu_check"), "--out", str(self.out), *arguments]
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "LC_ALL") if name in os.environ}
        everything = {**kept, "PATH": str(self.bin), **self.environment, **environment}
        return subprocess.Popen(words, env=everything, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *arguments, **environment):
        """(status, standard output, standard error)."""
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=50)
        return process.returncode, out, err

    def read(self, name):
        return (self.out / name).read_text()

    def files(self):
        return sorted(path.name for path in self.out.iterdir())

    def processes(self):
        """Command lines of what this host has started and is still there."""
        mark = f"FAKE_MARK={self.folder}".encode()
        found = []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if mark in (process / "environ").read_bytes().split(b"\0"):
                    found.append((process / "cmdline").read_bytes())
            except OSError:
                pass  # ended, or another's
        return found
