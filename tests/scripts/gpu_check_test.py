#!/usr/bin/env python3
"""The dry run of scripts/gpu_check: all of it on a host of stand-ins, with steps that hang, die and fail, and bad input.

SLUICE_BENCH_STANDIN names the benchmark's stand-in program. Takes about half a minute; no time is asserted."""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "scripts")]

from fake_host import FakeHost, script  # noqa: E402
from gpu import host as gpu_host  # noqa: E402
from gpu import child, outputs, summary, table  # noqa: E402

BENCH = os.environ.get("SLUICE_BENCH_STANDIN", "")
FILES = ["bench.jsonl", "bench.log", "ncu.txt", "pytorch.jsonl", "sanitizer.log", "summary.txt", "tests.log"]
STEPS = ["smoke tests", "rates", "tier 1", "engine", "tests", "grid", "ncu", "compute-sanitizer", "PyTorch",
         "cuDNN's tests", "cuDNN, compiled", "rest", "large tests"]
SHORT = ("--minutes", "0.7")  # enough for the stand-ins; a step that hangs gets its share only


SANITIZER_THAT_COMPLAINS = r"""
report() { printf '========= Uninitialized __global__ memory read of size 4 bytes\n=========     at %s\n' "$1"
           printf '=========     by thread (1,0,0) in block (0,0,0)\n=========     Address 0x7f\n========= \n'; }
echo '========= COMPUTE-SANITIZER'
for i in 1 2 3 4 5 6 7 8 9; do report 'void sluice::<unnamed>::often<(int)2>(float *)+0x980'; done
report 'once(int)+0x10'
echo '[       OK ] Fake.Test'
echo '========= ERROR SUMMARY: 10 errors'; exit 9
"""


