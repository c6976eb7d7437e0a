"""The page of `sluice report` in a browser without a window: what it draws, finds and says.

Debian's chromium-headless-shell or chromium (CHROMIUM names another one); without it these tests are skipped.
"""
import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from program import Program

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)

# What a reader does, and what is there then: written into the page itself, which the browser prints.
ASK = """
<script>
// How many of a chart's lines can be seen: ten pixels of their very colour or more.
function drawn(chart) {
  const canvas = chart.host.querySelector('canvas');
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', {willReadFrequently: true});
  copy.drawImage(canvas, 0, 0);
  const pixels = copy.getImageData(0, 0, canvas.width, canvas.height).data, colours = new Map();
  for (let i = 0; i < pixels.length; i += 4) {
    const at = `${pixels[i]},${pixels[i + 1]},${pixels[i + 2]}`;
    if (pixels[i + 3] === 255) colours.set(at, 1 + (colours.get(at) || 0));
  }
  const parts = hex => [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16)).join();
  return chart.graph.getColors().filter(colour => colours.get(parts(colour)) >= 10).length;
}
function press(chart, key) { chart.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true})); }
const told = {};
const shown = () => document.getElementById('shown').textContent;
try {
  told.charts = CHARTS.map(drawn);
  told.ticks = CHARTS.map(chart => [...chart.host.querySelectorAll('.dygraph-axis-label-y')].map(tick => tick.textContent));
  told.places = document.querySelectorAll('.chart').length;
  told.sections = [...document.querySelectorAll('section')].map(s => s.id);
  told.text = document.getElementById('page').innerText;
  told.overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  told.first = shown();
  for (const pick of ['best', 'worst']) {
    const button = document.getElementById('pick-' + pick);
    if (button) { button.click(); told[pick] = shown(); }
  }
  told.why = [...document.querySelectorAll('#why tr')].map(row => [...row.cells].map(cell => cell.textContent));
  told.bars = [...document.querySelectorAll('#why .sides i')].map(bar => [bar.className, Math.round(bar.getBoundingClientRect().width)]);
  const search = document.getElementById('search'), choose = document.getElementById('choose');
  search.value = SEARCH; search.dispatchEvent(new Event('input'));
  told.found = [...choose.options].map(option => option.textContent);
  told.searched = shown();
  search.value = 'nothing like this'; search.dispatchEvent(new Event('input'));
  told.unfound = [...choose.options].map(option => [option.textContent, option.disabled]);
  told.kept = shown();
  search.value = ''; search.dispatchEvent(new Event('input'));
  choose.value = choose.options[0].value; choose.dispatchEvent(new Event('change'));
  told.chosen = shown();
  const chart = document.querySelector('#series .chart'), graph = CHARTS[CHARTS.length - 1].graph;
  told.whole = graph.xAxisRange(); press(chart, '+'); told.zoomed = graph.xAxisRange(); press(chart, '0'); told.back = graph.xAxisRange();
  press(chart, 'ArrowRight'); told.read = document.querySelector('#series .legend').textContent;
  told.licence = [...document.querySelectorAll('#settings details')].at(-1).textContent;
  const look = () => ({light: getComputedStyle(document.body).backgroundColor === 'rgb(251, 251, 250)', drawn: CHARTS.map(drawn),
    widest: Math.max(...[...document.querySelectorAll('.chart')].map(chart => chart.getBoundingClientRect().width))});
  told.before = look(); dispatchEvent(new Event('beforeprint')); told.paper = look(); dispatchEvent(new Event('afterprint')); told.after = look();
  told.markup = document.querySelectorAll('#page script, #page img').length;
} catch (error) { told.error = String(error.stack); }
document.body.innerHTML = ''; document.body.append(Object.assign(document.createElement('pre'), {id: 'told', textContent: btoa(
  String.fromCharCode(...new TextEncoder().encode(JSON.stringify(told))))}));
</script>
"""
HOSTILE = "</script><img src=x onerror=0>\"'&"


