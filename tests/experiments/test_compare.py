"""Comparisons: every run by the same rules, nothing done twice, averages by hand."""

import itertools
import json
from dataclasses import asdict, replace

import pytest
import torch
from torch import nn
from training_helpers import stop_at

from colorize_lib.evaluation import choose as scoring
from colorize_lib.evaluation.choose import score_on_test
from colorize_lib.evaluation.results import read_result
from colorize_lib.evaluation.scores import GRAY, HEADINGS, TRUTH, Scores
from colorize_lib.experiments import compare as comparison
from colorize_lib.experiments.compare import (
    Run,
    compare,
    compare_recipes,
    mean_over_seeds,
    seeds_table,
)
from colorize_lib.models import COLORIZERS
from colorize_lib.photos import from_path
from colorize_lib.photos.collection import Pictures
from colorize_lib.training.pix2pix import Pix2Pix, Pix2PixSettings
from colorize_lib.training.recipes import Recipe, Stage
from colorize_lib.training.regression import Regression
from colorize_lib.training.train import train

RECIPE = Recipe(
    "any", "any", (Stage(32, epochs=2, batch_size=4, learning_rate=1e-2),), loss="l1"
)
SIZE = 32


def plain():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Dropout(0.2), nn.Conv2d(8, 2, 3, padding=1), nn.Tanh(),
    )  # fmt: skip


def without_norm():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 2, 1), nn.Tanh()
    )


VARIANTS = {"plain": plain, "no norm": without_norm}
ORDER = [("plain", 0), ("no norm", 0), ("plain", 1), ("no norm", 1)]


@pytest.fixture(scope="module", autouse=True)
def small_test_photographs():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "TEST_SIZE", 64)
        yield


@pytest.fixture(scope="module")
def pictures(tmp_path_factory, write_photos):
    home = tmp_path_factory.mktemp("photos")
    return Pictures(
        data=[from_path(write_photos(home / "data", 20))],
        folder=home / "prepared",
        validation=4,
        test=4,
    )


def run_all(pictures, folder, variants=VARIANTS, seeds=(0, 1), **more):
    options = {"size": SIZE, "seeds": seeds, "show_progress": False}
    return compare(variants, RECIPE, pictures, folder, **options | more)


@pytest.fixture(scope="module")
def undisturbed(pictures, tmp_path_factory):
    folder = tmp_path_factory.mktemp("comparison")
    return run_all(pictures, folder), folder


def same(one, other):
    other = other.network.state_dict()
    return all(torch.equal(x, other[n]) for n, x in one.network.state_dict().items())


def same_scores(one, other):
    return list(one.scores) == list(other.scores) and all(
        torch.equal(values, other.scores[row].values[metric])
        for row, scores in one.scores.items()
        for metric, values in scores.values.items()
    )


# ------------------------------------------------------------ the runs


def test_one_seed_of_all_variants_comes_first(undisturbed):
    runs, folder = undisturbed
    assert [(run.variant, run.seed) for run in runs] == ORDER
    assert sorted(path.name for path in folder.iterdir()) == [
        "no-norm-seed0", "no-norm-seed1", "plain-seed0", "plain-seed1",
    ]  # fmt: skip
    for run in runs:
        assert len(run.history) == 2
        assert not run.network.training


def test_a_result_tells_how_it_came_about(undisturbed):
    runs, folder = undisturbed
    result = read_result(folder / "no-norm-seed1" / "result.json")
    its = {"name": "no norm", "network": "no norm", "seed": 1}
    expected = asdict(RECIPE) | its
    assert result["recipe"] == expected | {"stages": list(expected["stages"])}
    assert result["size"] == SIZE
    assert result["history"] == runs[3].history


