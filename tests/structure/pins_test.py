"""What scripts/setup installs from PyPI: every pin of ours is in the lock, and everything there has a version and hashes."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).parents[2]
PIN = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==([^\s;]+)(?:\s*;\s*(.*?))?(?:\s*\\)?$")


def name_of(text):
    return re.sub(r"[-_.]+", "-", text).lower()


def pins(*names):
    """Packages and versions that files of requirements name, those for Python before 3.11 left out."""
    found = {}
    for name in names:
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
            pin = PIN.match(line.strip().strip('",'))
            if pin and not re.search(r"< ?['\"]3\.11", pin[3] or ""):
                found.setdefault(name_of(pin[1]), set()).add(pin[2])
    return found


class Pins(unittest.TestCase):
    LOCKS = {"python/requirements.lock": ("pyproject.toml", "python/requirements.txt", "python/requirements-onnx.txt"),
             "python/requirements-scale.lock": ("python/requirements-scale.txt",)}

    def test_a_lock_has_all_that_is_pinned(self):
        for lock, of in self.LOCKS.items():
            with self.subTest(lock):
                wanted, locked = pins(*of), pins(lock)
                self.assertGreater(len(wanted), 1)
                self.assertEqual({name: versions for name, versions in wanted.items() if versions != locked.get(name)}, {},
                                 f"run scripts/lock: {lock} is not of {of}")

    def test_every_requirement_of_ours_is_a_pin(self):
        for name in (one for of in self.LOCKS.values() for one in of if one.endswith(".txt")):
            for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
                self.assertTrue(not line or line.startswith("#") or PIN.match(line), f"{name}: {line}")

    def test_a_lock_has_hashes_of_everything(self):
        for lock in self.LOCKS:
            parts = re.split(r"\n(?=[a-z0-9])", (ROOT / lock).read_text(encoding="utf-8"))[1:]
            self.assertGreater(len(parts), 5)
            for part in parts:
                self.assertRegex(part, r"^[a-z0-9_.-]+==\S+.*\\\n(    --hash=sha256:[0-9a-f]{64}( \\)?\n?)+$", lock)

    def test_both_locks_agree(self):
        first, second = (pins(lock) for lock in self.LOCKS)
        self.assertEqual({name: (first[name], second[name]) for name in first.keys() & second.keys()
                          if first[name].isdisjoint(second[name])}, {})


if __name__ == "__main__":
    unittest.main()
