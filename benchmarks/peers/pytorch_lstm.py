#!/usr/bin/env python3
"""PyTorch's nn.LSTM beside Sluice's recurrences: on the CPU for `sluice-bench cpu`, which starts this script, or with --cuda.

PyTorch lives in an environment of its own, build/peers, made only by --install (a download of some
GB). Then `sluice-bench cpu` measures it in turn with Sluice: it runs this script with --worker, which
reads a request a line and answers with a line: `case train B T I H L` -> `ready`; `time N` -> seconds
of one run of N; what fails -> `error ...`. The first line says which PyTorch it is. Forward is
inference; training is forward and backward, not asked for the gradient of x, which Sluice computes.
PyTorch's CPU LSTM calls oneDNN.

With --cuda: nn.LSTM on the GPU, forward and the whole step (forward and backward; not the gradient of x,
which Sluice computes unless its method is named .nodx), eager and replayed from a CUDA graph, by CUDA
events. Shapes are those of --shape, else of the results of `sluice-bench gpu` in --sluice-json, else of
a run of it that this script starts; the results also give the ratios. --jsonl FILE gets a line after
each case. --python names an interpreter that has torch, if this one has not. Without a GPU: status 4.
"""

import argparse
import contextlib
import ctypes
import datetime
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEERS = ROOT / "build" / "peers"
TYPES = ("fp32", "tf32", "bf16", "fp16")  # of --cuda
SAMPLE_SECONDS = 0.005  # least duration of a sample with --cuda, as sluice-bench gpu


def shape_of(text):
    """{"B": ..., "T": ..., "I": ..., "H": ..., "L": ...} of "B,T,I,H,L"."""
    numbers = [int(number) for number in text.split(",")]
    if len(numbers) != 5 or min(numbers) < 1:
        raise ValueError
    return dict(zip("BTIHL", numbers))


def positive(text):
    if int(text) < 1:
        raise ValueError
    return int(text)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--install", action="store_true", help="make build/peers with torch from PyPI first")
    parser.add_argument("--python", default=str(PEERS / "bin" / "python"), help="interpreter that has torch")
    parser.add_argument("--worker", action="store_true", help="answer requests of sluice-bench cpu")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="of the worker")
    cuda = parser.add_argument_group("with --cuda")
    cuda.add_argument("--cuda", action="store_true", help="compare on the GPU")
    cuda.add_argument("--bench", default=str(ROOT / "build" / "release" / "sluice-bench"))
    cuda.add_argument("--filter", default="recurrence/", help="only cases whose name contains this")
    cuda.add_argument("--json", help="write every sample to this file, at the end")
    cuda.add_argument("--jsonl", help="write a line to this file after each case")
    cuda.add_argument("--quick", action="store_true", help="a few shapes, as sluice-bench gpu --quick")
    cuda.add_argument("--sluice-json", help="take this file of sluice-bench gpu (--json or --jsonl) instead of running it")
    cuda.add_argument("--shape", action="append", type=shape_of, metavar="B,T,I,H,L", help="measure this; may be repeated")
    cuda.add_argument("--type", action="append", choices=TYPES, help="measure in this; may be repeated (default: all)")
    cuda.add_argument("--samples", type=positive, default=21, help="samples of a case (default 21)")
    return parser.parse_args()


def fail(message, status=1):
    print(f"pytorch_lstm.py: {message}", file=sys.stderr)
    sys.exit(status)


def first_line(error):
    return (str(error).splitlines() or [type(error).__name__])[0]