@unittest.skipUnless(CHROMIUM, "no chromium: apt-get install chromium-headless-shell, or set CHROMIUM")
class Page(Program):
    def report(self, *arguments):
        self.write("a.csv", "id,ds,y,region\n" + "".join(
            f"{name},2024-{1 + day // 28:02}-{1 + day % 28:02},{10 + 3 * s + (day % 7) * (s + 1) + (day * day) % 5},{region}\n"
            for s, (name, region) in enumerate([("apple", "north"), ("pear", "south"), ('"' + HOSTILE.replace('"', '""') + '"', "south"),
                                                ("plum", "north")])
            for day in range(112)))
        self.train("a.csv", "--data.time", "ds", "--data.static_categories", "region", "--horizon", "7", "--data.test", "14",
                   "--data.frequency", "D", "--mode.quiet", "true")
        self.ok("report", "runs/model.safetensors", "a.csv", "--evaluate.n_windows", "2", *arguments)

    def daily_report(self, value, *arguments, horizon=7):
        self.daily("a.csv", 112, value=value)
        self.train("a.csv", "--horizon", str(horizon), "--mode.quiet", "true")
        self.ok("report", "runs/model.safetensors", "a.csv", *arguments)

    def told(self, width=1280, scheme=1, search="pear"):
        """What the page says of itself. scheme: 0 dark, 1 light."""
        page = self.read("runs/report.html").replace("</body>", ASK.replace("SEARCH", json.dumps(search)) + "</body>")
        asked = self.write("asked.html", page)
        with tempfile.TemporaryDirectory(prefix="sluice_chromium_") as profile:
            done = subprocess.run(
                [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", f"--user-data-dir={profile}",
                 f"--window-size={width},900", f"--blink-settings=preferredColorScheme={scheme}", "--virtual-time-budget=5000",
                 "--dump-dom", asked.as_uri()], capture_output=True, timeout=60, check=False)
        said = done.stderr.decode(errors="replace")
        self.assertEqual([line for line in said.splitlines() if "CONSOLE" in line], [])
        found = re.search(r'<pre id="told">([^<]*)</pre>', done.stdout.decode(errors="replace"))
        self.assertTrue(found, said[-2000:])
        told = json.loads(base64.b64decode(found[1]))
        self.assertNotIn("error", told, told.get("error"))
        return told

    def test_draws_every_chart_and_finds_a_series(self):
        self.report()
        told = self.told()
        self.assertEqual(told["sections"], ["worth", "series", "errors", "intervals", "spread", "training", "data", "settings"])
        # The series, errors by step, coverage by step, the training.
        self.assertEqual([len(told["charts"]), told["places"]], [4, 4])
        for lines in told["charts"]:
            self.assertGreaterEqual(lines, 1, told["charts"])
        self.assertEqual(told["charts"][0], 2)  # actual and forecast
        self.assertEqual(len({told["best"], told["worst"], told["first"]}), 3)
        self.assertEqual(told["searched"], "pear")
        self.assertEqual([text.split()[0] for text in told["found"]], ["pear"])
        self.assertEqual(told["unfound"], [["no series like that is shown here", True]])
        self.assertEqual(told["kept"], "pear")
        self.assertEqual(told["chosen"], told["best"])
        self.assertLess(told["zoomed"][1] - told["zoomed"][0], told["whole"][1] - told["whole"][0])
        self.assertEqual(told["back"], told["whole"])
        self.assertRegex(told["read"], r"^2024-\d\d-\d\dactual \d")
        self.assertIn("Dan Vanderkam <danvdk@gmail.com>", told["licence"])
        self.assertNotIn("&lt;", told["licence"])
        for words in ("north", "south", "Wednesday", "80% interval", "seasonal naive (7)", "ETS + Theta", "seconds of a processor: ETS"):
            self.assertIn(words, told["text"])

    def test_says_what_moved_a_forecast_by_bars_to_both_sides(self):
        self.report()
        for width in (390, 1280):
            told = self.told(width=width)
            self.assertLessEqual(told["overflow"], 0)
            number = lambda text: float(text.replace(",", "").replace("−", "-"))
            names, values = [row[0] for row in told["why"]], [number(row[-1]) for row in told["why"]]
            self.assertEqual([names[0], names[-1]], ["a plain series (baseline)", "forecast"])
            self.assertIn("calendar, weekday", names)
            self.assertAlmostEqual(sum(values[:-1]), values[-1], delta=0.002 * abs(values[-1]))
            sizes = [abs(value) for value in values[1:-1] if value]
            self.assertEqual(len(told["bars"]), len(sizes))
            for (side, wide), value in zip(told["bars"], values[1:-1]):
                self.assertEqual(side, "less" if value < 0 else "more")
                self.assertAlmostEqual(wide / told["bars"][0][1], abs(value) / sizes[0], delta=0.05)

    def test_finds_the_very_id_before_those_that_hold_it(self):
        # S10 and S100 are forecast without an error, S1 is not.
        self.write("a.csv", "id,ds,y\n" + "".join(f"{name},2024-{1 + day // 28:02}-{1 + day % 28:02},{10 + (day % 7 if s < 2 else day * day % 97)}\n"
                                                  for s, name in enumerate(("S10", "S100", "S1")) for day in range(112)))
        self.train("a.csv", "--horizon", "7", "--mode.quiet", "true")
        self.ok("report", "runs/model.safetensors", "a.csv")
        told = self.told(search="s1")
        self.assertEqual([text.split()[0] for text in told["found"]], ["S1", "S10", "S100"])
        self.assertEqual(told["searched"], "S1")

    def test_says_what_a_simple_method_without_error_is_worth(self):
        self.daily_report(lambda day: 7)
        text = self.told()["text"]
        self.assertRegex(text, r"Neither this model nor the simple method|makes no error at all")
        self.assertNotIn("too wide", text)  # its ends are the value itself
        self.assertIn("It is the only series.", text)
        self.assertIn("1 forecast of 7 steps, frequency D (days)", text)

    def test_judges_coverage_by_the_level_and_by_how_many_values_there_are(self):
        self.daily_report(lambda day: 10 + day % 7)
        page = self.read("runs/report.html").replace("</body>", "<script>document.title = JSON.stringify("
            "[[.95, .99, 1e5], [.77, .8, 1e5], [.765, .8, 1e5], [.7, .8, 14], [.85, .8, 1e5]].map(([got, asked, n]) => verdict(got, asked, n)));</script></body>")
        done = subprocess.run([CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", self.write("b.html", page).as_uri()],
                              capture_output=True, timeout=60, check=True)
        said = json.loads(re.search(r"<title>(.*?)</title>", done.stdout.decode())[1])
        self.assertEqual(said, ["the interval is too narrow", "close to what was asked", "the interval is too narrow",
                                "in so few values no clear difference from what was asked", "the interval is too wide"])

    def test_shows_each_of_several_targets(self):
        self.daily("a.csv", 112, "ds,id,y,price", value=lambda day: f"a,{10 + day % 7},{5000 + day * day % 97}")
        self.train("a.csv", "--horizon", "7", "--data.targets", "y,price", "--data.id", "id", "--mode.quiet", "true")
        self.ok("report", "runs/model.safetensors", "a.csv")
        text = self.told()["text"]
        for words in ("The errors of its 2 targets are added up", "pairs of series and target", "Skill by target: highest"):
            self.assertIn(words, text)

    def test_shows_a_hostile_id_as_text(self):
        self.report()
        told = self.told(search="onerror")
        self.assertEqual(told["searched"], HOSTILE)
        self.assertEqual(told["markup"], 0)

    def test_fits_a_phone_in_light_and_dark(self):
        self.report()
        for scheme in (0, 1):
            told = self.told(width=390, scheme=scheme)
            self.assertEqual(told["overflow"], 0)
            self.assertTrue(all(told["charts"]), told["charts"])

    def test_draws_a_horizon_of_one_step_and_a_training_of_one_epoch(self):
        self.daily_report(lambda day: 10 + day % 7 + day * day % 5, horizon=1)
        told = self.told()
        self.assertEqual(len(told["charts"]), 4)
        self.assertTrue(all(told["charts"]), told["charts"])
        self.assertEqual(told["charts"][0], 2)

    def test_tells_large_numbers_that_differ_little_apart(self):
        self.daily_report(lambda day: 1234567 + 20 * (day % 7) + day * day % 5)
        told = self.told(width=390)
        for ticks in told["ticks"]:
            self.assertGreater(len(ticks), 2, told["ticks"])
            self.assertEqual(len(set(ticks)), len(ticks), ticks)
        self.assertRegex(told["read"], r"actual 1,234,\d\d[1-9]")

    def test_prints_light_charts_that_fit_the_paper(self):
        self.report()
        told = self.told(scheme=0)
        self.assertFalse(told["before"]["light"])
        self.assertTrue(told["paper"]["light"])
        self.assertTrue(all(told["paper"]["drawn"]), told["paper"])
        self.assertLessEqual(told["paper"]["widest"], 640.5)
        self.assertEqual(told["after"], told["before"])

    def test_speaks_chinese(self):
        self.report("--path.figure_language", "zh", "--forecast.levels", "80")
        told = self.told()
        for words in ("预测的价值", "星期三", "季节性朴素法 (7)", "80% 区间", "最终训练"):
            self.assertIn(words, told["text"] + told["read"])

    def test_says_in_chinese_what_moved_a_forecast(self):
        # Bent, with a weekly season: the network stays behind seasonal naive, which gets a part.
        self.daily("a.csv", 140, value=lambda day: 10 + (day % 7) ** 2 + (day * 7919 % 13) / 13)
        self.train("a.csv", "--horizon", "7", "--network.base", "none", "--network.space", "linear", "--mode.quiet", "true")
        self.assertIn("<-", self.ok("info", "runs/model.safetensors").out)
        self.ok("report", "runs/model.safetensors", "a.csv", "--path.figure_language", "zh")
        names = [row[0] for row in self.told()["why"]]
        self.assertIn("简单方法", names)
        self.assertIn("日历，星期", [name.replace("、", "，").replace(", ", "，") for name in names])
        self.assertFalse([name for name in names if "simple" in name or "calendar" in name or "weekday" in name], names)

    def test_gives_reasons_in_chinese(self):
        self.write("a.csv", "id,ds,y\n" + "".join(f"{name},2024-{1 + day // 28:02}-{1 + day % 28:02},{10 + day % 7}\n"
                                                  for name, days in (("a", 112), ("b", 112), ("短", 3)) for day in range(112 - days, 112)))
        self.train("a.csv", "--horizon", "7", "--mode.quiet", "true")
        self.ok("report", "runs/model.safetensors", "a.csv", "--path.figure_language", "zh")
        text = self.told()["text"]
        self.assertIn("1 个序列无法评分：只有 … 步，不长于预测期", text)
        self.assertNotIn("no more than the horizon", text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
