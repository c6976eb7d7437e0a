"""Short commands: files as arguments, names of other tools, and a model that carries its settings."""
import json
import os
import re
import shlex
import signal
import subprocess
import time
import unittest

from program import Program, program


def long_file(days=60, extra=""):
    rows = ["shop;day;sold;price"]
    for shop in "AB":
        for day in range(days):
            month, rest = divmod(day, 28)
            rows.append(f"{shop};2024-{month + 1:02}-{rest + 1:02};{5 + day % 7 + (shop == 'B')};{1 + day % 2}")
    return "\n".join(rows) + "\n" + extra


class NextCommand(Program):
    def next_commands(self, result):
        line = next(line for line in result.err.splitlines() if line.startswith("next: "))
        return [shlex.split(part)[1:] for part in line.removeprefix("next: ").split(", or ")]

    def test_what_train_names_next_works_whatever_the_frequency(self):
        for name, days, step in (("daily", 100, 1), ("weekly", 60, 7)):
            with self.subTest(name):
                self.daily("one file.csv", days * step)
                header, *rows = self.read("one file.csv").splitlines()
                self.write("one file.csv", "\n".join([header, *rows[::step]]) + "\n")
                commands = self.next_commands(self.train("one file.csv", "--path.model", f"my {name}.safetensors"))
                self.assertEqual([command[0] for command in commands], ["forecast", "evaluate"])
                for command in commands:
                    self.ok(*command)

    def weeks(self):
        """Own data, two columns, and a file of settings for daily data with more of them, added up to weeks."""
        self.write("weekly.toml", '[data]\nid = ["unique_id"]\ntime = "ds"\ntargets = ["y"]\nfuture = ["price"]\n'
                                  'static_categories = ["store"]\naggregate = "W-SUN"\ngaps = "zero"\nvalid = 3\ntest = 3\n'
                                  '[network]\npredict_day = 3\nhidden_size = 4\n[training]\nsteps = 4\n'
                                  '[path]\ndata = ["days.csv"]\nfuture = "days.future.csv"\nmodel = "w/m.safetensors"\n'
                                  '[engine]\ndevice = "cuda"\n[forecast]\nlevels = [50]\n[mode]\nlog_file = true\n')
        self.daily("my data.csv", 250, columns="day,sold")

    def test_what_train_names_next_undoes_the_lines_of_the_settings_that_its_flags_undid(self):
        self.weeks()
        trained = self.ok("train", "weekly.toml", "my data.csv", "--data.id", "", "--data.time", "day", "--data.targets", "sold",
                          "--data.future", "", "--data.static_categories", "", "--path.future", "", "--engine.device", "cpu",
                          "--horizon", "2", "--forecast.levels", "90", "--training.choice", "0", "--mode.figures", "false")
        for command in self.next_commands(trained):
            self.ok(*command)
            self.assertNotIn("--horizon", command)  # the model's own
            self.assertIn("my data.csv", command)
        self.assertEqual(self.read("runs/forecast.csv").splitlines()[0], "unique_id,ds,sluice,sluice-lo-90,sluice-hi-90")

    def test_a_file_of_settings_that_is_gone_after_the_training_does_not_fail_it(self):
        self.daily("sales.csv", 60)
        self.write("few.toml", "[network]\nhidden_size = 4\n[training]\nsteps = 1000000\nmax_seconds = 1\n")
        running = subprocess.Popen([program(), "train", "few.toml", "sales.csv", "--path.model", "m.safetensors", "--horizon", "7",
                                    "--engine.device", "cpu", "--training.choice", "0"], cwd=self.folder, text=True,
                                   stderr=subprocess.PIPE)
        log = self.folder / "runs/log.jsonl"
        while running.poll() is None and not (log.exists() and "training windows" in log.read_text()):
            time.sleep(0.01)
        (self.folder / "few.toml").unlink()
        messages = running.communicate(timeout=60)[1]
        self.assertEqual(running.returncode, 0, messages)
        self.assertIn("next: sluice forecast few.toml m.safetensors sales.csv", messages)

    def test_settings_from_a_pipe_are_read_once(self):
        self.daily("sales.csv", 60)
        os.mkfifo(self.folder / "pipe.toml")
        # A second reading would wait for a writer that does not come.
        writer = subprocess.Popen(["sh", "-c", "echo '[data]\ntest = 7' > pipe.toml"], cwd=self.folder)
        result = self.train("pipe.toml", "sales.csv", "--path.model", "m.safetensors", timeout=30)
        self.assertEqual(writer.wait(), 0)
        self.assertIn("next: sluice forecast pipe.toml m.safetensors sales.csv", result.err)

    def test_a_flag_whose_value_begins_like_one_is_named_so_that_it_can_be_pasted(self):
        self.weeks()
        trained = self.train("my data.csv", "weekly.toml", "--data.id=", "--data.time", "day", "--data.targets", "sold", "--data.future=",
                             "--data.static_categories=", "--path.future=", "--data.missing=--,NA", "--path.forecast=--f.csv",
                             "--training.choice", "0", "--mode.figures", "false")
        for command in self.next_commands(trained):
            self.ok(*command)

    def test_a_limit_that_no_model_keeps_is_named_again(self):
        self.daily("sales.csv", 100)
        trained = self.train("sales.csv", "--data.max_bytes", "5000", "--mode.debug_rows", "70", "--mode.figures", "false", "--training.choice", "0")
        for command in self.next_commands(trained):
            self.ok(*command)
            self.assertEqual(command[2:6], ["sales.csv", "--data.max_bytes", "5000", "--mode.debug_rows"])

    def test_the_check_that_a_forecast_names_is_of_its_model(self):
        self.write("shops.csv", "\n".join(line for line in long_file().splitlines() if "2024-02-03" not in line) + "\n")
        self.train("shops.csv", "--data.id", "shop", "--data.time", "day", "--data.targets", "sold", "--data.past", "price",
                   "--path.model", "m.safetensors", "--training.choice", "0")
        said = " ".join(self.ok("evaluate", "--path.data", "shops.csv", "--path.model", "m.safetensors", "--mode.figures=false").err.split())
        command = shlex.split(re.search(r"as the training had (?:it|them): sluice (check .*?shops.csv)", said)[1])
        self.assertIn("m.safetensors", command)
        self.assertIn("sold", self.ok(*command).out)

    def test_the_command_that_an_interrupted_training_names_goes_on_with_it(self):
        self.daily("my sales.csv", 100)
        flags = ["--training.steps", "1000000", "--hidden_size", "4", "--horizon", "5", "--data.missing", "NA,no value",
                 "--engine.threads", "1", "--engine.device", "cpu"]
        running = subprocess.Popen([program(), "train", "my sales.csv", *flags], cwd=self.folder, text=True,
                                   stderr=subprocess.PIPE)
        log = self.folder / "runs/log.jsonl"
        while running.poll() is None and not (log.exists() and "training windows" in log.read_text()):
            time.sleep(0.01)
        time.sleep(0.1)  # a few steps, so that there is a state to go on from
        running.send_signal(signal.SIGINT)
        messages = running.communicate(timeout=60)[1]
        self.assertEqual(running.returncode, 130, messages)
        line = next(line for line in messages.splitlines() if line.startswith("interrupted; go on: sluice "))
        command = shlex.split(line.removeprefix("interrupted; go on: sluice "))
        self.assertEqual(command[:2], ["train", "my sales.csv"])
        again = subprocess.Popen([program(), *command], cwd=self.folder, text=True, stderr=subprocess.PIPE)
        self.assertTrue(any("resuming" in line for line in iter(again.stderr.readline, "")))
        again.send_signal(signal.SIGINT)
        messages = again.communicate(timeout=60)[1]
        self.assertEqual(again.returncode, 130, messages)

    def test_the_last_horizon_is_held_out_and_scored(self):
        self.daily("sales.csv", 100)
        result = self.train("sales.csv")
        self.assertIn("at least 14 steps", result.err.replace("\n  ", " "))
        self.ok("evaluate", "--mode.figures", "false")
        report = json.loads(self.read("runs/report.json"))
        self.assertEqual((report["horizon"], report["windows"]), (14, 1))

    def test_histories_too_short_for_it_are_told_of_and_no_evaluation_is_offered(self):
        self.daily("sales.csv", 20)
        result = self.train("sales.csv")
        text = " ".join(result.err.split())
        self.assertNotIn("or sluice evaluate", text)
        self.assertIn("to evaluate it, the last 14 steps must be held out, and a tenth of 20 steps (the median series) was: "
                      "train with --data.test 14 or", text)
        self.assertEqual(self.sluice("evaluate").status, 3)
        self.train("sales.csv", "--data.test", "14")
        self.ok("evaluate", "--mode.figures", "false")

    def test_what_is_advised_for_histories_of_a_few_steps_can_be_done(self):
        for days in range(2, 18):
            self.daily("few.csv", days)
            text = " ".join(self.train("few.csv", *(["--data.valid", "0"] if days == 2 else [])).err.split())
            with self.subTest(days=days, text=text):
                advised = re.search(r"train with (--horizon \d+ )?(--data.test \d+)", text)
                if days <= 3:
                    self.assertIn("it takes longer series (1", text)
                    self.assertIsNone(advised)
                    continue
                self.train("few.csv", *advised[0].split()[2:])
                self.ok("evaluate", "--mode.figures", "false")
                self.assertEqual("--evaluate.refit 1" in text, days >= 17)
                if days >= 17:
                    self.train("few.csv")
                    self.ok("evaluate", "few.csv", "--mode.figures", "false", "--evaluate.refit", "1", "--training.steps", "2")

    def test_what_evaluate_advises_has_numbers_and_can_be_done(self):
        self.daily("few.csv", 20)
        few = ("--training.choice", "0", "--training.partners", "none")
        self.train("few.csv", "--horizon", "20", *few)
        long = self.sluice("evaluate", "few.csv")
        self.assertEqual(long.status, 3)
        advised = re.search(r"longer than the horizon of 20 steps \(the longest has 20\), so nothing can be evaluated; "
                            r"train with (--horizon 17 --data.test 17)", " ".join(long.err.split()))
        self.train("few.csv", *advised[1].split(), *few)
        self.ok("evaluate", "few.csv", "--mode.figures", "false")
        self.train("few.csv", "--horizon", "3", "--data.test", "2", *few)
        seen = self.sluice("evaluate", "few.csv")
        self.assertEqual(seen.status, 3)
        advised = re.search(r"train with (--data.test 3), or let the evaluation train", " ".join(seen.err.split()))
        self.train("few.csv", "--horizon", "3", *advised[1].split(), *few)
        self.ok("evaluate", "few.csv", "--mode.figures", "false")
        self.daily("three.csv", 3)
        self.train("three.csv", "--horizon", "3", "--data.test", "0", *few)
        short = self.sluice("evaluate", "three.csv")
        self.assertIn("so nothing can be evaluated; it takes longer series (4 steps or more)", " ".join(short.err.split()))

    def test_one_step_is_no_steps(self):
        self.daily("few.csv", 20)
        said = " ".join(self.train("few.csv", "--horizon", "1", "--data.test", "1", "--training.choice", "0").err.split())
        self.assertIn("held out for evaluate (data.test): the last 1 step of each series; evaluate scores 1 step", said)
        said = " ".join(self.train("few.csv", "--horizon", "1", "--data.test", "0", "--training.choice", "0").err.split())
        self.assertIn("to evaluate it, the last 1 step must be held out, and data.test = 0 of 20 steps", said)
        self.assertNotIn("1 steps", said)

    def test_a_history_without_room_for_a_validation_step_is_told_so(self):
        self.daily("two.csv", 2)
        result = self.sluice("train", "two.csv", "--training.steps", "2")
        self.assertEqual(result.status, 2)
        self.assertIn("of which the longest has 2 steps before the test part; train without one (--data.valid 0)", result.err)
        result = self.sluice("train", "two.csv", "--training.steps", "2", "--horizon", "1")
        self.assertIn("the longest of 1 has 2 in all, 1 of them to train on; set data.valid and data.test so that they "
                      "leave as many (--data.valid 0 --data.test 0)", " ".join(result.err.split()))
        self.train("two.csv", "--horizon", "1", "--data.valid", "0", "--data.test", "0")


