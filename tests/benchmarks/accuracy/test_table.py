"""What the tables say of results, and where they are written."""

import pytest
from table import BEGIN, END, aim_lines, behind, input_table, loss_lines, score_table, summary, text, write

RUN = {"seeds": 2, "date": "2026-01-02", "program_commit": "abc", "processor": "P", "build": "B", "threads": 1}


def entry(metric="MASE", targets=None, coverage=0.8, **scores):
    """A set whose methods have these scores; `sluice` with a spread over two seeds."""
    names = {"sluice": "sluice", "naive": "seasonal naive", "ets": "AutoETS", "lightgbm": "LightGBM"}
    methods = {}
    for word, score in scores.items():
        number = {"mean": score} | ({"sd": 0.01, "values": [score - 0.01, score + 0.01]} if word == "sluice" else {})
        cover = None if word == "lightgbm" else {"mean": coverage}
        found = {metric: number, "coverage": cover, "wQL": cover}
        methods[names[word]] = {"version": f"{word} 1", "processor_seconds": {"mean": 12.34}, "scores": found,
                                "scores_on_all_its_series": found}
    return {"about": "shops", "protocol": "P", "metric": metric, "targets": targets or {}, "horizon": 7, "origins": 1,
            "without": None, "series": 1200, "scored_series": 100, "methods": methods, "run": RUN}


def test_behind_is_the_share_of_the_others_error():
    assert behind(entry(sluice=1.2, naive=1.0), "sluice", "seasonal naive") == pytest.approx(0.2)
    # Of a skill what is left of the error compares: 0.9 beside 0.8.
    assert behind(entry("skill", sluice=0.1, naive=0.2), "sluice", "seasonal naive") == pytest.approx(0.125)


def test_wins_and_losses_are_counted_for_each_method_and_small_differences_are_none():
    sets = {"a": entry(sluice=0.8, naive=1.0, ets=0.7), "b": entry(sluice=0.8, naive=1.0, ets=0.803),
            "c": entry(sluice=0.8, naive=1.0, ets=0.9)}
    lines = summary(sets)
    assert lines[0] == ("Of 3 sets Sluice by its defaults is ahead of all five methods on 1, within 1% of the best of them on 1, "
                        "and behind at least one on 1.")
    assert "| seasonal naive | 3 | 0 | 0 |" in lines and "| AutoETS | 1 | 1 | 1 |" in lines
    assert "| LightGBM | 0 | 0 | 0 |" in lines


def test_losses_are_named_with_both_numbers_the_worst_first():
    sets = {"a": entry(sluice=0.8, naive=1.0, ets=0.7), "b": entry(sluice=1.5, naive=1.0, ets=1.2), "c": entry(sluice=1, naive=2)}
    lines = loss_lines(sets)
    assert lines[0] == ("- `b` (shops): MASE 1.500 ± 0.010, where seasonal naive 1.000, AutoETS 1.200 have less error: "
                        "50% more than the best.")
    assert lines[1].startswith("- `a`") and "AutoETS 0.700 has less error: 14% more" in lines[1] and len(lines) == 2
    assert loss_lines({"c": sets["c"]}) == ["None."]


def test_the_best_score_of_a_row_is_bold_and_what_is_missing_is_a_dash():
    lines = score_table({"a": entry(sluice=0.8, naive=1.0, ets=0.7, targets={"MASE": 0.6})})
    assert lines[2] == "| `a` | 7 steps | MASE | 1.000 | **0.700** | - | - | - | 0.800 ± 0.010 | 0.6 |"
    lines = score_table({"a": entry(sluice=0.6, naive=1.0, ets=0.7)})
    assert lines[2] == "| `a` | 7 steps | MASE | 1.000 | 0.700 | - | - | - | **0.600 ± 0.010** |  |"


def test_an_aim_is_reached_or_not_in_the_metrics_own_direction():
    assert aim_lines({"a": entry(sluice=0.7, naive=1, targets={"MASE": 0.69})})[-1] == "| `a` | MASE | 0.69 | 0.700 | no |"
    assert aim_lines({"a": entry(sluice=0.69, naive=1, targets={"MASE": 0.69})})[-1].endswith("| yes |")
    assert aim_lines({"a": entry("skill", sluice=0.2, naive=0.1, targets={"skill": 0.21})})[-1].endswith("| no |")


def test_inputs_that_make_it_worse_are_marked():
    sets = {"a": entry(sluice=0.8, lightgbm=0.9), "a_known": entry(sluice=1.0, lightgbm=0.7) | {"without": "a"}}
    assert input_table(sets)[-2] == "| `a_known` | MASE | 0.800 ± 0.010 | 1.000 ± 0.010 (!) | 0.900 | 0.700 |"
    assert input_table({"a": sets["a"]}) == [] and input_table({"a_known": sets["a_known"]}) == []


def test_intervals_that_hold_too_little_are_marked():
    results = {"sets": {"a": entry(sluice=0.7, naive=1, coverage=0.6), "b": entry(sluice=0.7, naive=1, coverage=0.8)}}
    page = text(results, ["a", "b"])
    assert "| 60% (!) |" in page and "| 80% |" in page and "80% (!)" not in page


def test_the_page_keeps_what_is_round_the_marks_and_gets_the_sets_in_their_order(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nof last year\n{END}\nafter\n", encoding="utf-8")
    results = {"sets": {"b": entry(sluice=0.7, naive=1), "a": entry(sluice=0.7, naive=1)}}
    write(page, results, ["a", "b", "c"])
    written = page.read_text(encoding="utf-8")
    assert written.startswith(f"before\n{BEGIN}\n") and written.endswith(f"{END}\nafter\n") and "last year" not in written
    assert written.index("| `a` |") < written.index("| `b` |") and "`c`" not in written
    assert "commits: abc" in written and "versions: naive 1, sluice 1" in written
    write(page, results, ["a", "b"])
    assert page.read_text(encoding="utf-8") == written


def test_a_page_without_marks_is_not_touched(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("text", encoding="utf-8")
    with pytest.raises(ValueError, match="has no place for the tables"):
        write(page, {"sets": {"a": entry(sluice=1, naive=1)}}, ["a"])
    assert page.read_text(encoding="utf-8") == "text"


def test_no_results_make_no_table():
    with pytest.raises(ValueError, match="no results"):
        text({"sets": {}}, ["a"])
