"""The formula of the model, its constants out of a benchmark, and what it reads of the sources."""

import json
import pathlib
import tempfile
import unittest

import model_path  # noqa: F401
from kernel_model import counts, fit, layout, model, scenarios, tables

CONSTANTS = {
    "origin": "of a test", "devices": {"D": 1e12}, "multiprocessors": 100, "clock": 1e9, "memory_share": 0.5,
    "matrix_cycles": {"bf16": 2, "tf32": 2}, "special_cycles": 8, "ldsm_cycles": 4, "line_cycles": 1, "issue_share": 1,
    "latency_cycles": 500, "weight_bytes_per_cycle": 64, "launch_seconds": 2e-6}


def forward_row(issued=400.0, stores=None, written=0.0, scenario="inference", kind="forward", ldsm=5.0):
    pipes = {"HMMA": 20.0, "MUFU": 20.0, "LDSM": ldsm}
    tile = counts.Work(issued, pipes, 0, {"STG": stores} if stores else {}, None)
    return counts.Row(scenarios.Kernel(kind, "bf16", 64, None), scenario, tile, 0.0, {"read": 32.0, "written": written})


HOST = {"products": {"reads": 2, "dx": 1, "launches": 9}, "tiles": {"resident": False, "extra": 1}}


def plan():
    """8 warps, one resident block, no weights to load."""
    values = {"threads": 256, "resident": 1, "x_steps": 1, "x_pitch": 16, "element_bytes": 2, "backward_shared": 1000,
              "forward_weights": 0, "backward_weights": 0, "tiles_1600": 1, "tiles_6400": 4,
              **{f"forward_shared_{tiles}": 1000 for tiles in range(1, 5)}}
    return layout.Layout("\n".join(f"value bf16 64 {name} {value}" for name, value in values.items()))


class Formula(unittest.TestCase):
    def test_a_step_is_the_busiest_roof_and_the_latency(self):
        # 8 warps of 400 instructions on 4 schedulers: 800 cycles a tile; N 6400 is 100 blocks of 4 tiles.
        time = model.inference(forward_row(), plan(), HOST, 6400, CONSTANTS, "D")
        self.assertEqual((time.roof, time.tiles), ("issue", 4))
        self.assertAlmostEqual(time.seconds * 6400, (4 * 800 + 500) * 1e-9)

    def test_without_overlap_it_is_products_and_then_the_rest(self):
        # One tile: products 8 x 20 x 2 = 320 cycles, the rest 8 x 375 / 4 = 750.
        time = model.inference(forward_row(), plan(), HOST, 1600, {**CONSTANTS, "latency_cycles": 100}, "D")
        self.assertEqual(time.roof, "one tile's chain")
        self.assertAlmostEqual(time.seconds * 1600, (320 + 750) * 1e-9)

    def test_fewer_instructions_are_faster_until_another_roof_binds(self):
        def seconds(issued):
            return model.inference(forward_row(issued), plan(), HOST, 6400, CONSTANTS, "D")
        self.assertLess(seconds(300).seconds, seconds(400).seconds)
        # Matrix units: 4 tiles x 8 warps x 20 x 2; special functions: 4 x 8 x 20 / 4 x 8 cycles, the same.
        self.assertEqual(seconds(100).roof, "matrix units")
        self.assertAlmostEqual(seconds(100).seconds * 6400, (1280 + 500) * 1e-9)

    def test_fragments_read_from_shared_memory_are_a_roof(self):
        # 4 tiles x 8 warps x 40 x 4 cycles.
        time = model.inference(forward_row(ldsm=40.0), plan(), HOST, 6400, CONSTANTS, "D")
        self.assertEqual(time.roof, "LDSM")
        self.assertAlmostEqual(time.seconds * 6400, (5120 + 500) * 1e-9)

    def test_bytes_over_bandwidth_bind_where_they_are_many(self):
        time = model.inference(forward_row(written=5000.0), plan(), HOST, 6400, CONSTANTS, "D")
        self.assertEqual(time.roof, "memory")
        self.assertAlmostEqual(time.seconds, 5032 / 0.5e12)

    def test_more_accesses_of_the_same_bytes_take_longer(self):
        wide, narrow = (model.cycles_of(forward_row(stores=stores), plan().values["bf16", 64], 1, 1, CONSTANTS)[2]
                        for stores in ({128: 2.0}, {32: 8.0}))
        self.assertEqual((wide["lines of memory"], narrow["lines of memory"]), (8 * 16, 8 * 64))

    def test_training_is_the_sum_of_its_parts(self):
        row, back = forward_row(scenario="training"), forward_row(scenario="training", kind="backward")
        parts, size = model.training_parts(row, back, plan(), HOST, 6400, CONSTANTS, "D")
        self.assertAlmostEqual(model.training(parts).seconds, sum(part.seconds for part in parts.values()))
        self.assertAlmostEqual(parts["launches"].seconds, 9 * 2e-6 / (6400 * 24))
        # dA three times, h, x, dx.
        self.assertEqual(size["products"], 3 * 4 * 64 * 2 + 64 * 2 + 32 + 60)


