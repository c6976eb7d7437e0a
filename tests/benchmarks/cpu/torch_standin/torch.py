"""Stands in for PyTorch in tests of pytorch_lstm.py --worker: the few names that it uses, shapes checked."""
import contextlib
import types

__version__ = "stand-in"
_threads = 1
inference = False


def manual_seed(_):
    pass


def set_num_threads(count):
    global _threads
    _threads = count


def get_num_threads():
    return _threads


@contextlib.contextmanager
def inference_mode():
    global inference
    inference = True
    yield
    inference = False


class Tensor:
    def __init__(self, *shape):
        self.shape = shape
        self.steps = 0

    def backward(self, gradient):
        assert gradient.shape == self.shape and not inference
        LSTM.gradients_kept += 1
        assert LSTM.gradients_kept == 1, "zero_grad was left out"


def randn(*shape):
    return Tensor(*shape)


class LSTM:
    gradients_kept = 0

    def __init__(self, inputs, hidden, layers):
        if hidden > 1024:
            raise RuntimeError("no memory for it;\n try less")
        self.inputs, self.hidden, self.layers = inputs, hidden, layers

    def zero_grad(self, set_to_none):
        assert set_to_none
        LSTM.gradients_kept = 0

    def __call__(self, x):
        assert (x.shape[2], self.inputs, self.hidden, self.layers) == (8, 8, 64, 2)
        assert x.shape[:2] == (28, 1024)
        return Tensor(*x.shape[:2], self.hidden), None


nn = types.SimpleNamespace(LSTM=LSTM)
backends = types.SimpleNamespace(
    mkldnn=types.SimpleNamespace(is_available=lambda: True),
    cpu=types.SimpleNamespace(get_cpu_capability=lambda: "none"))
