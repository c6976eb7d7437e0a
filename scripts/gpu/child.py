"""Runs programs side by side with one bound on their time; what they print goes to a log line by line."""
import atexit
import ctypes
import dataclasses
import errno
import fcntl
import os
import selectors
import signal
import struct
import subprocess
import termios
import time

GRACE_SECONDS = 2.0  # between asking a program to end and ending it
KILLED_SECONDS = 5.0  # for one that is killed to be gone; what waits inside a driver may never be
MOST_BYTES = 32 << 20  # that are kept of what a program prints
MOST_LINE = 1 << 16    # bytes; what goes on without an end of line is cut there
POLL_SECONDS = 0.03
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class _Guard:
    """A process that outlives this one if that is killed, to end the groups that it leaves: what our programs started, too."""

    def __init__(self):
        self.pipe = None

    def start(self):
        if self.pipe is not None:
            return
        reader, self.pipe = os.pipe()
        self.process = os.fork()
        if self.process == 0:
            try:
                self._watch(reader)
            finally:
                os._exit(0)
        os.close(reader)
        atexit.register(self._end)

    def tell(self, word):
        os.write(self.pipe, f"{word}\n".encode())

    def _watch(self, reader):
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for stream in range(3):
            os.dup2(os.open(os.devnull, os.O_RDWR), stream)
        os.close(self.pipe)
        groups = set()
        with open(reader, "rb", buffering=0) as words:
            for word in words:
                (groups.add if word[:1] == b"+" else groups.discard)(int(word[1:]))
        for group in groups:
            try:
                os.killpg(group, signal.SIGKILL)
            except OSError:
                pass  # all of it has ended

    def _end(self):
        os.close(self.pipe)
        os.waitpid(self.process, 0)


_guard = _Guard()


class Cut(Exception):
    """The check itself was told to stop; the argument is the signal's number."""


class ResultsError(Exception):
    """A file of results cannot be written; the text names it and the remedy."""


class Interrupts:
    """Notes SIGINT, SIGTERM and SIGHUP; they take effect where `raise_if_any` is called, never in the middle of a write.

    Those that this program was started to ignore (nohup) stay ignored."""

    def __init__(self):
        self.signal = None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._note)

    def _note(self, number, _frame):
        self.signal = self.signal or number

    def raise_if_any(self):
        if self.signal:
            raise Cut(self.signal)


class Log:
    """A file that only grows, written through at once so that a cut run has all of it."""

    def __init__(self, path):
        self.path = path

    def write(self, text):
        try:
            with open(self.path, "ab", buffering=0) as file:
                data = text.encode("utf-8", "replace")
                while data:
                    data = data[file.write(data):]
        except OSError as error:
            raise not_written(self.path, error) from error


def not_written(path, error):
    """The ResultsError of an OSError."""
    remedy = "make room there" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "see that the folder is still there and yours"
    return ResultsError(f"{path} cannot be written ({error.strerror}); {remedy}, or name another folder by --out")


class NoLog:
    def write(self, text):
        pass


@dataclasses.dataclass
class Command:
    words: list
    environment: dict = None  # None: this process's own
    label: str = ""           # set before each line in the log, where several run side by side
    sift: object = None       # take(line) and end() give the lines that are kept; None: all


@dataclasses.dataclass
class Outcome:
    status: int       # of the program; -N if signal N ended it; None: it could not be ended
    timed_out: bool   # it was ended here, at its bound
    seconds: float
    lines: list

    def trouble(self, bound):
        """Why this is no success, or ''."""
        if self.status is None:
            return "does not end although it was killed: it waits in a driver"
        if self.timed_out:
            return f"not done after {bound:.0f} s, ended"
        if self.status < 0:
            try:
                return f"died: {signal.Signals(-self.status).name}"
            except ValueError:
                return f"died: signal {-self.status}"
        return f"status {self.status}" if self.status else ""


def _tie_to_parent(parent):
    """In the child: a process group of its own, which ends with this process even if that is killed."""
    os.setpgid(0, 0)
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(127)
    # By the child, before it can start anything: a parent killed after that would tell it no more.
    _guard.tell(f"+{os.getpid()}")


