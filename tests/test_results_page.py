"""The results page: up to date, and nothing side by side that cannot be compared."""

import json
import re
from dataclasses import asdict

import pytest
import result_tables
import results_page
import torch
from result_tables import (
    difference_tables,
    groups,
    judged_table,
    landing_tables,
    same_photographs,
    score_tables,
    seeds_tables,
)

from colorize_lib.evaluation.results import load_result
from colorize_lib.evaluation.scores import GRAY, METRICS, TRUTH, Scores
from colorize_lib.experiments import compare as comparison
from colorize_lib.experiments.on_scenes import COLUMNS, SEVERAL
from colorize_lib.training.recipes import RECIPES
from colorize_lib.weights import DEFAULT

COUNT = 40
HALF = {"mean": 50.0, "low": 40.0, "high": 60.0}


def made_up(seed):
    """Scores of pictures that do not exist, every metric between 1 and 2."""
    random = torch.Generator().manual_seed(seed)
    return Scores({name: 1 + torch.rand(COUNT, generator=random) for name in METRICS})


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Stores a model's result in a folder of the test, and reads it as the tools do."""
    monkeypatch.setattr("colorize_lib.evaluation.results.FOLDER", tmp_path)
    monkeypatch.setattr(results_page, "FOLDER", tmp_path)

    def store(name, seed=1, rows=None, **other):
        scores = {GRAY: made_up(100), TRUTH: made_up(101)}
        scores = {GRAY: scores[GRAY], name: made_up(seed), TRUTH: scores[TRUTH]}
        about = {
            "protocol": "As always.",
            "photographs": {"data": "here", "test": [f"{i}.jpg" for i in range(COUNT)]},
            "recipe": {"seed": 0, "stages": [{"size": 32, "epochs": 1}]},
            "size": 32,
            "command": f"colorize train {name}",
            "device": "cpu",
            "minutes": 3.0,
        }
        scores = rows or scores
        summary = {
            row: {
                metric: {"mean": mean, "low": mean - 0.25, "high": mean + 0.5}
                for metric, mean in x.means().items()
            }
            for row, x in scores.items()
        }
        values = {
            row: {metric: values.tolist() for metric, values in x.values.items()}
            for row, x in scores.items()
        }
        result = {
            "summary": summary,
            "scores": values,
            "commit": "abc",
            "date": "today",
        }
        result |= {"versions": {"python": "3", "torch": "2"}, "history": []}
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(result | about | other))
        return load_result(name)

    return store


# ------------------------------------------------------------ the page


def test_the_page_of_results_is_made_of_what_is_stored():
    assert results_page.PAGE.read_text() == results_page.page(), (
        "run tools/results_page.py: results, recipes or chapters have changed"
    )


