#!/usr/bin/env python3
"""scripts/gpu_check where the host, its programs and its files misbehave: each costs what it must, and the texts say what it was.

SLUICE_BENCH_STANDIN names the benchmark's stand-in program. No time is asserted."""
import dataclasses
import importlib.util
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "scripts")]

from fake_host import NVIDIA_SMI, ROOT, FakeHost, script  # noqa: E402
from gpu import child, host, plan, summary, table  # noqa: E402

BENCH = os.environ.get("SLUICE_BENCH_STANDIN", "")
ONE_STEP = ("--minutes", "0.15")  # the smoke tests, and what is left


class InterruptsOfNobody:
    def raise_if_any(self):
        pass


class Scratch(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)


class Host(Scratch):
    def setUp(self):
        super().setUp()
        self.host = FakeHost(self.folder, BENCH)

    def refusal(self, status, **environment):
        got, _, err = self.host.run(*ONE_STEP, **environment)
        self.assertEqual((got, len(err.splitlines())), (status, 1), err)
        return err

    def test_a_variable_that_hides_every_card_is_named(self):
        for hidden in ("", "-1"):
            self.assertIn(f"CUDA_VISIBLE_DEVICES='{hidden}' hides every card; unset it",
                          self.refusal(4, CUDA_VISIBLE_DEVICES=hidden))

    def test_a_part_of_a_card_is_looked_up_as_its_card(self):
        script(self.host.bin / "nvidia-smi", r"""
case "$*" in
  -L) printf 'GPU 0: A (UUID: GPU-1)\nGPU 1: B (UUID: GPU-2)\n  MIG 1g.10gb Device 0: (UUID: MIG-77)\n'; exit ;;
  *--id=1) ;;
  *) echo 'No devices were found'; exit 6 ;;
esac
""" + NVIDIA_SMI)
        for name in ("MIG-77", "GPU-2", "GPU-2,GPU-1"):
            self.host.out = self.folder / name
            status, _, err = self.host.run(*ONE_STEP, CUDA_VISIBLE_DEVICES=name)
            self.assertEqual((status, err), (0, ""))

    def test_our_programs_count_cards_as_nvidia_smi_does(self):
        script(self.host.bundle / "sluice_gpu_test", 'echo "order $CUDA_DEVICE_ORDER"')
        self.host.run(*ONE_STEP)
        self.assertIn("order PCI_BUS_ID", self.host.read("tests.log"))

    def test_warnings_around_what_nvidia_smi_says_are_not_taken_for_it(self):
        script(self.host.bin / "nvidia-smi", "echo 'WARNING: infoROM is corrupted at gpu 0000:07:00.0'" + NVIDIA_SMI)
        status, _, err = self.host.run(*ONE_STEP)
        self.assertEqual((status, err), (0, ""))
        self.assertIn("compute capability 9.0, 81559 MiB", self.host.read("summary.txt"))

    def test_what_nvidia_smi_said_instead_of_a_card_is_told(self):
        script(self.host.bin / "nvidia-smi", "echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18")
        self.assertIn("it said: status 18, Failed to initialize NVML: Driver/library version mismatch", self.refusal(4))

    def test_an_nvidia_smi_that_hangs_is_told_from_a_card_that_is_not_there(self):
        script(self.host.bin / "nvidia-smi", "exec sleep 1000")
        with mock.patch.dict(os.environ, {"PATH": str(self.host.bin)}), mock.patch.object(host, "answer_seconds", 0.2), \
                self.assertRaisesRegex(host.Unusable, "it said: not done after 0 s, ended"):
            host.find_card(InterruptsOfNobody())

    def test_a_host_that_hangs_leaves_time_to_measure(self):
        hang = "trap '' TERM; sleep 1000"
        card = "*name,driver*) echo 'H100, 580.1, 81559, 1980';; *compute_cap*) echo 9.0;;"
        script(self.host.bin / "nvidia-smi", f'case "$*" in {card} *) {hang};; esac')
        for name in ("ldd", "python3"):
            script(self.host.bin / name, hang)
        # A Python that does not answer tells of no wheels.
        folders = ":".join(str(self.host.folder / "site/nvidia" / part / "lib") for part in ("cu13", "cudnn"))
        # Without a bound on the questions they take two minutes.
        status, out, _ = self.host.run("--minutes", "0.6", LD_LIBRARY_PATH=folders)
        self.assertEqual(status, 0)
        self.assertRegex(out, r"(?m)^ +\d+ +\d+  tier 1 +passed")
        self.assertEqual(self.host.processes(), [])

    def test_a_description_of_the_build_that_is_cut_has_a_remedy(self):
        (self.host.bundle / "build.json").write_text('{"cuda": ')
        self.assertIn("build.json cannot be read (", self.refusal(1))

    def test_a_build_for_whatever_card_was_there_runs(self):
        self.assertEqual(host.code_for((9, 0), ["native"]), "machine code")

    def test_an_empty_name_of_the_toolkit_is_no_name(self):
        words = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT / 'scripts')!r}); from gpu import host; print(host.TOOLKIT)"]
        ran = subprocess.run(words, env={"CUDA_HOME": ""}, capture_output=True, text=True, check=True)
        self.assertEqual(ran.stdout, "/usr/local/cuda\n")

    def test_of_two_runs_into_one_folder_one_is_refused(self):
        runs = [self.host.start(*ONE_STEP) for _ in range(4)]
        errors = [run.communicate(timeout=50)[1] for run in runs]
        self.assertEqual(sorted(run.returncode for run in runs), [0, 1, 1, 1])
        self.assertEqual(sum("has results of an earlier run (summary.txt)" in error for error in errors), 3)

    def test_a_run_without_time_for_anything_is_no_success(self):
        status, out, _ = self.host.run("--minutes", "0.01")
        self.assertEqual(status, 1)
        self.assertIn("nothing was begun: give it more --minutes", out)

    def test_results_are_whole_when_nobody_can_read_along(self):
        with open("/dev/full", "w") as full:
            process = self.host.start(*ONE_STEP)
            process.communicate()
            self.host.out = self.folder / "again"
            words = [*process.args[:-3], str(self.host.out), *ONE_STEP]
            environment = {"PATH": str(self.host.bin), **self.host.environment}
            self.assertEqual(subprocess.run(words, env=environment, stdout=full, stderr=full, check=False).returncode, 0)
        self.assertRegex(self.host.read("summary.txt"), r"(?m)^end at ")

    def test_letters_that_the_terminal_has_not_are_no_error(self):
        script(self.host.bundle / "sluice_gpu_test", "printf '[ RUN      ] A.\\303\\251\\377\\n'; kill -SEGV $$")
        old = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
        status, out, err = self.host.run(*ONE_STEP, **old)
        self.assertEqual((status, err), (1, ""))
        self.assertRegex(out, r"died: SIGSEGV\s+in A\.\\xe9")
        self.assertRegex((self.host.out / "summary.txt").read_text(encoding="utf-8"), r"died: SIGSEGV\s+in A\.é")