class _Child:
    def __init__(self, command, log):
        self.command, self.log = command, log
        self.begin = time.monotonic()
        self.rest, self.lines, self.timed_out, self.status = b"", [], False, None
        self.kept, self.reaped = 0, False
        parent = os.getpid()
        _guard.start()
        self.process = subprocess.Popen(
            command.words, env=command.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, preexec_fn=lambda: _tie_to_parent(parent))
        self.pipe = self.process.stdout.fileno()

    def read(self):
        """Takes what the program has printed; whether there can be more."""
        data = os.read(self.pipe, 1 << 16)
        *lines, self.rest = (self.rest + data).split(b"\n")
        if self.rest and (not data or len(self.rest) >= MOST_LINE):
            lines, self.rest = [*lines, self.rest], b""
        self._keep(lines)
        return bool(data)

    def _keep(self, lines):
        lines = [line.decode("utf-8", "replace") for line in lines]
        if self.command.sift:
            lines = [kept for line in lines for kept in self.command.sift.take(line)]
        self._write(lines)

    def _write(self, lines):
        if not lines or self.kept > MOST_BYTES:
            return
        self.kept += sum(len(line) + 1 for line in lines)
        if self.kept > MOST_BYTES:
            lines.append(f"what it printed after this is left out: it is more than {MOST_BYTES >> 20} MiB")
        self.lines += lines
        start = f"[{self.command.label}] " if self.command.label else ""
        self.log.write("".join(f"{start}{line}\n" for line in lines))

    def ended(self):
        """Whether the program itself has ended; it is not reaped, so that its process group stays its own."""
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def signal_group(self, number):
        try:
            os.killpg(self.process.pid, number)
        except (ProcessLookupError, PermissionError):
            pass  # there is none left to end

    def reap(self):
        """Ends what is left of the program's group."""
        self.signal_group(signal.SIGKILL)
        _guard.tell(f"-{self.process.pid}")
        self.reaped = True
        try:
            self.status = self.process.wait(KILLED_SECONDS)
        except subprocess.TimeoutExpired:
            pass  # left to itself: the steps after it have their time, too
        self.seconds = time.monotonic() - self.begin
        self.process.stdout.close()
        if self.rest:  # a last line without an end, where something held the pipe or the end was not read
            self._keep([self.rest])
            self.rest = b""
        if self.command.sift:
            self._write(self.command.sift.end())


def _poll(selector, seconds):
    for key, _ in selector.select(seconds):
        if not key.data.read():
            selector.unregister(key.fileobj)


def _take(selector, child):
    """The last lines of a program that has ended, while others go on."""
    if child.pipe not in {key.fd for key in selector.get_map().values()}:
        return
    # What is there now and no more: a program that it left behind may hold the pipe, and print without an end.
    (there,) = struct.unpack("i", fcntl.ioctl(child.pipe, termios.FIONREAD, b"\0" * 4))
    for _ in range(there // (1 << 16) + 1):
        if not any(key.data is child for key, _ in selector.select(0)):
            return
        if not child.read():
            selector.unregister(child.pipe)
            return


def _end(selector, children):
    """Asks children to end, waits, and ends them."""
    for child in children:
        child.signal_group(signal.SIGTERM)
    until = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < until and not all(child.ended() for child in children):
        _poll(selector, POLL_SECONDS)


def run(commands, seconds, log, interrupts):
    """Outcomes, in the order of the commands, all of which have ended with all that they started.

    Throws Cut and ResultsError, after that, too. A program that cannot be started has status 127."""
    children, outcomes = [], {}
    selector = selectors.DefaultSelector()
    end = time.monotonic() + seconds
    try:
        for number, command in enumerate(commands):
            try:
                child = _Child(command, log)
            except OSError as error:
                line = f"{command.words[0]} cannot be started: {error.strerror}"
                log.write(line + "\n")
                outcomes[number] = Outcome(127, False, 0, [line])
                continue
            child.number = number
            children.append(child)
            selector.register(child.pipe, selectors.EVENT_READ, child)
        running = list(children)
        while running:
            _poll(selector, POLL_SECONDS)
            interrupts.raise_if_any()
            for child in [child for child in running if child.ended()]:
                _take(selector, child)
                running.remove(child)
            if running and time.monotonic() >= end:
                for child in running:
                    child.timed_out = True
                break
    finally:
        left = [child for child in children if not child.reaped]
        try:
            if any(not child.ended() for child in left):
                _end(selector, left)
        finally:
            for child in left:
                child.reap()
            selector.close()
    for child in children:
        outcomes[child.number] = Outcome(child.status, child.timed_out, child.seconds, child.lines)
    return [outcomes[number] for number in range(len(commands))]
