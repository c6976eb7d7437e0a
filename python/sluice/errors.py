"""What goes wrong, with the words that the program would print: place, what is wrong, the remedy."""


class SluiceError(Exception):
    """All errors of Sluice."""


class ConfigError(SluiceError, ValueError):
    """A setting is unknown, out of range or in conflict with another."""


class DataError(SluiceError, ValueError):
    """A table or file is not what was expected, or memory ran out."""


class DeviceError(SluiceError, RuntimeError):
    """A device is missing, out of memory, or refuses."""


class InternalError(SluiceError, RuntimeError):
    """A bug of Sluice; please report it."""


class Interrupted(SluiceError, RuntimeError):
    """A callback ended what gives no result until it is complete (cross_validation)."""


class NotFittedError(SluiceError, ValueError, AttributeError):
    """There is no model yet; the bases are those of scikit-learn's class of this name."""


for _class in (SluiceError, ConfigError, DataError, DeviceError, InternalError, Interrupted, NotFittedError):
    _class.__module__ = "sluice"