class Sources(unittest.TestCase):
    BACKWARD = """
template <Precision kPrecision>
void FusedMma<kPrecision>::weight_gradients(int l) {
  multiply(product, da_.data(), layer_input(l), dW_.data());
  column_sums({.rows = rows, .columns = columns}, da_.data(), db_.data());
  mma::unpack({.H = H_});
}
template <Precision kPrecision>
void FusedMma<kPrecision>::input_gradient(DeviceSpan<float> dx) {
  multiply({.m = rows}, da_.data(), layer.W.data(), to);
  cast({.rows = rows}, to, dx.data());
}
template <Precision kPrecision>
void FusedMma<kPrecision>::backward(DeviceSpan<const float> dh) {
    call.da = da_.data();
    context_.beside([&] { weight_gradients(l); });
    input_gradient(dx);
}
"""

    def test_products_are_counted_for_weights_and_for_dx(self):
        self.assertEqual(model.products_of(self.BACKWARD), {"reads": 2, "dx": 1, "launches": 10})
        fewer = self.BACKWARD.replace("column_sums({.rows = rows, .columns = columns}, da_.data(), db_.data());", "")
        self.assertEqual(model.products_of(fewer), {"reads": 1, "dx": 1, "launches": 8})

    def test_sources_that_are_not_understood_are_an_error(self):
        with self.assertRaisesRegex(model.ModelError, "products_of"):
            model.products_of(self.BACKWARD.replace("da_", "gradients_"))
        with self.assertRaisesRegex(model.ModelError, "no FusedMma::backward"):
            model.products_of("")

    def test_tiles_that_the_sources_chose_are_taken_for_the_nearest_batch(self):
        values = plan().values["bf16", 64]
        values.tiles = {256: 1, 4096: 2, 32768: 4}
        self.assertEqual([model.tiles_of(values, batch) for batch in (256, 5000, 30000)], [1, 2, 4])

    def test_the_sources_of_the_tree_are_understood(self):
        self.assertGreaterEqual(model.read_sources()["products"]["reads"], 1)

    def test_fields_are_read_from_a_declaration(self):
        text = """
template <typename E>
struct Forward {
  int steps = 0, H = 0;
  const float *h_first = nullptr, *c_first = nullptr;  ///< [N,H], or null; zero
  KeptGate<E, 2>* gates = nullptr;
  WindowRows rows = {};
  struct {  // of a step
    std::int64_t x, gates;
  } after_step;
  bool operator==(const Forward&) const = default;
  void fetch(int step, std::int64_t first) const {
    if (step) return;
  }
};
"""
        self.assertEqual(layout.fields_of(text, "Forward"), [("steps", "int"), ("H", "int"), ("h_first", "float"), (
            "c_first", "float"), ("gates", "KeptGate*"), ("rows", "WindowRows"), (
                "after_step", [("x", "int64_t"), ("gates", "int64_t")])])
        self.assertIsNone(layout.fields_of(text, "Backward"))


def samples(seconds):
    return {"stream_seconds": [seconds, seconds, 9.0], "graph_seconds": []}


