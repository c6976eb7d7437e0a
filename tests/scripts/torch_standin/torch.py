"""Stands in for a PyTorch with CUDA in the dry run of gpu_check: the few names that pytorch_lstm.py --cuda uses.

The clock of its events moves 1 ms a run of the LSTM. FAKE_TORCH=hang: the first run never returns; =fail: fp16 has no memory."""
import contextlib
import os
import sys
import time
import types

__version__ = "stand-in"
float16, bfloat16, float32 = "float16", "bfloat16", "float32"
_now = 0.0
print("stand-in's libraries:", os.environ.get("LD_LIBRARY_PATH"), file=sys.stderr)


def manual_seed(_):
    pass


class Tensor:
    def __init__(self, *shape):
        self.shape = shape

    def to(self, _device, _element):
        return self

    def backward(self, gradient):
        assert gradient.shape == self.shape


randn = Tensor


class LSTM:
    def __init__(self, inputs, hidden, _layers):
        self.inputs, self.hidden = inputs, hidden

    def to(self, _device, element):
        if os.environ.get("FAKE_TORCH") == "fail" and element == float16:
            raise RuntimeError("CUDA out of memory")
        return self

    def flatten_parameters(self):
        pass

    def zero_grad(self, set_to_none):
        assert set_to_none

    def __call__(self, x):
        global _now
        assert x.shape[2] == self.inputs
        while os.environ.get("FAKE_TORCH") == "hang":
            time.sleep(1)
        _now += 1.0
        return Tensor(*x.shape[:2], self.hidden), None


class Event:
    def __init__(self, enable_timing):
        assert enable_timing

    def record(self):
        self.at = _now

    def synchronize(self):
        pass

    def elapsed_time(self, end):
        return end.at - self.at


class Graph:
    def replay(self):
        global _now
        _now += 0.5


class Stream:
    def wait_stream(self, _):
        pass


@contextlib.contextmanager
def _within(_=None):
    yield


inference_mode = _within
nn = types.SimpleNamespace(LSTM=LSTM)
version = types.SimpleNamespace(cuda="13.0")
backends = types.SimpleNamespace(
    cudnn=types.SimpleNamespace(version=lambda: 91900, allow_tf32=False),
    cuda=types.SimpleNamespace(matmul=types.SimpleNamespace(allow_tf32=False)))
cuda = types.SimpleNamespace(
    is_available=lambda: True, get_device_name=lambda: "stand-in", empty_cache=lambda: None, Event=Event, Stream=Stream,
    current_stream=Stream, stream=_within, CUDAGraph=Graph, graph=_within)