def test_scores_are_those_of_the_test_photographs(undisturbed, pictures):
    for run in undisturbed[0]:
        assert list(run.scores) == [GRAY, run.variant, TRUTH]
        expected = score_on_test(run.network, pictures, name=run.variant, size=SIZE)
        for row, scores in expected.items():
            for metric, values in scores.values.items():
                read = run.scores[row].values[metric]
                torch.testing.assert_close(read, values, rtol=0, atol=1e-4)


def test_a_run_depends_on_its_seed_alone_and_not_on_its_company(
    undisturbed, pictures, tmp_path
):
    torch.manual_seed(99)
    alone = run_all(pictures, tmp_path, {"no norm": without_norm}, seeds=[1])
    assert same(alone[0], undisturbed[0][3])
    assert same_scores(alone[0], undisturbed[0][3])
    assert not same(undisturbed[0][1], undisturbed[0][3])


def test_what_is_finished_is_not_done_again(undisturbed, pictures, monkeypatch):
    runs, folder = undisturbed
    monkeypatch.setattr(Regression, "step", None)
    monkeypatch.setattr(comparison, "score_on_test", None)
    for run, again in zip(runs, run_all(pictures, folder), strict=True):
        assert same(run, again)
        assert same_scores(run, again)
        assert run.history == again.history


