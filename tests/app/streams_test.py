"""Where standard output, standard error or a file's room are missing: the status stays true and no file of the user's
gets what was meant for a terminal."""
import json
import os
import resource
import signal
import subprocess
import unittest

from program import Program


def closed(*descriptors):
    def before():
        for descriptor in descriptors:
            os.close(descriptor)
    return before


class Streams(Program):
    def test_a_full_device_as_output_is_an_error_with_its_cause(self):
        self.daily("sales.csv", 120)
        self.train("--path.data", "sales.csv", "--data.test", "14", "--mode.log_file", "false")
        for arguments in (["check", "sales.csv"], ["explain"], ["info"], ["info", "runs/model.safetensors"], ["--help"],
                          ["--version"], [], ["train", "--help"],
                          ["evaluate", "--path.data", "sales.csv", "--mode.figures", "false"]):
            with self.subTest(arguments), open("/dev/full", "wb") as full:
                result = self.sluice(*arguments, stdout=full)
                self.assertEqual(result.status, 3)
                self.assertIn("standard output: cannot be written (No space left on device)", result.err)

    def test_a_report_is_written_also_where_its_table_cannot_be_shown(self):
        self.daily("sales.csv", 120)
        self.train("--path.data", "sales.csv", "--data.test", "14")
        with open("/dev/full", "wb") as full:
            self.sluice("evaluate", "--path.data", "sales.csv", "--mode.figures", "false", stdout=full)
        report = json.loads(self.read("runs/report.json"))
        self.assertEqual(report["horizon"], 14)

    def test_an_evaluation_says_how_far_it_is_on_a_terminal_alone(self):
        self.daily("sales.csv", 120)
        self.train("--path.data", "sales.csv", "--data.test", "14")
        evaluate = ["evaluate", "--path.data", "sales.csv", "--mode.figures", "false", "--evaluate.methods", "ets,theta"]
        self.assertNotIn("0 of 1 forecasts", self.sluice(*evaluate).err)
        reader, terminal = os.openpty()
        self.assertEqual(self.sluice(*evaluate, stderr=terminal).status, 0)
        os.close(terminal)
        seen = os.read(reader, 1 << 16).decode()
        os.close(reader)
        self.assertIn("[------------]   0 %  0 of 1 forecasts by ETS, Theta\r", seen)  # and gone

    def test_each_status_stays_what_it_is_where_messages_cannot_be_written(self):
        self.write("bad.csv", "ds,y\n2024-01-01,x\n")
        self.daily("good.csv", 30)
        cases = ((2, ["train", "--no.such", "1"]), (3, ["check", "bad.csv"]), (0, ["check", "good.csv"]),
                 (4, ["train", "--path.data", "good.csv", "--engine.device", "cuda:9"]))
        for status, arguments in cases:
            with self.subTest(arguments, stderr="closed"):
                self.assertEqual(self.sluice(*arguments, stderr=None, before=closed(2)).status, status)
            with self.subTest(arguments, stderr="full"), open("/dev/full", "wb") as full:
                self.assertEqual(self.sluice(*arguments, stderr=full).status, status)

    def test_no_message_lands_in_a_file_that_got_a_closed_streams_number(self):
        content = self.daily("sales.csv", 60).read_bytes()
        result = self.sluice("train", "--path.data", "sales.csv", "--training.steps", "2", "--network.hidden_size", "4",
                             "--engine.device", "cpu", stdout=None, stderr=None, before=closed(0, 1, 2))
        self.assertEqual(result.status, 0)
        self.assertEqual((self.folder / "sales.csv").read_bytes(), content)
        for line in self.read("runs/log.jsonl").splitlines():
            self.assertTrue(line.startswith("{"), line)

    def test_a_closed_output_is_an_error_of_a_command_that_has_results(self):
        self.daily("good.csv", 30)
        result = self.sluice("check", "good.csv", stdout=None, before=closed(1))
        self.assertEqual(result.status, 3)
        self.assertIn("standard output: cannot be written", result.err)

    def test_a_limit_on_the_size_of_files_is_an_error_that_says_so(self):
        self.daily("sales.csv", 60)
        self.train("sales.csv", "--training.choice", "0")
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        # A training's model is not begun (full_disk_test); a forecast fails as it is written.
        result = self.sluice("forecast", "--mode.log_file", "false", before=limit)
        self.assertEqual(result.status, 3, result.err)
        self.assertIn("runs/forecast.csv", result.err)
        self.assertIn("File too large", result.err)

    def test_a_reader_that_goes_away_ends_the_program_as_any_other(self):
        running = subprocess.Popen([os.environ["SLUICE_PROGRAM"], "explain", "--markdown"], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_DFL))
        running.stdout.close()
        self.assertIn(running.wait(timeout=60), (0, -signal.SIGPIPE))
        running.stderr.close()

    def test_a_log_without_room_is_told_in_a_sentence(self):
        self.daily("sales.csv", 60)
        said = self.train("sales.csv", "--path.log", "/dev/full").err
        self.assertEqual(said.count("warning: /dev/full: the log is not whole (No space left on device); make room, or "
                                    "choose another path.log"), 1, said)
        self.assertNotIn("LOG ERROR", said)

    def test_a_text_of_a_million_letters_is_not_repeated_whole(self):
        self.daily("sales.csv", 60)
        result = self.sluice("check", "sales.csv", "--data.id", "a" * 100_000)
        self.assertEqual(result.status, 3)
        self.assertLess(len(result.err), 3000)
        self.assertIn("data.id", result.err)

    def test_what_would_steer_a_terminal_is_shown_not_obeyed(self):
        self.daily("sales.csv", 30, columns="ds,y\x1b[31m")
        result = self.ok("check", "sales.csv", "--data.targets", "y\x1b[31m")
        self.assertIn("y\\x1b[31m", result.out)
        self.assertNotIn("\x1b", result.out)
        result = self.sluice("check", "sales.csv", "--data.targets", "z")
        self.assertEqual(result.status, 3)
        self.assertNotIn("\x1b", result.err)
        self.train("--path.data", "sales.csv", "--data.targets", "y\x1b[31m")
        result = self.ok("info", "runs/model.safetensors")
        self.assertIn("y\\x1b[31m", result.out)
        self.assertNotIn("\x1b", result.out)