class Bundle(Scratch):
    def test_a_build_that_fails_leaves_no_file_of_its_name(self):
        scripts = self.folder / "scripts"
        scripts.mkdir()
        shutil.copy(ROOT / "scripts" / "bundle", scripts)
        for name in ("setup", "cmake"):
            script(scripts / name, "[ $0 = scripts/setup ]")
        file = self.folder / "a bundle.tar.gz"
        for before in (None, b"of yesterday"):
            if before:
                file.write_bytes(before)
            ran = subprocess.run([str(scripts / "bundle"), str(file)], env={"PATH": f"{scripts}:{os.environ['PATH']}"}, check=False)
            self.assertEqual(ran.returncode, 1)
            self.assertEqual(file.read_bytes() if file.exists() else None, before)
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["a bundle.tar.gz", "scripts"])


class Programs(Scratch):
    def run_program(self, text, seconds=20.0):
        log = self.folder / "log"
        (outcome,) = child.run([child.Command(["sh", "-c", text])], seconds, child.Log(log), InterruptsOfNobody())
        return outcome, log.read_bytes() if log.exists() else b""

    def test_what_floods_is_cut_and_ends_at_its_bound(self):
        with mock.patch.object(child, "MOST_BYTES", 1 << 16):
            outcome, log = self.run_program("exec yes", 0.5)
        self.assertTrue(outcome.timed_out)
        self.assertLess(len(log), 1 << 18)
        self.assertIn(b"what it printed after this is left out: it is more than", log.splitlines()[-1])

    def test_one_line_without_an_end_is_cut(self):
        _, log = self.run_program("tr '\\0' x < /dev/zero | head -c 300000")
        self.assertEqual(log.count(b"x"), 300000)
        self.assertGreater(len(log.splitlines()), 2)

    def test_a_flood_that_a_program_leaves_behind_does_not_hold_its_step(self):
        outcome, _ = self.run_program("setsid yes & sleep 0.2")
        self.assertEqual((outcome.status, outcome.timed_out), (0, False))

    def test_what_cannot_be_killed_is_left_behind_and_told(self):
        started = []

        def no_signal(of, _number):
            started.append(of.process)

        with mock.patch.object(child._Child, "signal_group", no_signal), mock.patch.object(child, "KILLED_SECONDS", 0.1), \
                mock.patch.object(child, "GRACE_SECONDS", 0.1):
            outcome, _ = self.run_program("exec sleep 1000", 0.1)
        started[0].kill()
        started[0].wait()
        self.assertIn("does not end although it was killed: it waits in a driver", outcome.trouble(0.1))

    def test_signals_that_were_to_be_ignored_stay_ignored(self):
        program = (f"import sys; sys.path.insert(0, {str(ROOT / 'scripts')!r}); from gpu import child; import os, signal; "
                   "i = child.Interrupts(); os.kill(os.getpid(), signal.SIGHUP); print(i.signal)")
        for start, got in ((["nohup"], "None"), ([], str(int(signal.SIGHUP)))):
            ran = subprocess.run([*start, sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                 stdin=subprocess.DEVNULL, text=True, check=False)
            self.assertEqual(ran.stdout.strip(), got, start)


class Steps(Scratch):
    def run_steps(self, steps, seconds):
        """{name: state}, the summary."""
        begin = time.monotonic()
        written = summary.Summary(self.folder, begin, [])
        with mock.patch.object(plan, "STEPS", steps):
            plan.run_steps(None, written, begin + seconds, lambda text: None)
        return {entry.name: entry.result.state for entry in written.entries}, written.text()

    @staticmethod
    def step(name, share, run=lambda check, bound: summary.Result(summary.PASSED, "")):
        return plan.Step(name, share, "tests.log", run)

    def test_the_first_ones_have_the_time_if_there_is_little(self):
        def run(_check, bound):
            time.sleep(bound)
            return summary.Result(summary.PASSED, "")
        with mock.patch.object(plan, "LEAST_SECONDS", 0.2):
            steps = [dataclasses.replace(self.step(name, share, run), least=0.2) for name, share in (("a", 1), ("b", 1), ("c", 90))]
            states, _ = self.run_steps(steps, 0.5)
        self.assertEqual(states, {"a": "passed", "b": "passed", "c": "not begun"})

    def test_an_error_of_our_own_costs_its_step(self):
        def fail(_check, _bound):
            raise KeyError("nothing")
        states, text = self.run_steps([self.step("a", 1, fail), self.step("b", 1)], 60)
        self.assertEqual(states, {"a": "FAILED", "b": "passed"})
        self.assertIn("own error, please report it: KeyError: 'nothing'", " ".join(text.split()))


class Results(Scratch):
    CASE = {"kind": "case", "section": "recurrence", "name": "é\u2028", "type": "bf16", "method": "gemm", "phase": "train",
            "parameters": {"B": 64, "T": 3, "I": 4, "H": 32, "L": 1}, "best_seconds": 2e-3}
    RATE = {"kind": "rate", "name": "copy", "unit": "B", "work": 1.0, "graph_seconds": [1e-3]}

    def read_by_peer(self, file):
        spec = importlib.util.spec_from_file_location("peer", ROOT / "benchmarks" / "peers" / "pytorch_lstm.py")
        peer = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(peer)
        return peer.read_sluice(file)[1]

    def test_lines_are_read_wherever_they_are_cut(self):
        whole = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in (self.CASE, self.RATE)).encode()
        file = self.folder / "bench.jsonl"
        counts = set()
        for length in range(len(whole) + 1):
            file.write_bytes(whole[:length])
            lines = len(table.read_lines(file))
            counts.add((lines, len(self.read_by_peer(file))))
            self.assertNotIn("cannot be made", "".join(table.tables(file, self.folder / "none")))
        self.assertEqual(counts, {(0, 0), (1, 1), (2, 1)})

    def test_a_line_that_is_none_of_ours_is_said_and_keeps_the_other_tables(self):
        file = self.folder / "bench.jsonl"
        file.write_text(json.dumps({"kind": "case", "name": "x", "best_seconds": 1}) + "\n" + json.dumps(self.RATE) + "\n")
        text = "\n".join(table.tables(file, self.folder / "none"))
        self.assertIn("recurrence_table cannot be made of bench.jsonl: KeyError", text)
        self.assertRegex(text, r"copy +1000 B")

    def test_a_summary_on_a_disk_that_takes_nothing_any_more_is_an_error_with_its_remedy(self):
        written = summary.Summary(self.folder, time.monotonic(), [])
        with mock.patch.object(os, "replace", side_effect=OSError(30, "Read-only file system")), \
                mock.patch.object(pathlib.Path, "unlink", side_effect=OSError(30, "Read-only file system")), \
                self.assertRaisesRegex(child.ResultsError, r"Read-only file system\); see that the folder is still there"):
            written.start("a step")


