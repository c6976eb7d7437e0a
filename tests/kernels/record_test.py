"""What `scripts/kernel_report --check` finds worse: each rule fails when it is broken, and only then."""

import pathlib
import tempfile
import unittest

import model_path  # noqa: F401
from kernel_model import counts, library, record, scenarios

ROW = {"instructions": 200.0, "beside": 50, "registers": 120, "stack": 0, "read": 32, "written": 512,
       "stores": "2x128 4x64"}


def changed(**values):
    return list(record.check({"a": {**ROW, **values}}, {"a": ROW}))


class Check(unittest.TestCase):
    def test_the_same_row_is_not_worse(self):
        self.assertEqual(changed(), [])

    def test_more_of_anything_is_worse_and_says_both_numbers(self):
        self.assertEqual(changed(instructions=201.0), ["a: 201 instructions, 200 recorded"])
        self.assertEqual(changed(beside=51), ["a: 51 instructions beside the tiles, 50 recorded"])
        self.assertEqual(changed(registers=121), ["a: 121 registers, 120 recorded"])
        self.assertEqual(changed(stack=8), ["a: 8 bytes of stack, 0 recorded"])
        self.assertEqual(changed(read=48), ["a: 48 bytes read, 32 recorded"])
        self.assertEqual(changed(written=514), ["a: 514 bytes written, 512 recorded"])

    def test_narrower_or_more_stores_are_worse(self):
        for stores in ("2x128 2x64 4x32", "3x128 2x32", "8x32", "3x128 4x64", "4x128 4x64"):
            self.assertEqual(changed(stores=stores), [f"a: stores {stores}, recorded 2x128 4x64 (number x bits of a thread)"])
        self.assertEqual(changed(stores="4x128"), [])
        self.assertEqual(changed(stores="-", written=0), [])

    def test_less_is_better_and_is_named_to_be_recorded(self):
        now = {"a": {**ROW, "instructions": 190.0}, "b": ROW}
        self.assertEqual(list(record.check(now, {"a": ROW, "b": ROW})), [])
        self.assertEqual(record.better(now, {"a": ROW, "b": ROW}), ["a"])

    def test_a_kernel_without_row_and_a_row_without_kernel_are_told(self):
        self.assertEqual(list(record.check({"new": ROW}, {"old": ROW})),
                         ["new: has no recorded row", "old: is recorded, and the library has no such kernel"])


class File(unittest.TestCase):
    def test_what_is_written_is_read_again(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "rows.json"
            record.write(file, "13.0.88", {"b": ROW, "a": ROW})
            self.assertEqual(record.read(file), ("13.0.88", {"b": ROW, "a": ROW}))

    def test_a_missing_file_names_the_remedy(self):
        with self.assertRaisesRegex(record.RecordError, "no-such.json.*kernel_report --record"):
            record.read(pathlib.Path("no-such.json"))


class Rows(unittest.TestCase):
    def test_a_row_has_what_is_checked(self):
        kernel = scenarios.Kernel("forward", "bf16", 64, True)
        tile = counts.Work(210.0, {"HMMA": 20.0}, 0, {"STG": {128: 2.0, 32: 4.0}}, 90)
        row = counts.Row(kernel, "training", tile, 61.6, {"read": 32.0, "written": 640.0})
        usage = library.Usage("f.cu", "n", "sm_90a", 99, 4, 0, 0)
        self.assertEqual(record.rows_of([row], {kernel: usage}), {"forward bf16 H 64 training": {
            "instructions": 210.0, "beside": 62, "registers": 99, "stack": 4, "read": 32, "written": 640,
            "stores": "2x128 4x32"}})


class Names(unittest.TestCase):
    def test_a_kernel_is_known_by_its_name(self):
        self.assertEqual(scenarios.kernel_of("forward_kernel<2, 128, CopiedInput<2> >"),
                         ("forward", "bf16", 128, None))
        self.assertEqual(scenarios.kernel_of("forward_kernel<1, 64, true, AssembledInput<1> >"),
                         ("assembled", "tf32", 64, True))
        self.assertEqual(scenarios.kernel_of("backward_kernel<2, 32>"), ("backward", "bf16", 32, None))
        self.assertIsNone(scenarios.kernel_of("head_kernel"))

    def test_files_of_one_name_are_told_apart_by_their_order(self):
        with tempfile.TemporaryDirectory() as folder:
            tree = pathlib.Path(folder)
            for name in ("cuda/engine/kernels.cu", "cuda/recurrence/b/kernels.cu", "cuda/recurrence/a/kernels.cu"):
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                (tree / name).touch()
            members = ["x.cpp", "kernels.cu", "kernels.cu", "kernels.cu"]
            self.assertEqual(library.source_names(members, tree),
                             {1: "engine/kernels.cu", 2: "a/kernels.cu", 3: "b/kernels.cu"})
            with self.assertRaisesRegex(library.LibraryError, "kernels.cu has no source left"):
                library.source_names([*members, "kernels.cu"], tree)


if __name__ == "__main__":
    unittest.main()