def test_more_seeds_and_variants_are_added_to_those_there(
    undisturbed, pictures, tmp_path, monkeypatch
):
    run_all(pictures, tmp_path, {"plain": plain}, seeds=[0])
    trained, fit = [], comparison.train

    def noted(recipe, *arguments, **more):
        before = count[0]
        done = fit(recipe, *arguments, **more)
        trained.append((recipe.name, recipe.seed, count[0] - before))
        return done

    count, step = [0], Regression.step

    def counted(*arguments):
        count[0] += 1
        return step(*arguments)

    monkeypatch.setattr(Regression, "step", counted)
    monkeypatch.setattr(comparison, "train", noted)
    runs = run_all(pictures, tmp_path)
    assert trained == [("plain", 0, 0), *((*run, 2 * (12 // 4)) for run in ORDER[1:])]
    assert all(map(same, runs, undisturbed[0]))


@pytest.mark.parametrize("where", ["train", "score_on_test", "save_result"])
def test_interrupted_and_called_again(
    undisturbed, pictures, tmp_path, monkeypatch, where
):
    class PowerCut(Exception):
        pass

    calls, real = itertools.count(1), getattr(comparison, where)

    def cut(*arguments, **more):
        if next(calls) == 2:
            raise PowerCut
        return real(*arguments, **more)

    monkeypatch.setattr(comparison, where, cut)
    with pytest.raises(PowerCut):
        run_all(pictures, tmp_path, seeds=[0])
    assert len(list(tmp_path.glob("*/result.json"))) == 1
    runs = run_all(pictures, tmp_path, seeds=[0])
    for run, expected in zip(runs, undisturbed[0][:2], strict=True):
        assert same(run, expected)
        assert same_scores(run, expected)


def test_another_recipe_in_the_same_folder_is_refused(undisturbed, pictures):
    other = Recipe("any", "any", RECIPE.stages, loss="l2")
    with pytest.raises(ValueError, match="follows another recipe"):
        compare(VARIANTS, other, pictures, undisturbed[1], size=SIZE, seeds=[0])


# ------------------------------------------------------------ gray and truth


@pytest.fixture
def rows(monkeypatch):
    """Rows of scores that are computed; the few test photographs are one batch."""
    computed, update = [], Scores.update

    def counted(row, *both):
        computed.append(row)
        return update(row, *both)

    monkeypatch.setattr(Scores, "update", counted)
    monkeypatch.setattr(comparison, "train", lambda *_, network, **__: (network, []))
    return computed


def test_gray_and_truth_are_scored_for_the_first_run_alone(pictures, tmp_path, rows):
    first, *others = run_all(pictures, tmp_path)
    assert len(rows) == 3 + 1 + 1 + 1
    for run in others:
        assert list(run.scores) == [GRAY, run.variant, TRUTH]
        for row in (GRAY, TRUTH):
            for metric, values in first.scores[row].values.items():
                assert torch.equal(run.scores[row].values[metric], values)


def test_they_are_known_to_runs_that_are_added_and_not_to_another_size(
    pictures, tmp_path, rows
):
    run_all(pictures, tmp_path, {"plain": plain}, seeds=[0])
    rows.clear()
    run_all(pictures, tmp_path, seeds=[0])
    assert len(rows) == 1
    rows.clear()
    run = run_all(pictures, tmp_path, seeds=[0], size=64)[1]
    assert len(rows) == 3 + 1
    scores = score_on_test(run.network, pictures, name=run.variant, size=64)
    ours, expected = (x[run.variant].means() for x in (run.scores, scores))
    assert ours == pytest.approx(expected, abs=1e-4)


# ------------------------------------------------------------ of recipes

STAGE = RECIPE.stages[0]
GAME = Stage(
    *(32, 1, 4, 1e-3),
    adversarial=Pix2PixSettings(l1_weight=7, norm="none", widths=(4, 8, 8)),
)
RECIPES = {
    "by L2, longer": Recipe("a", "plain", (replace(STAGE, epochs=3),), loss="l2"),
    "L1, then 1 : 1": Recipe("b", "without_norm", (STAGE, GAME)),
}


@pytest.fixture(autouse=True)
def known_networks(monkeypatch):
    monkeypatch.setitem(COLORIZERS, "plain", plain)
    monkeypatch.setitem(COLORIZERS, "without_norm", without_norm)


def run_recipes(pictures, folder, recipes=RECIPES, seeds=(0, 1)):
    options = {"size": SIZE, "seeds": seeds, "show_progress": False}
    return compare_recipes(recipes, pictures, folder, **options)


@pytest.fixture(scope="module")
def of_recipes(pictures, tmp_path_factory):
    folder = tmp_path_factory.mktemp("recipes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(COLORIZERS, "plain", plain)
        patch.setitem(COLORIZERS, "without_norm", without_norm)
        return run_recipes(pictures, folder), folder


def test_each_recipe_is_followed_as_if_alone(of_recipes, pictures, tmp_path):
    runs, _ = of_recipes
    listed = itertools.product((0, 1), RECIPES)
    assert [(run.seed, run.variant) for run in runs] == list(listed)
    torch.manual_seed(99)
    for run in runs[2:]:
        its = replace(RECIPES[run.variant], name=run.variant, seed=1)
        folder = tmp_path / its.network
        network, history = train(its, pictures, folder, show_progress=False)
        assert run.network.state_dict().keys() == network.state_dict().keys()
        assert same(run, Run("", 0, network, [], {}))
        assert [line.keys() for line in run.history] == [x.keys() for x in history]
        assert not run.network.training
    assert not same(runs[0], runs[2])
    assert "discriminator" in runs[3].history[2]


def test_a_result_tells_the_recipe_with_its_own_network(of_recipes):
    runs, folder = of_recipes
    for run in runs:
        (home,) = folder.glob(f"{run.variant[:2]}*-seed{run.seed}")
        stored = read_result(home / "result.json")["recipe"]
        its = replace(RECIPES[run.variant], name=run.variant, seed=run.seed)
        assert stored == json.loads(json.dumps(asdict(its)))
        assert list(run.scores) == [GRAY, run.variant, TRUTH]
    assert [recipe.name for recipe in RECIPES.values()] == ["a", "b"]


def test_recipes_that_were_followed_are_not_followed_again(
    of_recipes, pictures, monkeypatch
):
    runs, folder = of_recipes
    monkeypatch.setattr(Regression, "step", None)
    monkeypatch.setattr(Pix2Pix, "step", None)
    monkeypatch.setattr(comparison, "score_on_test", None)
    for run, again in zip(runs, run_recipes(pictures, folder), strict=True):
        assert same(run, again)
        assert same_scores(run, again)
        assert run.history == again.history


def test_stopped_in_a_game_and_called_again(
    of_recipes, pictures, tmp_path, monkeypatch
):
    game = {"L1, then 1 : 1": RECIPES["L1, then 1 : 1"]}
    with monkeypatch.context() as patch:
        stop_at(patch, 2, Pix2Pix)
        with pytest.raises(KeyboardInterrupt):
            run_recipes(pictures, tmp_path, game, seeds=[1])
    (run,) = run_recipes(pictures, tmp_path, game, seeds=[1])
    assert same(run, of_recipes[0][3])
    assert same_scores(run, of_recipes[0][3])


def test_folders_are_named_as_every_system_allows(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(comparison, "train", lambda *_, **__: (plain().eval(), []))
    names = ["5 : 1, L1", "its 'a/b\\c'", 'a "b"? <c|d>*', "größer. "]
    run_all(pictures, tmp_path, dict.fromkeys(names, plain), seeds=[0])
    folders = {path.parent.name for path in tmp_path.rglob("result.json")}
    assert folders == {
        "5-1-L1-seed0", "its-a-b-c--seed0", "a-b-c-d--seed0", "größer--seed0",
    }  # fmt: skip


def test_two_names_of_one_folder_are_not_taken_for_each_other(pictures, tmp_path):
    twins = dict.fromkeys(["weight 1", "weight, 1"], RECIPES["by L2, longer"])
    with pytest.raises(ValueError, match=r"follows another recipe, .* another name"):
        run_recipes(pictures, tmp_path, twins, seeds=[0])


# ------------------------------------------------------------ over seeds


def scores(*values):
    return Scores({metric: torch.tensor(values) for metric in HEADINGS})


def run(variant, seed, *values):
    gray, truth = scores(1.0, 2.0, 3.0), scores(0.0, 0.0, 0.0)
    rows = {GRAY: gray, variant: scores(*values), TRUTH: truth}
    return Run(variant, seed, nn.Identity(), [], rows)


RUNS = [
    run("b", 0, 10.0, 20.0, 30.0),
    run("a", 0, 1.0, 1.0, 1.0),
    run("b", 1, 20.0, 20.0, 60.0),
]


def test_means_over_seeds_by_hand():
    averaged = mean_over_seeds(iter(RUNS))
    assert list(averaged) == [GRAY, "b", "a", TRUTH]
    assert averaged["b"].values["psnr"].tolist() == [15, 20, 45]
    assert averaged["a"].values["ssim"].tolist() == [1, 1, 1]
    assert averaged[GRAY].values["psnr"].tolist() == [1, 2, 3]
    assert averaged[TRUTH].values["psnr"].tolist() == [0, 0, 0]
    assert RUNS[0].scores["b"].values["psnr"].tolist() == [10, 20, 30]


def test_the_table_has_the_interval_over_pictures_and_the_range_of_seeds():
    header, line, *rows = seeds_table(iter(RUNS)).splitlines()
    assert header.count("|") == line.count("|") == len(HEADINGS) + 2
    assert [row.split("|")[1].strip() for row in rows] == [GRAY, "b", "a", TRUTH]
    cells = {row.split("|")[1].strip(): row.split("|")[2:-1] for row in rows}
    assert len(cells["b"]) == len(HEADINGS)
    estimate = mean_over_seeds(RUNS)["b"].compute()["psnr"]
    assert estimate.low < 26.67 < estimate.high
    # Means of the seeds: 60 / 3 and 100 / 3; over both, (15 + 20 + 45) / 3.
    psnr = f"26.67 [{estimate.low:.2f}, {estimate.high:.2f}] seeds 20.00 to 33.33"
    assert cells["b"][0].strip() == psnr
    for name in (GRAY, "a", TRUTH):  # of one seed nothing is known about others
        assert "[" in cells[name][0]
        assert "seeds" not in cells[name][0]
