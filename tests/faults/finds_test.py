"""What a fault at one named call is answered with: the sentences."""
import tempfile
import unittest

from cases import CASES, Bench, Fault, snapshot


class Finds(unittest.TestCase):
    def bench(self, name):
        folder = tempfile.TemporaryDirectory(prefix="sluice_faults_")
        self.addCleanup(folder.cleanup)
        return Bench(CASES[name], folder.name)

    def said_at(self, bench, call, ending, error="EIO"):
        """What is said where such a call on such a path fails, of each of them."""
        count = sum(name == call and path.endswith(ending) for name, path in bench.undisturbed.trace)
        self.assertGreater(count, 0)
        for number in range(1, count + 1):
            run, folder = bench.trial(Fault(call=f"{number}:{error}", only=f"{call} {ending}"))
            self.assertIn(run.status, (0, 3), run.err)
            yield run.err, folder

    def test_a_lock_that_cannot_be_read_is_not_taken_for_somebodys_file(self):
        bench = self.bench("train")
        for call in ("read", "stat"):
            said = [err for err, _ in self.said_at(bench, call, "model.safetensors.lock")]
            self.assertNotIn("is no lock", "".join(said))
            self.assertIn("model.safetensors.lock: cannot be read (Input/output error); choose another path.model", "".join(said))

    def test_data_whose_kind_or_size_the_system_does_not_tell_are_not_said_to_be_of_another(self):
        said = "".join(err for err, _ in self.said_at(self.bench("train"), "stat", "sales.csv"))
        self.assertNotIn("not a regular file", said)
        self.assertNotIn("the file changed while", said)
        self.assertIn("sales.csv: cannot be looked at (Input/output error); check that the file may be read", said)

    def test_a_state_that_the_system_does_not_tell_of_is_not_missing(self):
        said = "".join(err for err, _ in self.said_at(self.bench("resume"), "stat", "model.safetensors.state"))
        self.assertNotIn("there is no training state", said)
        self.assertIn("model.safetensors.state: cannot be looked at (Input/output error)", said)

    def test_an_earlier_model_that_the_system_does_not_tell_of_is_not_missing(self):
        said = "".join(err for err, _ in self.said_at(self.bench("incremental"), "stat", "runs/model.safetensors"))
        self.assertIn("runs/model.safetensors: cannot be looked at (Input/output error)", said)

    def test_a_journal_that_cannot_be_read_is_not_begun_anew(self):
        bench = self.bench("tune_on")
        journal = (bench.template / "runs/tuned.toml.journal").read_text()
        for call, sentence in (("read", "cannot be read (Input/output error); look at the disk, or choose another path.tuned"),
                               ("stat", "cannot be looked at (Input/output error)")):
            said = []
            for err, folder in self.said_at(bench, call, "tuned.toml.journal"):
                said.append(err)
                self.assertTrue((folder / "runs/tuned.toml.journal").read_text().startswith(journal))
            self.assertIn("tuned.toml.journal: " + sentence, "".join(said))

    def test_converted_data_that_cannot_be_read_are_not_somebodys_own_file(self):
        for name in ("convert_again", "renew_forecast"):
            bench = self.bench(name)
            for call in ("open_read", "read", "stat"):
                said = "".join(err for err, _ in self.said_at(bench, call, "sales.slc"))
                self.assertNotIn("holds something else", said)
                self.assertIn("(Input/output error); ", said)

    def test_a_source_of_converted_data_that_the_system_does_not_tell_of_is_not_missing(self):
        said = "".join(err for err, _ in self.said_at(self.bench("renew_forecast"), "stat", "sales.csv"))
        self.assertNotIn("is not there", said)
        self.assertIn("sales.csv: cannot be looked at (Input/output error)", said)

    def test_a_part_that_cannot_be_read_is_not_damaged(self):
        bench = self.bench("parts_on")
        for call in ("open_read", "read"):
            for ending in (".parquet", "_plan.json"):
                said = "".join(err for err, _ in self.said_at(bench, call, ending))
                self.assertNotIn("delete it", said)
                self.assertIn("(Input/output error); look at the disk, and give the same command again", said)

    def test_a_part_that_ends_early_or_comes_in_pieces_is_not_listed_as_another(self):
        bench = self.bench("parts")
        for error, said_of_it in (("end", r"cannot be read \(it ended after \d+ of \d+ bytes\)"), ("short", None)):
            for said, folder in self.said_at(bench, "read", ".parquet", error):
                if said_of_it and "sluice: " in said:
                    self.assertRegex(said, said_of_it + "|it is no whole Parquet file")
                else:
                    self.assertEqual(snapshot(folder)["parts/_manifest.json"], bench.after["parts/_manifest.json"])

    def test_a_directory_of_parts_that_the_system_does_not_tell_of_is_neither_missing_nor_a_file(self):
        for name in ("parts", "parts_on"):
            said = "".join(err for err, _ in self.said_at(self.bench(name), "stat", "parts/"))
            self.assertNotIn("No such file", said)
            self.assertNotIn("is a file", said)
            self.assertIn("parts/: cannot be looked at (Input/output error); ", said)

    def test_a_folder_of_a_search_that_cannot_be_looked_at_is_named(self):
        said = "".join(err for err, _ in self.said_at(self.bench("tune_on"), "stat", "runs"))
        self.assertIn("runs/tuned.toml.journal: its folder cannot be made (Input/output error); choose another path.tuned", said)

    def test_a_temporary_file_that_the_system_does_not_tell_of_is_no_other_of_its_name_and_not_left(self):
        run, folder = self.bench("forecast").trial(Fault(call="1:EIO:ever", only="stat .tmp"))
        self.assertEqual(run.status, 3)
        self.assertIn("forecast.csv: cannot be written (Input/output error); make room or choose another path.forecast", run.err)
        self.assertEqual([path.name for path in folder.rglob("*.tmp")], [])

    def test_memory_that_runs_out_where_the_library_allows_no_error_is_named(self):
        # While the folder is looked through for what killed processes left.
        bench = self.bench("simulate")
        looks = next(n for n, (name, path) in enumerate(bench.undisturbed.trace) if name == "open_read" and path == ".")
        made = bench.undisturbed.allocations_before[looks]
        said = []
        for n in range(made - 4, made + 8):
            run, _ = bench.trial(Fault(memory=f"{n}:ever"))
            self.assertEqual(run.status, 3, f"{n}: {run.err}")
            said.append("where a library allows none: most likely memory ran out" in run.err)
        self.assertTrue(any(said))


if __name__ == "__main__":
    unittest.main()