class GpuCheck(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.host = FakeHost(scratch.name, BENCH)

    def states(self):
        """{step: (state, text)} of the summary."""
        found = {}
        for line in re.sub(r"\n {17}", " ", self.host.read("summary.txt")).splitlines():
            name = line[15:35].strip()
            if name in [*STEPS, "memcheck"] and line[:14].split():
                state = next((state for state in ("passed", "FAILED", "left out", "not begun") if line[35:].startswith(state)), "")
                found[name] = (state, line[46:])
        return found

    def assert_only_failed(self, **texts):
        """Of all steps those named, with `_` for a blank, and each with its text."""
        failed = {name: text for name, (state, text) in self.states().items() if state == "FAILED"}
        wanted = {name.replace("_", " "): text for name, text in texts.items()}
        self.assertEqual(sorted(failed), sorted(wanted))
        for name, text in wanted.items():
            self.assertIn(text, failed[name])
        self.assert_whole_files()
        self.assertEqual(self.host.processes(), [])

    def assert_whole_files(self):
        for name in ("bench.jsonl", "pytorch.jsonl"):
            if (self.host.out / name).exists():
                for line in self.host.read(name).splitlines():
                    json.loads(line)
        self.assertTrue(self.host.read("summary.txt").endswith("\n"))
        self.assertTrue(set(self.host.files()) <= set(FILES), self.host.files())

    def assert_refused(self, ran, status, *texts):
        got, _, err = ran
        self.assertEqual(got, status, err)
        self.assertEqual(len(err.splitlines()), 1, err)
        for text in ("gpu_check: ", *texts):
            self.assertIn(text, err)


class WholeRun(GpuCheck):
    def test_every_step_ends_with_its_line_and_its_file(self):
        status, out, err = self.host.run()
        self.assertEqual((status, err), (0, ""), out)
        self.assertEqual(self.host.files(), FILES)
        states = self.states()
        self.assertEqual(list(states), [step for step in STEPS if step != "cuDNN, compiled"])  # of a short run
        self.assertEqual({name: state for name, state in states.items() if state[0] != "passed"}, {})
        self.assertRegex(states["engine"][1], r"^[1-9]\d* measured")
        self.assertIn("no step failed", out)


class ShortRun(GpuCheck):
    """Of what a run with --minutes leaves."""

    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.host = FakeHost(scratch.name, BENCH)
        cls.host.run(*SHORT)

    def setUp(self):
        pass

    def test_the_summary_has_ours_beside_cudnn_and_pytorch(self):
        summary = self.host.read("summary.txt")
        self.assertIn("NVIDIA H100 80GB HBM3", summary)
        self.assertRegex(summary, r"(?m)^train 32768,24,15,128,1 .*\n  fused_mma +bf16 .* 65\.536 +\d\S+$")
        self.assertRegex(summary, r"(?m)^    PyTorch of 16 bit  bf16$")

    def test_the_summary_fits_a_terminal(self):
        wide = [line for line in self.host.read("summary.txt").splitlines() if len(line) > 80 and str(self.host.folder) not in line]
        self.assertEqual(wide, [])

    def test_our_programs_alone_get_the_libraries_of_the_wheels(self):
        wheels = f"{self.host.folder}/site/nvidia/cu13/lib:{self.host.folder}/site/nvidia/cudnn/lib"
        self.assertIn(f"libraries: {wheels}", self.host.read("tests.log"))
        theirs = [line for line in self.host.read("bench.log").splitlines() if line.startswith("stand-in's libraries")]
        self.assertEqual(len(theirs), 1)
        self.assertNotIn("site/nvidia", theirs[0])
        self.assertIn(f"libcudnn.so.9 {self.host.folder}/site/nvidia/cudnn/lib/libcudnn.so.9", self.host.read("summary.txt"))

    def test_pytorch_is_measured_on_the_first_shapes_in_four_types_nine_times(self):
        cases = [line for line in table.read_lines(self.host.out / "pytorch.jsonl") if line["kind"] == "case"]
        self.assertEqual({case["type"] for case in cases}, {"bf16", "fp16", "tf32", "fp32"})
        self.assertIn({"B": 32768, "T": 24, "I": 15, "H": 128, "L": 1}, [case["parameters"] for case in cases])
        self.assertEqual({len(case["eager_seconds"]) for case in cases}, {9})


class OneStep(GpuCheck):
    """A step that hangs, dies or fails costs that step only."""

    def test_that_hangs(self):
        status, _, _ = self.host.run(*SHORT, FAKE_TESTS="stay:DeviceBase")
        self.assertEqual(status, 1)
        self.assert_only_failed(smoke_tests="ended in Fake.Second")

    def test_that_dies(self):
        self.host.run(*SHORT, FAKE_TESTS="die:-*udnn*")
        self.assert_only_failed(tests="died: SIGSEGV in Fake.Second")

    def test_that_loses_the_device_has_memcheck_at_once(self):
        status, out, _ = self.host.run(*SHORT, FAKE_TESTS="sticky:DeviceBase")
        self.assertEqual(status, 1)
        self.assert_only_failed(smoke_tests="1 failed")
        self.assertRegex(out, r"(?m)^ +\d+ +\d+  memcheck +passed")
        self.assertLess(out.index("  memcheck  "), out.index("  rates  "))

    def test_of_timings_with_cases_that_hang_die_and_break_the_device(self):
        # The first three of the step: a slow machine has no time for the last.
        names = {what: f"recurrence/{method}/forward/32768,24,15,128,1" for what, method in (
            ("die", "fused_mma/bf16"), ("sticky", "fused_mma.noh/bf16"), ("hang", "fused_mma/tf32"))}
        self.host.run(*SHORT, SLUICE_STANDIN_INJECT=";".join(f"{what}:{name}" for what, name in names.items()))
        self.assert_only_failed(tier_1="3 lost")
        lost = [line for line in table.read_lines(self.host.out / "bench.jsonl") if line["kind"] == "lost"]
        self.assertEqual(sorted(line["case"] for line in lost), sorted(names.values()))
        for name in names.values():
            self.assertIn(name, self.host.read("summary.txt"))

    def test_of_timings_without_a_device_says_what_the_benchmark_said(self):
        self.host.run(*SHORT, SLUICE_STANDIN_INJECT="absent:")
        state, text = self.states()["tier 1"]
        self.assertEqual(state, "FAILED")
        self.assertRegex(text, r"0 measured; .*status 4; sluice-bench: no worker gets ready any more")

    def test_of_pytorch_that_hangs(self):
        self.host.run("--minutes", "0.4", FAKE_TORCH="hang")
        self.assert_only_failed(PyTorch="not done after")

    def test_that_fails(self):
        script(self.host.bin / "ncu", "echo '==ERROR== ERR_NVGPUCTRPERM'; exit 1\n")
        script(self.host.bin / "compute-sanitizer", SANITIZER_THAT_COMPLAINS)
        self.host.run(*SHORT, FAKE_TESTS="fail:standard", FAKE_TORCH="fail")
        self.assert_only_failed(**{"cuDNN's_tests": "1 failed", "ncu": "0 of 4", "compute-sanitizer": "initcheck: ERROR SUMMARY: 10 errors"})
        summary = self.host.read("summary.txt")
        self.assertIn("  initcheck: 9 in sluice::<unnamed>::often<(int)2>: Uninitialized __global__\n    memory read of size 4 bytes\n"
                      "  initcheck: 1 in once: Uninitialized __global__ memory read of size 4 bytes\n", summary)
        log = self.host.read("sanitizer.log")
        self.assertEqual(log.count("[initcheck] =========     at void sluice::<unnamed>::often<(int)2>(float *)+0x980\n"), 3)
        self.assertEqual(log.count("[initcheck] =========     at once(int)+0x10\n"), 1)
        self.assertEqual(log.count("[initcheck] [       OK ] Fake.Test\n"), 1)
        self.assertIn("cuDNN's tests:\n  Fake.Second\n", summary)
        self.assertIn("ERR_NVGPUCTRPERM", summary)
        state, text = self.states()["PyTorch"]  # one case without memory keeps the others
        self.assertEqual(state, "passed")
        self.assertRegex(text, r"^[1-9]\d* measured; [1-9]\d* failed")


class LeftOut(GpuCheck):
    def test_says_where_the_time_ended(self):
        self.host.run("--minutes", "0.2")
        self.assertEqual(self.states()["large tests"][0], "not begun")
        self.assertRegex(self.host.read("summary.txt"), r"(?m)^end at \d+ s of 12; too little time was left for: .*large tests$")

    def test_what_is_not_here_is_left_out_with_its_remedy(self):
        for tool in ("ncu", "compute-sanitizer"):
            (self.host.bin / tool).unlink()
        script(self.host.bin / "python3", f'PYTHONPATH="{self.host.folder}/site" exec {sys.executable} -B "$@"\n')
        status, _, _ = self.host.run(*SHORT)
        self.assertEqual(status, 0)
        states = self.states()
        for step, remedy in (("ncu", "install ncu"), ("compute-sanitizer", "install compute-sanitizer"),
                             ("PyTorch", "install PyTorch")):
            self.assertEqual(states[step][0], "left out")
            self.assertIn(f"not here; {remedy}", states[step][1])
        self.assertEqual(states["rest"][0], "passed")


class BadInput(GpuCheck):
    def test_no_nvidia_smi(self):
        (self.host.bin / "nvidia-smi").unlink()
        self.assert_refused(self.host.run(), 4, "nvidia-smi is missing", "NVIDIA driver")

    def test_no_card(self):
        self.assert_refused(self.host.run(FAKE_NO_CARD="1"), 4, "shows none numbered '0'", "CUDA_VISIBLE_DEVICES")

    def test_a_card_that_is_too_old(self):
        self.assert_refused(self.host.run(FAKE_COMPUTE="7.5"), 4, "compute capability 7.5; 8.0 or newer")

    def test_a_card_that_the_build_has_no_code_for(self):
        self.assert_refused(self.host.run(FAKE_COMPUTE="8.0"), 4, "code for 90a-real only", "scripts/bundle --arch 80")

    def test_a_driver_older_than_the_toolkit(self):
        self.assert_refused(self.host.run(FAKE_CUDA="12.8"), 4, "is for CUDA 12.8", "made with CUDA 13.0", "install a newer driver")

    def test_libraries_that_are_not_there(self):
        (self.host.folder / "site" / "nvidia" / "cudnn" / "lib" / "libcudnn.so.9").unlink()
        self.assert_refused(self.host.run(), 1, "not found: libcudnn.so.9", f"{self.host.folder}/site/nvidia/cu13/lib",
                            "nvidia-cudnn-cu13")

    def test_libraries_that_the_programs_are_linked_with_and_are_not_there(self):
        self.assert_refused(self.host.run(FAKE_GOMP="not found"), 1, "not found: libgomp.so.1")

    def test_a_folder_that_is_no_bundle(self):
        (self.host.bundle / "sluice-bench").unlink()
        self.assert_refused(self.host.run(), 1, "has no sluice-bench", "bundle")

    def test_results_that_cannot_be_written(self):
        (self.host.folder / "file").touch()
        self.assert_refused(self.host.run("--out", str(self.host.folder / "file" / "out")), 1, "cannot be written", "--out")

    def test_results_of_an_earlier_run_are_kept(self):
        self.host.out.mkdir()
        (self.host.out / "bench.jsonl").write_text("{}\n")
        self.assert_refused(self.host.run(), 1, "results of an earlier run", "--out")
        self.assertEqual(self.host.read("bench.jsonl"), "{}\n")

    def test_a_full_disk_keeps_what_was_measured(self):
        self.host.out.mkdir()
        (self.host.out / "sanitizer.log").symlink_to("/dev/full")
        status, out, err = self.host.run()
        self.assertEqual(status, 1)
        self.assertIn("sanitizer.log cannot be written (No space left on device); make room there", err)
        self.assertIn("ENDED at", self.host.read("summary.txt"))
        self.assertIn("32768,24,15,128,1", out)
        self.assert_whole_files()
        self.assertEqual(self.host.processes(), [])

    def test_a_wrong_command_line(self):
        for words in (("--minutes", "0"), ("--minutes", "soon"), ("--quick",), ("/nowhere",)):
            status, _, err = self.host.run(*words)
            self.assertEqual(status, 2, words)
            self.assertIn("gpu_check: error: ", err)


class CutInTheMiddle(GpuCheck):
    def cut(self, number, how="hang"):
        """Status and standard error of a run that got a signal while its shards of tests hang."""
        process = self.host.start(FAKE_TESTS=f"{how}:-*udnn*")
        self.addCleanup(process.kill)  # nothing, if all is well
        until = time.monotonic() + 40
        while time.monotonic() < until and not ((self.host.out / "summary.txt").exists()
                                                and "running: tests" in self.host.read("summary.txt")):
            time.sleep(0.05)
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
        return process.returncode, err

    def assert_keeps_what_was_measured(self):
        self.assert_whole_files()
        self.assertEqual(self.states()["tier 1"][0], "passed")
        self.assertRegex(self.host.read("summary.txt"), r"(?m)^train 32768,24,15,128,1 ")
        until = time.monotonic() + 10  # what was killed takes a moment to be gone
        while self.host.processes() and time.monotonic() < until:
            time.sleep(0.05)
        self.assertEqual(self.host.processes(), [])

    def test_by_ctrl_c_or_the_end_of_the_lease(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                self.host.out = self.host.folder / str(int(number))
                status, err = self.cut(number)
                self.assertEqual(status, 128 + number)
                self.assertIn(f"ended by signal {int(number)}", err)
                self.assertRegex(self.host.read("summary.txt"), rf"(?m)^CUT by signal {int(number)} at \d+ s; running: tests")
                self.assert_keeps_what_was_measured()

    def test_by_being_killed(self):
        for how in ("hang", "stay"):  # the programs themselves, and what they have started
            with self.subTest(how):
                self.host.out = self.host.folder / how
                status, _ = self.cut(signal.SIGKILL, how)
                self.assertEqual(status, -signal.SIGKILL)
                self.assert_keeps_what_was_measured()


class Peers(unittest.TestCase):
    """pytorch_lstm.py --cuda by itself."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.host = FakeHost(scratch.name, BENCH)

    def run_peer(self, *words):
        words = [str(self.host.bin / "python3"), str(self.host.bundle / "peers" / "pytorch_lstm.py"), "--cuda", *words]
        return subprocess.run(words, capture_output=True, text=True, env={"PATH": str(self.host.bin)}, timeout=30)

    def written(self, text):
        file = self.host.folder / "sluice.json"
        file.write_text(text)
        return str(file)

    CASE = {"kind": "case", "section": "recurrence", "name": "recurrence/fused_mma/bf16/train/64,3,4,32,1", "type": "bf16",
            "method": "fused_mma", "phase": "train", "parameters": {"B": 64, "T": 3, "I": 4, "H": 32, "L": 1}, "best_seconds": 2e-3}

    def test_reads_lines_up_to_where_a_run_was_cut(self):
        ran = self.run_peer("--sluice-json", self.written(json.dumps(self.CASE) + '\n{"kind": "ca'), "--type", "bf16")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertRegex(ran.stdout, r"64,3,4,32,1 +train +bf16 .* 2000\.0 +0\.25 fused_mma")

    def test_reads_a_document(self):
        document = {"machine": {"device": "x"}, "results": [self.CASE]}
        ran = self.run_peer("--sluice-json", self.written(json.dumps(document)), "--type", "bf16")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("64,3,4,32,1", ran.stdout)

    def test_says_that_a_cut_document_has_no_shapes(self):
        ran = self.run_peer("--sluice-json", self.written("null\n"))
        self.assertEqual(ran.returncode, 1)
        self.assertIn("has no case whose name contains 'recurrence/' (was the run cut?); name shapes by --shape", ran.stderr)

    def test_takes_shapes_without_results_of_ours(self):
        ran = self.run_peer("--shape", "64,3,4,32,1", "--type", "fp16", "--sluice-json", self.written("null\n"))
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("64,3,4,32,1", ran.stdout)


class Parts(unittest.TestCase):
    def test_a_summary_that_cannot_be_written_keeps_the_one_before(self):
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            written = summary.Summary(folder, time.monotonic(), ["the head"])
            before = (folder / "summary.txt").read_text()
            (folder / ".summary.new").symlink_to("/dev/full")
            with self.assertRaisesRegex(child.ResultsError, r"summary.txt cannot be written \(No space left on device\); make room"):
                written.start("a step")
            self.assertEqual((folder / "summary.txt").read_text(), before)
            self.assertEqual([path.name for path in folder.iterdir()], ["summary.txt"])

    def test_an_engine_with_cudnn_does_not_stand_beside_a_recurrence(self):
        def case(section, method, seconds):
            return {**Peers.CASE, "section": section, "method": method, "name": f"{section}/{method}", "best_seconds": seconds}
        ours, engine, library = (case("recurrence", "fused_mma", 1e-3), case("engine", "cudnn_standard", 2e-3),
                                 case("recurrence", "cudnn_standard", 3e-3))
        self.assertNotIn("cudnn_standard", "\n".join(table.recurrence_table([ours, engine], [])))
        row, fastest = table.recurrence_table([ours, engine, library], [])[-2:]
        self.assertRegex(row, r"fused_mma .* 3\.00 +-$")
        self.assertIn("cudnn_standard bf16", fastest)

    def test_the_readme_has_ours_beside_the_fastest_of_cudnn_and_of_pytorch(self):
        shape = {"B": 32, "T": 96, "I": 3, "H": 64, "L": 1}

        def case(method, number, seconds, section="recurrence"):
            return {"kind": "case", "section": section, "method": method, "type": number, "phase": "train", "best_seconds": seconds,
                    "name": f"{section}/{method}/{number}", "parameters": shape}
        machine = {"kind": "machine", "device": "Card", "driver": "5.1", "cuda_driver": 13010, "cudnn": "9.19.0",
                   "date": "2026-11-27T17:57:03Z", "commit": "84b6c3d38280"}
        bench = [machine, case("fused_mma", "bf16", 2e-4), case("fused_mma.nodx", "bf16", 1e-4), case("fused_simt", "fp32", 1e-3),
                 case("cudnn_standard", "bf16", 3e-4), case("cudnn_persist_static.own", "fp16", 2.5e-4),
                 case("cudnn_standard", "fp32", 1e-4), case("cudnn_standard", "bf16", 1e-6, "engine"), {"kind": "end"}]
        torch = [{"kind": "machine", "torch": "2.11.0"}, case("", "bf16", 8e-4)]
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            for name, lines in (("bench.jsonl", bench), ("pytorch.jsonl", torch)):
                (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
            readme = folder / "R.md"
            readme.write_text("before\n<!-- gpu: begin -->\nold\n<!-- gpu: end -->\nafter\n")
            words = [sys.executable, str(HERE.parents[1] / "scripts" / "gpu_table"), "--readme", str(readme)]
            subprocess.run([*words, "--write", str(folder)], check=True)
            self.assertEqual(readme.read_text(), "before\n<!-- gpu: begin -->\n"
                             "Card, driver 5.1, CUDA 13.1, cuDNN 9.19.0, PyTorch 2.11.0, 2026-11-27, commit 84b6c3d:\n\n"
                             "| B,T,I,H,L | | bf16 | tf32 | fp32 |\n|---|---|---|---|---|\n"
                             "| 32,96,3,64,1 | train | 0.16 (1.25, 4.00) |  | 0.032 (0.10, -) |\n<!-- gpu: end -->\nafter\n")
            (folder / "bench.jsonl").unlink()
            ran = subprocess.run([*words, str(folder)], capture_output=True, text=True, check=False)
            self.assertEqual(ran.returncode, 2)
            self.assertIn("no measured recurrence in bench.jsonl; name a folder that gpu_check has written", ran.stderr)

    def test_code_runs_on_the_cards_that_it_is_for(self):
        for architectures, compute, code in (
                (["90a-real"], (9, 0), "machine code"), (["90a-real"], (10, 0), None), (["90a-real"], (8, 0), None),
                (["80-real"], (8, 6), "machine code"), (["86-real"], (8, 0), None), (["80-real"], (9, 0), None),
                (["80-real", "90-virtual"], (12, 0), "PTX"), (["90"], (9, 0), "machine code"), (["90"], (10, 0), "PTX")):
            self.assertEqual(gpu_host.code_for(compute, architectures), code, (architectures, compute))

    def test_an_older_driver_of_the_same_major_version_runs_machine_code_but_not_ptx(self):
        card = gpu_host.Card("card", "580", (10, 0), (13, 0), "", "")
        build = gpu_host.Build(None, None, None, "", (13, 3), ["100-real"])
        gpu_host.expect_fit(card, build)
        build.architectures = ["90-virtual"]
        with self.assertRaisesRegex(gpu_host.Unusable, "CUDA 13.0, this build was made with CUDA 13.3"):
            gpu_host.expect_fit(card, build)

    def test_complaints_are_counted_by_kernel_in_the_words_of_every_tool(self):
        lines = ["========= COMPUTE-SANITIZER",
                 "========= Invalid __global__ read of size 2 bytes",
                 "=========     at 0x70 in void a::b<(int)1, (bool)0>(float *, c(*)(int))",
                 "=========     by thread (0,0,0) in block (0,0,0)",
                 "=========     Saved host backtrace up to driver entry point at kernel launch time",
                 "=========         Host Frame: main [0x1]",
                 "=========                in /tmp/program", "========= ",
                 "========= Error: Race reported between Write access at d(int)+0x110 and Read access at d(int)+0x120 [4 hazards]",
                 "=========     Current value: 0", "========= ",
                 "========= Program hit cudaErrorInvalidValue (error 1) on CUDA API call to cudaMemcpy.",
                 "=========     Saved host backtrace up to driver entry point at error", "========= ",
                 "========= ERROR SUMMARY: 3 errors"]
        complaints = outputs.Complaints()
        kept = [line for taken in lines for line in complaints.take(taken)] + complaints.end()
        self.assertEqual(complaints.texts("t"), [
            "t: 1 in a::b<(int)1, (bool)0>: Invalid __global__ read of size 2 bytes", "t: 1 in d: Error: Race reported",
            "t: 1 in no kernel: Program hit cudaErrorInvalidValue (error 1) on CUDA API call to cudaMemcpy."])
        self.assertEqual(kept, [line for line in lines if "ost " not in line and "/tmp" not in line])

    def test_the_last_complaint_of_a_tool_that_dies_is_counted(self):
        complaints = outputs.Complaints()
        self.assertEqual(complaints.take("========= Uninitialized __global__ memory read"), [])
        self.assertEqual(complaints.end(), ["========= Uninitialized __global__ memory read"])
        self.assertEqual(complaints.texts("t"), ["t: 1 in no kernel: Uninitialized __global__ memory read"])

    def test_tests_are_counted_with_their_parameters_and_the_one_that_hung(self):
        lines = ["[ RUN      ] A.B/0", "[       OK ] A.B/0 (1 ms)", "[ RUN      ] A.B/1",
                 "[  FAILED  ] A.B/1, where GetParam() = (1, 2) (3 ms)", "[ RUN      ] A.C", "[  SKIPPED ] A.C (0 ms)",
                 "[ RUN      ] A.D", "[  FAILED  ] 1 test, listed below:"]
        read = outputs.Tests([child.Outcome(-9, True, 5, lines)], 5)
        self.assertEqual((read.passed, read.failed, read.skipped), (1, ["A.B/1"], 1))
        self.assertEqual(read.troubles, ["not done after 5 s, ended in A.D"])


if __name__ == "__main__":
    unittest.main()
