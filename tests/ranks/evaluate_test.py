"""An evaluation as several processes: scores, table, JSON, rows and page are those of one, byte for byte."""
import json
import os
import re
import signal
import subprocess
import time
import unittest

import job


class Evaluate(job.Job):
    SERIES = 30

    def setUp(self):
        super().setUp()
        self.ok("simulate", "sales.csv", "--stores", "2", "--items", self.SERIES // 2, "--days", "120")

    def train(self, *more, test=10, **settings):
        self.ok("train", "sales.csv", "--horizon", "7", "--path.model", "m.safetensors", "--data.test", test,
                *job.small(training_steps=5, **settings), *more)

    def arguments(self, command, name, *more):
        """Batches of a few windows, so that there is one for each process."""
        return (command, "m.safetensors", "sales.csv", "--path.report", f"{name}.json", "--path.scores", f"{name}.csv",
                "--path.html", f"{name}.html", "--path.log", f"{name}.jsonl", "--mode.figures", "false",
                "--engine.threads", 1, "--engine.device", "cpu", "--engine.forecast_batch", 4, *more)

    def evaluate(self, ranks, name, *more, command="evaluate", status=0):
        return self.run_job(ranks, *self.arguments(command, name, *more), status=status)

    def results(self, name):
        """What an evaluation wrote, without how long it took, on how many processors, and what its files are called."""
        report = json.loads(self.read(f"{name}.json"))
        for times in (report, *report["methods"]):
            for key in [key for key in times if key.endswith("seconds")]:
                times.pop(key)
        return json.dumps(report), self.read(f"{name}.csv"), self.page(name)

    def page(self, name):
        return re.sub(r'"[a-z_]+_seconds": ?[0-9.e-]+|of \d+ processors', "", self.read(f"{name}.html")).replace(name, "")

    def compare(self, *ranks, more=()):
        self.evaluate(1, "job1", *more)
        whole = self.results("job1")
        for size in ranks:
            said = self.evaluate(size, f"job{size}", *more)
            for mine, one in zip(self.results(f"job{size}"), whole):
                self.assertEqual(mine, one)
            for words in (f"report: job{size}.json", " MAE     RMSE "):
                self.assertEqual(said.count(words), 1, said)
        return json.loads(self.read("job1.json"))

    def test_all_is_as_of_one_process(self):
        self.train(training_partners="ets+theta")
        report = self.compare(2, 4, more=("--evaluate.methods", "ets,theta,ets+theta,adida", "--evaluate.n_windows", 2,
                                          "--evaluate.step", 3))
        self.assertEqual(report["windows"], 2 * self.SERIES)

    def test_sums_of_series_add_up_by_errors_of_all(self):
        for reconcile in ("wls_var", "mint_shrink"):
            self.train("--data.groups", "total,store", "--data.static_categories", "store", "--forecast.reconcile", reconcile)
            report = self.compare(3, more=("--evaluate.methods", "theta"))
            self.assertEqual([level["level"] for level in report["hierarchy"]], ["total", "store", "series"])

    def test_distributions_and_drawn_paths_too(self):
        self.train(training_loss="negative_binomial")
        self.compare(4, more=("--evaluate.methods", "tsb"))
        self.train(training_loss="negative_binomial", network_decoding="recursive")
        self.compare(2, more=("--evaluate.methods", "[]"))

    def test_one_series_and_more_processes_than_series(self):
        self.write("sales.csv", "".join(["ds,y\n", *(f"2024-{1 + day // 28:02}-{1 + day % 28:02},{10 + day % 7}\n"
                                                     for day in range(140))]))
        self.train()
        self.compare(3)

    def test_a_refit_is_a_training_by_all(self):
        settings = [*job.small(training_steps=5), "--evaluate.refit", 1, "--evaluate.n_windows", 2, "--horizon", 7]
        scores = {}
        for ranks in (1, 3):
            self.run_job(ranks, "evaluate", "sales.csv", *settings, "--path.report", f"{ranks}.json", "--mode.figures", "false")
            report = json.loads(self.read(f"{ranks}.json"))
            scores[ranks] = [report["methods"][0]["total"][key] for key in ("mae", "mase", "rmsse")]
        self.assert_near(scores[3], scores[1], 1e-4)

    def test_report_writes_the_page_of_one_process(self):
        self.train()
        for ranks in (1, 2):
            said = self.evaluate(ranks, f"page{ranks}", command="report")
            self.assertEqual(said.count("page: "), 1, said)
        self.assertEqual(self.page("page2"), self.page("page1"))

    def test_a_rank_that_is_killed_ends_all_and_nothing_is_written(self):
        self.train(test=66)
        process = self.start(2, *self.arguments("evaluate", "lost", "--evaluate.methods", "ets", "--evaluate.n_windows", 60,
                                                "--evaluate.step", 1))
        self.addCleanup(process.kill)
        deadline = time.monotonic() + 40
        while len(ranks := job.ranks_of(process)) < 2:
            self.assertLess(time.monotonic(), deadline, "no second process")
            time.sleep(0.001)
        os.kill(ranks[1], signal.SIGKILL)
        out, err = process.communicate(timeout=30)
        self.assertNotEqual(process.returncode, 0)
        self.assertIn("exited on signal 9", err)
        for name in ("lost.json", "lost.csv", "lost.html"):
            self.assertFalse((self.folder / name).exists())

    def test_a_rank_with_other_files_or_an_error_of_its_own_ends_all(self):
        self.train()
        for folder, series in (("elsewhere", 151), ("nowhere", 0)):
            (self.folder / folder).mkdir()
            (self.folder / folder / "m.safetensors").write_bytes((self.folder / "m.safetensors").read_bytes())
            if series:
                self.ok("simulate", f"{folder}/sales.csv", "--stores", "2", "--items", self.SERIES // 2, "--days", series)
        for folder, words in (("elsewhere", "its model, data, settings or instruction set are not those of the first process"),
                              ("nowhere", "sales.csv")):
            mine = [job.program.program(), *map(str, self.arguments("evaluate", "mixed"))]
            command = [*self.mpirun(1), *mine, ":", "-n", "1", "-wdir", str(self.folder / folder), *mine]
            done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn("process 2 of 2, on ", done.stderr)
            self.assertIn(words, done.stderr)
            self.assertFalse((self.folder / "mixed.json").exists())

    def test_what_the_first_process_cannot_write_ends_all(self):
        self.train()
        (self.folder / "one.csv").mkdir()
        said = self.evaluate(3, "one", status=3)
        self.assertEqual(said.count("sluice: "), 1, said)
        self.assertIn("path.scores", said)


if __name__ == "__main__":
    unittest.main()