def test_the_page_has_every_model_with_its_command_and_its_doubts(store, tmp_path):
    store("one", 1)
    store(DEFAULT, 2)
    rows = {GRAY: made_up(100)}
    rows |= {f"with, seed {i}": made_up(i) for i in (3, 4)} | {TRUTH: made_up(101)}
    runs = [["with", 3], ["with", 4]]
    store("compare-unet", rows=rows, runs=runs, command="compare them")
    lands = dict.fromkeys(COLUMNS, 5.0)
    run = {"method": "L3", "seed": 0, "minutes": 1.0} | dict.fromkeys(SEVERAL, lands)
    landings = {"runs": [run], "device": "cpu", "date": "today"}
    (tmp_path / "landings.json").write_text(json.dumps(landings))
    (tmp_path / "counts.json").write_text('{"counts": [1, 2]}')
    judged = {row: made_up(100) for row in (GRAY, "one")} | {TRUTH: made_up(101)}
    for row in judged.values():
        row.values["lpips"] = torch.full((COUNT,), 0.125)
    columns = [
        {"heading": "Fréchet ↓", "digits": ".1f", "cells": dict.fromkeys(judged, 9.04)},
        {"heading": "% ↑", "digits": ".0f", "cells": dict.fromkeys(judged, HALF)},
    ]
    store("evaluation", rows=judged, columns=columns, judged_by="a network")
    read = {GRAY: made_up(100), "the mode": made_up(4), TRUTH: made_up(101)}
    store("readings", rows=read, validation={})
    page = results_page.page()
    assert f"All 5 files with scores name the same protocol and the same {COUNT}" in (
        page
    )
    assert "On other photographs" not in page
    for name in ("one", DEFAULT):
        assert f"colorize train {name}\npython tools/store_model.py runs/{name}" in page
        assert page.count(f"\n| {name} |") >= 3
    for words in (
        "compare them",
        "python tools/evaluate_models.py",
        "Scoring evaluation",
        "Scoring readings",
        "python tools/read_odds.py",
        "| the mode |",
        "What a network makes",
    ):
        assert words in page
    assert page.count("| 9.0 | 50<br><small>40 to 60</small> |") == 3
    assert "2 seeds of each: 1 epoch at 32 px" in page
    assert "| L3 | 5.0" in page
    assert "shows nothing: `counts.json`." in page
    store("other", 5, protocol="In another way.")
    page = results_page.page()
    assert "5 of the 6 files" in page
    assert "**Not to be compared with these**: other." in page
    first, _, apart = page.partition("## On other photographs, 1")
    assert "| other |" not in first
    assert "In another way." in apart


def test_a_recipe_that_has_changed_since_is_told(store):
    name = DEFAULT
    recipe = json.loads(json.dumps(asdict(RECIPES[name])))
    older = {key: recipe[key] for key in ("name", "seed", "stages", "loss")}
    del older["stages"][0]["adversarial"]
    files = {name: store(name, recipe=older | {"about": "in other words"})}
    assert "another one by now" not in results_page._provenance(name, files)
    older["stages"][0]["epochs"] += 1
    files = {name: store(name, recipe=older)}
    assert "another one by now" in results_page._provenance(name, files)
    older["stages"][0]["epochs"] -= 1
    older["stages"] = older["stages"][:1]
    files = {name: store(name, recipe=older)}
    assert "another one by now" in results_page._provenance(name, files)


# ------------------------------------------------------------ what may be compared


def others(store):
    names = [f"{i}.jpg" for i in range(1, COUNT + 1)]
    gray = made_up(100)
    gray.values["psnr"][3] += 0.01
    rows = {GRAY: gray, "b": made_up(2), TRUTH: made_up(101)}
    yield "names", store("b", photographs={"data": "here", "test": names})
    yield "protocol", store("b", protocol="In another way.")
    yield "another file under the same name", store("b", rows=rows)


def test_results_of_other_photographs_do_not_get_into_one_table(store):
    one = store("a")
    for why, other in others(store):
        assert not same_photographs(one, other), why
        with pytest.raises(
            ValueError, match="b was scored on other photographs than a"
        ):
            score_tables({"a": one, "b": other})
        assert [list(group) for group in groups({"a": one, "b": other})] == [
            ["a"],
            ["b"],
        ]


def test_results_of_the_same_photographs_do_though_a_file_has_rounded_them(store):
    one, two = store("a", 1), store(DEFAULT, 2)
    for row in (GRAY, TRUTH):
        two["scores"][row].values["ssim"] += 5e-5
    assert same_photographs(one, two)
    del two["scores"][GRAY].values["ab_l1"]  # as of an older file
    assert same_photographs(one, two)
    other = store("c", protocol="In another way.")
    found = groups({"c": other, "a": one, DEFAULT: two})
    assert [list(group) for group in found] == [["a", DEFAULT], ["c"]]
    assert first_cells(score_tables(found[0]))[:4] == [GRAY, "a", DEFAULT, TRUTH]


# ------------------------------------------------------------ the tables


def first_cells(table):
    """What the rows of tables begin with, without the heads."""
    rows = [line.split("|")[1].strip() for line in table.splitlines() if "|" in line]
    return [cell for cell in rows if cell.strip("-")]