class Peer(Scratch):
    def setUp(self):
        super().setUp()
        self.host = FakeHost(self.folder, BENCH)

    def run_peer(self, *words):
        words = [str(self.host.bin / "python3"), str(self.host.bundle / "peers" / "pytorch_lstm.py"), "--cuda", *words]
        return subprocess.run(words, capture_output=True, text=True, env={"PATH": str(self.host.bin)}, timeout=30, check=False)

    def with_torch(self, text):
        (self.folder / "site" / "torch.py").write_text(text)

    def test_a_pytorch_that_cannot_be_loaded_is_no_missing_one(self):
        for text in ("raise OSError('libcublas.so.12: cannot open shared object file')", "import nvidia_of_nowhere"):
            self.with_torch(text)
            ran = self.run_peer("--shape", "64,3,4,32,1")
            self.assertEqual((ran.returncode, len(ran.stderr.splitlines())), (1, 1), ran.stderr)
            self.assertRegex(ran.stderr, r"has a torch that cannot be loaded \((OSError: libcublas|ModuleNotFoundError: No module)")

    def test_a_clock_that_stands_still_and_an_odd_error_cost_their_case(self):
        standin = (HERE / "torch_standin" / "torch.py").read_text()
        for change in (("return end.at - self.at", "return 0.0"), ("_now += 1.0", "raise TypeError"),
                       ("empty_cache=lambda: None", "empty_cache=None")):
            self.with_torch(standin.replace(*change))
            file = self.folder / "lines"
            ran = self.run_peer("--shape", "64,3,4,32,1", "--jsonl", str(file))
            self.assertEqual(ran.returncode, 0, ran.stderr)
            self.assertEqual(len(table.read_lines(file)), 1 + 2 * 4)

    def test_samples_are_at_least_one(self):
        for number in ("0", "-3", "many"):
            ran = self.run_peer("--shape", "64,3,4,32,1", "--samples", number)
            self.assertEqual(ran.returncode, 2)
            self.assertIn("argument --samples: invalid", ran.stderr)


if __name__ == "__main__":
    unittest.main()