def install():
    if not PEERS.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
    pip = [str(PEERS / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "torch", "numpy"]
    subprocess.run(pip, check=True)


def go_to_interpreter_with_torch(arguments):
    """Replaces this process by the interpreter that has torch, unless this one has it."""
    try:
        import torch  # noqa: F401
    except Exception as error:  # a torch whose libraries are missing or broken raises OSError, AttributeError, ...
        if not (isinstance(error, ModuleNotFoundError) and error.name == "torch"):
            fail(f"{sys.executable} has a torch that cannot be loaded ({type(error).__name__}: {first_line(error)}); install it "
                 "again, or name another interpreter by --python")
        if not pathlib.Path(arguments.python).exists():
            fail(f"{arguments.python} is not there; run with --install, or name an interpreter by --python")
        if os.environ.get("SLUICE_PEER") == arguments.python:
            fail(f"{arguments.python} has no torch; run with --install, or name another by --python")
        os.environ["SLUICE_PEER"] = arguments.python
        rest = [word for word in sys.argv[1:] if word != "--install"]
        os.execv(arguments.python, [arguments.python, str(pathlib.Path(__file__).resolve()), *rest])


class TorchCase:
    """nn.LSTM on one shape; `run` is what is timed."""

    def __init__(self, shape, training):
        import torch
        torch.manual_seed(1)
        self.torch = torch
        self.training = training
        self.lstm = torch.nn.LSTM(shape["I"], shape["H"], shape["L"])
        self.x = torch.randn(shape["T"], shape["B"], shape["I"])
        self.dh = torch.randn(shape["T"], shape["B"], shape["H"])

    def run(self):
        if not self.training:
            with self.torch.inference_mode():
                self.lstm(self.x)
            return
        self.lstm.zero_grad(set_to_none=True)
        h, _ = self.lstm(self.x)
        h.backward(self.dh)


def seconds_of(case, times):
    begin = time.perf_counter()
    for _ in range(times):
        case.run()
    return (time.perf_counter() - begin) / times


def describe(torch):
    return {"torch": torch.__version__, "threads": torch.get_num_threads(),
            "mkldnn": torch.backends.mkldnn.is_available(), "vectors": torch.backends.cpu.get_cpu_capability(),
            **{name: os.environ.get(name) for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}}


def answer(request, case):
    """(answer, the case of later requests) for one line."""
    words = request.split()
    if words[0] == "case":
        shape = dict(zip("BTIHL", map(int, words[2:]), strict=True))
        return "ready", TorchCase(shape, {"train": True, "forward": False}[words[1]])
    if words[0] == "time" and case is not None:
        return repr(seconds_of(case, int(words[1]))), case
    raise ValueError(f"no such request now: {request.strip()}")


def serve(threads):
    try:
        import torch
    except ImportError:
        fail(f"{sys.executable} has no torch; run with --install, or name an interpreter that has it")
    torch.set_num_threads(threads)
    print(json.dumps(describe(torch)), flush=True)
    case = None
    for request in sys.stdin:
        try:
            text, case = answer(request, case)
        except (RuntimeError, ValueError, LookupError) as error:  # RuntimeError: no memory, among others
            text = f"error {type(error).__name__}: {' '.join(str(error).split())}"
        print(text, flush=True)


# ---- with --cuda --------------------------------------------------------------------------------


def expect_driver():
    """Before torch is looked for, which is large: whether there is a driver to run it on."""
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        fail("no NVIDIA driver here (libcuda.so.1); --cuda needs a host with a GPU", 4)


class CudaCase(TorchCase):
    """nn.LSTM on the GPU in one type; tf32 is fp32 with tf32 allowed."""

    def __init__(self, shape, training, number):
        super().__init__(shape, training)
        torch = self.torch
        element = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(number, torch.float32)
        allow_tf32(torch, number == "tf32")
        self.lstm = self.lstm.to("cuda", element)
        self.lstm.flatten_parameters()
        self.x, self.dh = self.x.to("cuda", element), self.dh.to("cuda", element)

    def captured(self):
        """A function that replays run() from a CUDA graph, or the reason why there is none."""
        torch = self.torch
        try:
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(3):
                    self.run()
            torch.cuda.current_stream().wait_stream(side)
            graph = torch.cuda.CUDAGraph()
            self.lstm.zero_grad(set_to_none=True)
            with torch.cuda.graph(graph):
                self.run()
        except RuntimeError as error:
            return None, first_line(error)
        return graph.replay, None


def allow_tf32(torch, allowed):
    torch.backends.cudnn.allow_tf32 = allowed
    torch.backends.cuda.matmul.allow_tf32 = allowed


def cuda_seconds_of(torch, run, times):
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    begin.record()
    for _ in range(times):
        run()
    end.record()
    end.synchronize()
    return 1e-3 * begin.elapsed_time(end) / times


def cuda_samples(torch, run, count):
    cuda_seconds_of(torch, run, 3)
    once = cuda_seconds_of(torch, run, 3)
    times = max(1, math.ceil(SAMPLE_SECONDS / once)) if once > 0 else 1
    cuda_seconds_of(torch, run, times)
    return [cuda_seconds_of(torch, run, times) for _ in range(count)]


def run_cuda_case(shape, phase, number, count):
    import torch
    result = {"kind": "case", "parameters": shape, "phase": phase, "type": number, "eager_seconds": [],
              "graph_seconds": [], "no_graph": None, "failed": None}
    try:
        case = CudaCase(shape, phase == "train", number)
        result["eager_seconds"] = cuda_samples(torch, case.run, count)
        replay, result["no_graph"] = case.captured()
        if replay:
            result["graph_seconds"] = cuda_samples(torch, replay, count)
        case = None
        torch.cuda.empty_cache()
    except Exception as error:  # out of memory among them; whatever it is, it is this case's alone
        result["failed"] = f"{type(error).__name__}: {first_line(error)}"
    medians = [statistics.median(result[how]) for how in ("eager_seconds", "graph_seconds") if result[how]]
    if medians and min(medians) > 0:
        result["best_seconds"] = min(medians)
        result["windows_per_second"] = shape["B"] / min(medians)
    return result


def read_sluice(file):
    """(machine, rows) of a file of `sluice-bench gpu`, a document or a line a case; None, [] where it has none.

    The last line of a run that was cut may be half a line: it is left out."""
    try:
        text = pathlib.Path(file).read_text(encoding="utf-8", errors="replace")  # cut inside a letter
    except OSError as error:
        fail(f"{file} cannot be read ({error.strerror}); --sluice-json takes a file of sluice-bench gpu")
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if isinstance(document, dict) and "results" in document:
        return document["machine"], document["results"]
    machine, rows = None, []
    for line in text.split("\n"):  # splitlines() also cuts at what JSON leaves as it is
        try:
            line = json.loads(line)
        except ValueError:
            continue
        kind = line.get("kind") if isinstance(line, dict) else None
        if kind == "machine":
            machine = line
        elif kind == "case":
            rows.append(line)
    return machine, rows


def run_sluice_gpu(arguments):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "gpu.jsonl"
        command = [arguments.bench, "gpu", "--filter", arguments.filter, "--jsonl", str(file)]
        command += ["--quick"] if arguments.quick else []
        status = subprocess.run(command, stdout=subprocess.DEVNULL).returncode
        if status == 1 and file.exists():
            print("pytorch_lstm.py: sluice-bench reports failed cases; they are left out", file=sys.stderr)
        elif status != 0:
            fail(f"'{' '.join(command)}' returned {status}", 4 if status == 4 else 1)
        return read_sluice(file)


def sluice_results(arguments):
    """(machine, rows of the recurrence) to compare with, and that shapes are taken from without --shape."""
    if arguments.sluice_json:
        machine, rows = read_sluice(arguments.sluice_json)
    elif arguments.shape:
        machine, rows = None, []
    elif pathlib.Path(arguments.bench).exists():
        machine, rows = run_sluice_gpu(arguments)
    else:
        fail(f"{arguments.bench} is not there; build it: cmake --build build/release --target sluice-bench")
    rows = [row for row in rows if row["section"] == "recurrence" and arguments.filter in row["name"]]
    if not rows and not arguments.shape:
        fail(f"{arguments.sluice_json or arguments.bench} has no case whose name contains '{arguments.filter}' "
             "(was the run cut?); name shapes by --shape B,T,I,H,L")
    return machine, rows


def best_of_sluice(results):
    """{(shape, phase, type): (seconds, method)}: Sluice's own fastest, cuDNN's algorithms not among them."""
    best = {}
    for result in results:
        if "best_seconds" not in result or result["method"].startswith("cudnn"):
            continue
        key = (tuple(sorted(result["parameters"].items())), result["phase"], result["type"])
        best[key] = min(best.get(key, (math.inf, "")), (result["best_seconds"], result["method"]))
    return best


def print_cuda_table(results, best):
    print(f"{'B,T,I,H,L':<20}{'':<8}{'type':<5}{'eager us':>10}{'graph us':>10}{'Sluice us':>10}{'ratio':>7} fastest")
    for result in results:
        shape = result["parameters"]
        name = ",".join(str(shape[key]) for key in "BTIHL")
        start = f"{name:<20}{result['phase']:<8}{result['type']:<5}"
        if result["failed"]:
            print(f"{start} failed: {result['failed']}")
            continue
        eager = statistics.median(result["eager_seconds"])
        graph = statistics.median(result["graph_seconds"]) if result["graph_seconds"] else None
        key = (tuple(sorted(shape.items())), result["phase"], result["type"])
        ours, method = best.get(key, (None, ""))
        fastest = min(eager, graph or eager)
        print(f"{start}{1e6 * eager:>10.1f}" + (f"{1e6 * graph:>10.1f}" if graph else f"{'-':>10}")
              + (f"{1e6 * ours:>10.1f}{fastest / ours:>7.2f} {method}" if ours else f"{'-':>10}"))


def describe_cuda(torch, arguments, machine):
    return {"kind": "machine", "sluice": machine, "device": torch.cuda.get_device_name(), "torch": torch.__version__,
            "torch_cuda": torch.version.cuda, "torch_cudnn": torch.backends.cudnn.version(),
            "date": datetime.date.today().isoformat(),
            "settings": {"samples": arguments.samples, "sample_seconds": SAMPLE_SECONDS}}


def measure_cuda(torch, arguments, shapes, machine, lines):
    """Results; each is also a line of the file `lines`, written out before the next is begun."""
    def keep(line):
        try:
            if lines:
                print(json.dumps(line), file=lines, flush=True)
        except OSError as error:
            fail(f"{arguments.jsonl} cannot be written ({error.strerror}); is there room, and is the folder there?")

    keep(machine)
    results = []
    for shape in shapes:
        for phase in ("forward", "train"):
            for number in arguments.type or TYPES:
                with contextlib.suppress(OSError):  # who reads along may have gone
                    print(f"pytorch {shape} {phase} {number}", file=sys.stderr)
                results.append(run_cuda_case(shape, phase, number, arguments.samples))
                keep(results[-1])
    return results


def main_cuda(arguments):
    import torch
    if not torch.cuda.is_available():
        fail("this PyTorch sees no CUDA device (torch.cuda.is_available() is false); take a build with CUDA on a host "
             "with a GPU", 4)
    sluice, rows = sluice_results(arguments)
    shapes = arguments.shape or list(
        {json.dumps(row["parameters"], sort_keys=True): row["parameters"] for row in rows}.values())
    machine = describe_cuda(torch, arguments, sluice)
    try:
        lines = open(arguments.jsonl, "w") if arguments.jsonl else None
    except OSError as error:
        fail(f"{arguments.jsonl} cannot be written ({error.strerror}); is there room, and is the folder there?")
    results = measure_cuda(torch, arguments, shapes, machine, lines)
    if arguments.json:
        text = json.dumps({"machine": machine, "results": results}, indent=1)
        pathlib.Path(arguments.json).write_text(text + "\n")
    print_cuda_table(results, best_of_sluice(rows))


def main():
    arguments = parse_arguments()
    if arguments.install:
        install()
    if not (arguments.worker or arguments.cuda):
        if not arguments.install:
            fail("say what to do: --install, or --cuda; on the CPU, run sluice-bench cpu", 2)
        return
    if arguments.worker:
        serve(arguments.threads)
        return
    expect_driver()
    go_to_interpreter_with_torch(arguments)
    main_cuda(arguments)


if __name__ == "__main__":
    main()