class CarriedSettings(Program):
    FLAGS = ("--data.id", "shop", "--data.time", "day", "--data.targets", "sold", "--data.past", "price",
             "--data.delimiter", ";", "--horizon", "7", "--forecast.levels", "50,90")

    def test_a_model_needs_no_flag_repeated(self):
        self.write("shops.csv", long_file())
        self.train("shops.csv", *self.FLAGS)
        self.ok("forecast", "runs/model.safetensors", "shops.csv")
        lines = self.read("runs/forecast.csv").splitlines()
        self.assertEqual(lines[0], "unique_id,ds,sluice,sluice-lo-50,sluice-hi-50,sluice-lo-90,sluice-hi-90")
        self.assertEqual(len(lines), 1 + 2 * 7)
        self.ok("evaluate", "runs/model.safetensors", "shops.csv", "--mode.figures", "false")
        self.assertIn("sold", self.ok("check", "runs/model.safetensors", "shops.csv").out)

    def test_new_data_take_the_place_of_those_it_was_trained_on(self):
        self.write("shops.csv", long_file(60))
        self.train("shops.csv", *self.FLAGS)
        self.write("later.csv", long_file(70))
        self.ok("forecast", "later.csv", "runs/model.safetensors")
        self.assertTrue(self.read("runs/forecast.csv").splitlines()[1].startswith("A,2024-03-15,"))

    def test_what_is_given_goes_before_what_the_model_brings(self):
        self.write("shops.csv", long_file())
        self.train("shops.csv", *self.FLAGS)
        self.ok("forecast", "runs/model.safetensors", "--level", "90", "--path.forecast", "f.csv")
        self.assertEqual(self.read("f.csv").splitlines()[0], "unique_id,ds,sluice,sluice-lo-90,sluice-hi-90")

    def test_what_contradicts_the_model_is_an_error(self):
        self.write("shops.csv", long_file())
        self.train("shops.csv", *self.FLAGS)
        result = self.sluice("forecast", "runs/model.safetensors", "--horizon", "9")
        self.assertEqual(result.status, 2)
        self.assertIn("was trained with 7", result.err)
        result = self.sluice("forecast", "runs/model.safetensors", "--data.past", "")
        self.assertEqual(result.status, 3)
        self.assertIn("price", result.err)
        self.ok("forecast", "runs/model.safetensors", "--horizon", "7", "--training.steps", "99")
        for key, value, trained in (("decoding", "recursive", '"direct"'), ("lags", "5", '"auto"')):
            result = self.sluice("forecast", "runs/model.safetensors", f"--network.{key}", value)
            self.assertEqual(result.status, 2)
            self.assertIn(f"was trained with {trained};", result.err)

    def test_where_results_go_is_not_the_models_to_say(self):
        self.daily("sales.csv", 60)
        self.train("sales.csv", "--path.forecast", "elsewhere.csv", "--path.log", "a.log")
        self.ok("forecast", "runs/model.safetensors")
        self.assertFalse((self.folder / "elsewhere.csv").exists())
        self.assertTrue((self.folder / "runs/forecast.csv").exists())

    def test_settings_in_a_file_and_the_old_form_work_as_they_did(self):
        self.write("shops.csv", long_file())
        self.write("shops.toml", '[data]\nid = "shop"\ntime = "day"\ntargets = "sold"\ndelimiter = ";"\n'
                                 'valid = 7\ntest = 7\n[network]\npredict_day = 7\nhidden_size = 8\n'
                                 '[path]\ndata = "shops.csv"\nmodel = "m.safetensors"\n')
        self.train("shops.toml")
        result = self.ok("forecast", "shops.toml")
        self.assertIn("shops.toml asks for another network than m.safetensors has (network.hidden_size)", result.err)
        self.ok("evaluate", "shops.toml", "--mode.figures", "false")
        self.ok("forecast", "--path.data", "shops.csv", "--path.model", "m.safetensors", "--data.id", "shop",
                "--data.time", "day", "--data.targets", "sold", "--data.delimiter", ";")

    def test_arguments_are_told_apart_by_what_is_in_them_where_their_names_do_not(self):
        self.daily("sales.dat", 60)
        self.write("settings", "# a comment\n[network]\npredict_day = 5\n")
        self.train("sales.dat", "settings", "--data.format", "csv", "--path.model", "model")
        self.ok("forecast", "sales.dat", "model", "--data.format", "csv")
        self.assertEqual(len(self.read("runs/forecast.csv").splitlines()), 1 + 5)

    def test_a_model_where_a_training_begins_is_refused_with_the_key(self):
        self.daily("sales.csv", 60)
        self.train("sales.csv")
        result = self.sluice("train", "runs/model.safetensors", "sales.csv")
        self.assertEqual(result.status, 2)
        self.assertIn("--training.init_from", result.err)