class LongSettings(Program):
    def test_brackets_and_keys_nested_forty_thousand_deep_are_refused_with_their_line(self):
        deep = 40_000
        texts = {"brackets": "[network]\nlags = " + "[" * deep + "]" * deep,
                 "tables": "[network]\nlags = " + "{a=" * deep + "1" + "}" * deep,
                 "parts": "[network]\n" + "a." * deep + "b = 1",
                 "header": "\n[" + "a." * deep + "b]\nx = 1"}
        for name, text in texts.items():
            with self.subTest(name):
                self.write(name + ".toml", text + "\n")
                result = self.sluice("train", name + ".toml")
                self.assertEqual(result.status, 2, result.err[:300])
                self.assertIn(name + ".toml:2: ", result.err)
                self.assertLess(len(result.err), 600)

    def test_settings_of_that_kind_inside_a_model_are_a_damaged_model(self):
        self.daily("sales.csv", 60)
        self.train("sales.csv")
        content = (self.folder / "runs/model.safetensors").read_bytes()
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8:8 + length])
        del header["__metadata__"]["checksum"]
        header["__metadata__"]["config"] = "[data]\n" + "a." * 40_000 + "b = 1\n"
        changed = json.dumps(header).encode()
        self.write("m.safetensors", len(changed).to_bytes(8, "little") + changed + content[8 + length:])
        for arguments in (["info", "m.safetensors"], ["forecast", "m.safetensors", "sales.csv"]):
            result = self.sluice(*arguments)
            self.assertEqual(result.status, 3, result.err[:300])
            self.assertIn("m.safetensors: metadata 'config':2: a key of more than 16 parts", result.err)

    def test_a_list_of_words_that_no_reader_could_hold_is_refused(self):
        self.daily("sales.csv", 30)
        words = ",".join(f"word{i}" for i in range(10_000))
        result = self.sluice("check", "sales.csv", "--data.missing", words)
        self.assertEqual(result.status, 2)
        self.assertIn("data.missing has 10000 words", result.err)


if __name__ == "__main__":
    unittest.main()