def cells(table, row):
    """The numbers in each cell of the first table that has the row."""
    line = next(x for x in table.splitlines() if x.startswith(f"| {row} |"))
    texts = line.replace("<br><small>", " ").replace("</small>", "").split("|")[2:-1]
    return [[float(x) for x in re.findall(r"[-+]?\d+\.\d+", text)] for text in texts]


def test_a_table_has_means_and_intervals_of_three_metrics_and_folds_the_others(store):
    result = store("a")
    shown, folded = score_tables({"a": result}).split("<details>")
    for table, metrics in ((shown, result_tables.FIRST), (folded, ("ssim", "ab_l1"))):
        for cell, metric in zip(cells(table, "a"), metrics, strict=True):
            told = result["summary"]["a"][metric]
            ends = [told["mean"], told["low"], told["high"]]
            assert cell == pytest.approx(ends, abs=0.051)
    assert folded.rstrip().endswith("</details>")
    assert "" in folded.splitlines()[1:2]  # else the table inside is no Markdown


def test_differences_are_paired_and_a_zero_within_an_interval_is_marked(store):
    base, same, better = store("a", 1), store("b", 2), store("c", 1)
    better["scores"]["c"].values["psnr"] += 0.25  # of each picture: no doubt at all
    table = difference_tables({"a": base, "b": same, "c": better}, "a")
    assert "| a |" not in table
    assert cells(table, "c")[0] == [0.25, 0.25, 0.25]
    assert "| c | +0.25<br>" in table
    assert "°" in next(x for x in table.splitlines() if x.startswith("| b |"))
    minus_gray = difference_tables({"a": base}, GRAY)
    means = {row: base["scores"][row].means()["psnr"] for row in ("a", GRAY)}
    assert cells(minus_gray, "a")[0][0] == pytest.approx(
        means["a"] - means[GRAY], abs=0.0051
    )


def test_seeds_are_averaged_and_their_spread_is_the_lowest_and_the_highest():
    def run(variant, psnr):
        scores = {row: made_up(1) for row in (GRAY, variant, TRUTH)}
        scores[variant].values["psnr"] = torch.full((COUNT,), psnr)
        return comparison.Run(variant, 0, None, [], scores)

    table = seeds_tables(
        [run("x", 20.0), run("y", 1.0), run("x", 21.0), run("x", 25.0)]
    )
    assert cells(table, "x")[0] == [22.0, 20.0, 25.0]
    assert cells(table, "y")[0] == [1.0]
    assert first_cells(table)[:4] == [GRAY, "x", "y", TRUTH]


def test_landings_are_told_for_each_thing():
    lands = dict.fromkeys(COLUMNS, 5.0) | {"commonest": 0.5}
    more = dict.fromkeys(COLUMNS, 7.0) | {"commonest": 0.7}
    runs = [{"method": "L3"} | dict.fromkeys(SEVERAL, x) for x in (lands, more)]
    table = landing_tables(runs)
    assert table.count("| L3 |") == len(SEVERAL)
    assert table.count("to median") == 1  # of the balloons, where it differs
    assert table.count("6.0<br><small>5.0 to 7.0</small> | 60%<br>") == len(SEVERAL)


def test_what_networks_judge_is_told_with_percents():
    estimate = {"mean": 0.25, "low": 0.2, "high": 0.3}
    columns = [
        {"heading": "Fréchet ↓", "digits": ".1f", "cells": {"a": 12.34}},
        {"heading": "% ↑", "digits": ".0f", "cells": {"a": HALF}},
    ]
    summary = {"a": {"lpips": estimate}}
    judged = {"summary": summary, "columns": columns, "judged_by": "x"}
    lines = judged_table(judged).splitlines()
    assert lines[0] == "|  | LPIPS (x) ↓ | Fréchet ↓ | % ↑ |"
    assert lines[-1] == (
        "| a | 0.250<br><small>0.200 to 0.300</small> | 12.3 "
        "| 50<br><small>40 to 60</small> |"
    )