def benchmark(latency=900, share=0.8):
    """Lines of a made-up card whose inference is the model's with other constants."""
    clock, sms = 1.5e9, 50
    truth = {**CONSTANTS, "clock": clock, "multiprocessors": sms, "latency_cycles": latency, "issue_share": share,
             "matrix_cycles": {"bf16": 4, "tf32": 8}, "devices": {"Card": 2e12}, "memory_share": 1, "launch_seconds": 4e-6}
    lines = [{"kind": "machine", "device": "Card", "date": "2027-01-02", "multiprocessors": sms,
              "highest_clocks": {"multiprocessor_mhz": 1500}}]
    lines += [{"kind": "rate", "name": name, "work": work, "failed": None, **samples(1e-3)} for name, work in (
        ("mma.sync bf16", sms * clock * 4096 / 4 * 1e-3), ("mma.sync tf32", sms * clock * 2048 / 8 * 1e-3),
        ("tanh.approx", sms * clock * 4 * 32 / 16 * 1e-3), ("device copy", 2e9), ("empty kernel", 250))]
    for batch in (256, 4096, 32768):
        kernel = model.inference(forward_row(), plan(), HOST, batch, truth, "Card").seconds
        cast = (4 * 15 + 16 * 2) / 2e12 + 4e-6 / (batch * 24)  # x, of 15 inputs and padded to 16
        seconds = (kernel + cast) * batch * 24
        lines.append({"kind": "case", "section": "recurrence", "method": "fused_mma.noh", "type": "bf16", "phase": "forward",
                      "parameters": {"B": batch, "T": 24, "I": 15, "H": 64, "L": 1}, "failed": None, **samples(seconds)})
    lines.append({"kind": "lost", "case": "x", "reason": "silent for 15 s"})
    return lines


class Fit(unittest.TestCase):
    def fit(self, lines, tail=""):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "bench.jsonl"
            file.write_text("".join(json.dumps(line) + "\n" for line in lines) + tail, encoding="utf-8")
            return fit.fit(file, CONSTANTS, tables.by_kernel([forward_row()]), plan(), HOST)

    def test_rates_become_the_constants_of_the_hardware(self):
        fitted = self.fit(benchmark())
        self.assertEqual(fitted["origin"], "measured on Card, 2027-01-02")
        self.assertEqual(fitted["devices"], {"Card": 2e12})
        self.assertAlmostEqual(fitted["matrix_cycles"]["bf16"], 4)
        self.assertAlmostEqual(fitted["matrix_cycles"]["tf32"], 8)
        self.assertAlmostEqual(fitted["special_cycles"], 16)
        self.assertAlmostEqual(fitted["launch_seconds"], 4e-6)

    def test_measured_inference_gives_issue_rate_and_latency(self):
        for latency, share in ((900, 0.8), (180, 0.32)):
            fitted = self.fit(benchmark(latency, share))
            self.assertEqual((fitted["latency_cycles"], fitted["issue_share"]), (latency, share))

    def test_without_cases_these_two_stay_and_the_origin_says_so(self):
        fitted = self.fit([line for line in benchmark() if line["kind"] != "case"])
        self.assertEqual((fitted["latency_cycles"], fitted["issue_share"]), (500, 1))
        self.assertIn("issue_share and latency_cycles assumed", fitted["origin"])

    def test_what_was_measured_stands_in_the_table(self):
        lines = benchmark()
        deep, train = json.loads(json.dumps(lines[-2])), json.loads(json.dumps(lines[-2]))
        deep["parameters"]["L"] = 2
        train.update(method="fused_mma", phase="train")
        fitted = self.fit(lines[:-1] + [deep, train])
        row, back = (forward_row(scenario="training", kind=kind) for kind in ("forward", "backward"))
        text = tables.compared([forward_row(), row, back], plan(), HOST, fitted).splitlines()[2:]
        self.assertEqual([[cell.strip() for cell in line.split("|")[1:4]] for line in text],
                         [["inference", "bf16", f"{batch},24,15,64,1"] for batch in (256, 4096, 32768)]
                         + [["training", "bf16", "32768,24,15,64,1"]])
        for line in text[:3]:  # the model, the cast of x with it, with the constants that it was measured with
            self.assertEqual(line.split("|")[6].strip(), "1.00")
            self.assertEqual(line.split("|")[4], line.split("|")[5])
        parts, _ = model.training_parts(row, back, plan(), HOST, 32768, fitted, "Card")
        self.assertEqual(text[3].split("|")[4].strip(), f"{model.training(parts).seconds * 1e9:.3g}")

    def test_a_cut_last_line_is_left_out_and_another_is_an_error(self):
        self.assertEqual(self.fit(benchmark(), '{"kind": "ca')["latency_cycles"], 900)
        with self.assertRaisesRegex(fit.FitError, r"bench.jsonl:11: no JSON"):
            self.fit(benchmark(), '{"kind": "ca\n{"kind": "end"}\n')

    def test_a_file_without_rates_names_what_is_missing(self):
        with self.assertRaisesRegex(fit.FitError, "no measured rate of tanh.approx.*--plan rates"):
            self.fit([line for line in benchmark() if line.get("name") != "tanh.approx"])
        with self.assertRaisesRegex(fit.FitError, "no line of kind \"machine\""):
            self.fit([])


if __name__ == "__main__":
    unittest.main()