class Names(Program):
    def test_names_of_other_tools_mean_their_keys(self):
        self.daily("sales.csv", 80)
        self.ok("train", "sales.csv", "--prediction_length", "5", "--freq", "D", "--batch-size=8", "--lr", "0.01",
                "--max_steps", "3", "--input_size", "9", "--hidden_size", "4", "--random_seed", "7",
                "--quantile_levels", "0.05,0.5,0.95", "--val_size", "6", "--accelerator", "cpu", "--resume", "false")
        model = self.ok("info", "runs/model.safetensors").out
        for line in ("predict_day = 5", 'frequency = "D"', "batch_size = 8", "learning_rate = 0.01", "steps = 3",
                     "time_step = 9", "hidden_size = 4", "seed = 7", "levels = [90]", "valid = 6", 'device = "cpu"'):
            self.assertIn("\n" + line + "\n", model)

    def test_settings_as_messages_write_them_are_taken_as_flags(self):
        self.write("d.csv", "x,2024-01,2024-02,2024-03\nA,1,2,3\nB,4,5,6\n")
        for typed in (["data.layout", "=", "rows"], ["data.layout=rows"], ["data.layout", "=rows"]):
            self.assertIn("layout      rows\n", self.ok("check", "d.csv", *typed).out)
        self.daily("sales.csv", 40)
        for typed in (["data.missing", "=", "[NA, none]"], ["data.missing=[NA,none]"], ["--data.missing", '["NA", "none"]'],
                      ["data.missing", "=", "[NA,", "none]"]):
            self.ok("train", "sales.csv", "--horizon", "3", "--training.steps", "2", "--hidden_size", "4", *typed)
            self.assertIn('\nmissing = ["NA", "none"]\n', self.ok("info", "runs/model.safetensors").out)
        result = self.sluice("check", "d.csv", "data.layout")
        self.assertEqual(result.status, 2)
        self.assertIn("data.layout is a setting: write --data.layout VALUE", result.err)

    def test_epochs_asked_for_are_not_cut_by_the_default_of_steps(self):
        self.daily("sales.csv", 40)
        self.ok("train", "sales.csv", "--epochs", "2", "--training.steps_per_epoch", "3", "--hidden_size", "4")
        model = self.ok("info", "runs/model.safetensors").out
        self.assertIn("\nepochs = 2\nsteps = 0\n", model)

    def test_messages_name_a_flag_as_it_was_written(self):
        self.daily("sales.csv", 60)
        self.train("sales.csv", "--horizon", "3", "--path.model", "m.safetensors")
        for arguments, said in (
                (("--horizon", "x"), "--horizon must be an integer from 0 to 10000, got \"x\""),
                (("--network.predict_day", "x"), "--network.predict_day must be an integer"),
                (("--horizon", "4"), "--horizon 4: m.safetensors was trained with 3;"),
                (("--horizon", "3", "--h", "3"), "--horizon is given twice, once as --h;"),
                (("--horizon", "3", "--horizon", "3"), "--horizon is given twice; give it once\n"),
                (("--path.future", "a.csv", "--path.future", "b.csv"),
                 "--path.future is given twice; give it once, with commas between its values: --path.future A,B\n")):
            with self.subTest(arguments):
                result = self.sluice("forecast", "m.safetensors", "sales.csv", *arguments)
                self.assertEqual(result.status, 2)
                self.assertIn(said, result.err)

    def test_a_choice_that_stands_twice_in_a_list_is_refused(self):
        self.daily("sales.csv", 60)
        self.write("twice.toml", '[training]\npartners = ["ets", "theta", "ets"]\n')
        for arguments, said in ((("evaluate", "--evaluate.methods", "ets,ets"), "--evaluate.methods names ets twice; name it once"),
                                (("train", "twice.toml"), "twice.toml:2: training.partners names ets twice; name it once")):
            result = self.sluice(*arguments, "sales.csv")
            self.assertEqual(result.status, 2)
            self.assertIn(said, result.err)

    def test_a_setting_that_changes_nothing_is_named(self):
        self.daily("sales.csv", 60)
        said = self.train("sales.csv", "--horizon", "3", "--data.future_for_all", "true", "--data.time_zone", "Europe/Berlin",
                          "--dropout", "0.1", "--path.model", "m.safetensors").err
        for setting in ("data.future_for_all", "data.time_zone", "network.dropout"):
            self.assertIn(f"warning: {setting} has no effect", said)
        said = self.train("sales.csv", "--horizon", "3", "--network.lags", "70", "--path.model", "m.safetensors").err
        self.assertIn("network.lags = 70 reaches back beyond the begin of every series, where nothing is: the longest has 60 steps\n", said)
        # What the model brings along was said when it was trained.
        later = self.ok("forecast", "m.safetensors", "sales.csv").err
        self.assertNotIn("no effect", later)
        self.assertNotIn("beyond the begin", later)
        self.assertIn("data.start has no effect", self.ok("check", "sales.csv", "--data.start", "2024-01-01").out)

    def test_flags_that_a_command_does_not_look_at_are_named_in_one_warning(self):
        self.daily("sales.csv", 60)
        self.write("all.toml", "[training]\nsteps = 4\n[data]\nvalid = 7\n[evaluate]\nn_windows = 1\n")
        given = ["sales.csv", "--horizon", "3", "--mode.figures", "false"]
        self.train(*given[:3], "--path.model", "m.safetensors")

        def said(command, *flags):
            err = self.ok(command, "m.safetensors", *given[:3], *flags, "--engine.device", "cpu").err
            return [" ".join(line.split()) for line in err.splitlines() if "no effect" in line]

        own = "; the model is as it was trained"
        self.assertEqual(said("forecast", "--training.loss", "mse", "--max_steps", "9", "--data.valid", "7", "--evaluate.show", "A"),
                         ["warning: --training.loss, --max_steps, --data.valid, --evaluate.show have no effect: forecast "
                          f"does not look at them{own}, by sluice train"])
        self.assertEqual(said("forecast", "--epochs", "9"),
                         [f"warning: --epochs has no effect: forecast does not look at it{own}, by sluice train"])
        self.assertEqual(said("evaluate", "--mode.figures", "false", "--training.partners", "none", "--training.calibration", "none"),
                         ["warning: --training.partners, --training.calibration have no effect: evaluate does not look "
                          f"at them{own} (evaluate.refit trains anew)"])
        self.assertEqual(said("evaluate", "--mode.figures", "false", "--forecast.samples", "20"),
                         ["warning: --forecast.samples has no effect: evaluate does not look at it"])
        self.assertEqual(said("report", "--path.scores", "s.csv"),
                         ["warning: --path.scores has no effect: report does not look at it"])
        self.assertEqual(said("forecast", "--forecast.samples", "20", "--path.sums", "s.csv"),
                         ["warning: forecast.samples has no effect without forecast.sums or path.samples, but on "
                          'network.decoding = "recursive"', "warning: path.sums has no effect without forecast.sums"])
        # One file of settings serves every command, and what a model has of it is so.
        self.assertEqual(said("forecast", "all.toml", "--forecast.strict", "true", "--data.duplicates", "sum"), [])
        refit = self.ok("evaluate", *given, "--evaluate.refit", "1", "--training.steps", "4", "--data.valid", "7",
                        "--hidden_size", "4", "--training.choice", "0", "--data.test", "7").err
        self.assertIn("--data.test has no effect: evaluate does not look at it, as each training ends where", refit)
        self.assertIn("--tune.trials has no effect: train does not look at it\n", self.train(*given[:3], "--tune.trials", "3").err)

    def test_what_train_names_next_has_only_what_its_command_looks_at(self):
        self.daily("sales.csv", 60)
        said = self.ok("train", "sales.csv", "--horizon", "3", "--path.forecast", "f.csv", "--path.report", "r.json",
                       "--training.steps", "4", "--hidden_size", "4", "--data.test", "7").err
        self.assertIn("next: sluice forecast runs/model.safetensors sales.csv --path.forecast f.csv, or sluice evaluate "
                      "runs/model.safetensors sales.csv --path.report r.json\n", said)

    def test_a_name_without_one_key_is_answered_with_what_to_write(self):
        cases = (("--stat_exog_list", "a", "--data.static_reals"), ("--future", "a.csv", "--path.future FILE"),
                 ("--quantile_levels", "0.1,0.5", "--forecast.levels 80"), ("--horizn", "3", "did you mean --horizon?"),
                 ("--network.horizon", "3", "did you mean --network.predict_day?"))
        for flag, value, answer in cases:
            with self.subTest(flag):
                result = self.sluice("train", "sales.csv", flag, value)
                self.assertEqual(result.status, 2)
                self.assertIn(answer, result.err)


if __name__ == "__main__":
    unittest.main()
