"""Comparisons: every run by the same rules, nothing done twice, averages by hand."""

import itertools
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import nn

from colorize_lib.evaluation import choose
from colorize_lib.evaluation import scores as scoring
from colorize_lib.evaluation.choose import score_on_test
from colorize_lib.evaluation.results import read_result
from colorize_lib.evaluation.scores import GRAY, HEADINGS, TRUTH, Scores
from colorize_lib.experiments import compare as module
from colorize_lib.experiments.compare import Comparison, Run, compare
from colorize_lib.photos import from_path
from colorize_lib.photos.collection import Pictures
from colorize_lib.training.recipes import Recipe, Stage
from colorize_lib.training.regression import Regression

STAGE = Stage(32, epochs=2, batch_size=4, learning_rate=1e-2)
RECIPE = Recipe("any", "any", (STAGE,), loss="l1")
SIZE = 32


def plain():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(),
        nn.Dropout(0.2), nn.Conv2d(4, 2, 3, padding=1), nn.Tanh(),
    )  # fmt: skip


def without_norm():
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 2, 1), nn.Tanh())


NETWORKS = {"plain": plain, "no norm": without_norm}
ORDER = [("plain", 0), ("no norm", 0), ("plain", 1), ("no norm", 1)]


@pytest.fixture(scope="module", autouse=True)
def small_test_photographs_and_few_resamples():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choose, "TEST_SIZE", 64)
        patch.setattr(scoring, "bootstrap", partial(scoring.bootstrap, resamples=20))
        yield


@pytest.fixture(scope="module")
def pictures(tmp_path_factory, write_photos):
    home = tmp_path_factory.mktemp("photos")
    data = [from_path(write_photos(home / "data", 20))]
    return Pictures(data, folder=home / "prepared", validation=4, test=4)


def run_all(pictures, folder, networks=NETWORKS, seeds=(0, 1), recipe=RECIPE):
    recipes = dict.fromkeys(networks, recipe)
    how = {"size": SIZE, "seeds": seeds, "show_progress": False}
    return compare(recipes, pictures, folder, networks=networks, **how).runs


@pytest.fixture(scope="module")
def undisturbed(pictures, tmp_path_factory):
    folder = tmp_path_factory.mktemp("comparison")
    return run_all(pictures, folder), folder


def same(one, other):
    other = other.network.state_dict()
    return all(torch.equal(x, other[n]) for n, x in one.network.state_dict().items())


def test_one_seed_of_all_variants_comes_first(undisturbed):
    runs, folder = undisturbed
    assert [(run.variant, run.seed) for run in runs] == ORDER
    assert len(list(folder.glob("no-norm-seed1/result.json"))) == 1
    recipe = read_result(folder / "no-norm-seed1" / "result.json")["recipe"]
    assert (recipe["name"], recipe["seed"], recipe["loss"]) == ("no norm", 1, "l1")
    assert all(len(run.history) == 2 for run in runs)
    assert not same(runs[0], runs[2])


def test_scores_are_those_of_the_test_photographs(undisturbed, pictures):
    run = undisturbed[0][3]
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
    (alone,) = run_all(pictures, tmp_path, {"no norm": without_norm}, seeds=[1])
    assert same(alone, undisturbed[0][3])


def test_what_is_finished_is_not_done_again(undisturbed, pictures, monkeypatch):
    runs, folder = undisturbed
    monkeypatch.setattr(Regression, "step", None)
    monkeypatch.setattr(module, "score_on_test", None)
    for run, again in zip(runs, run_all(pictures, folder), strict=True):
        assert same(run, again)
        assert run.history == again.history


def test_interrupted_and_called_again(undisturbed, pictures, tmp_path, monkeypatch):
    calls, real = itertools.count(1), module.save_result

    def cut(*arguments, **more):
        if next(calls) == 2:
            raise InterruptedError
        return real(*arguments, **more)

    monkeypatch.setattr(module, "save_result", cut)
    with pytest.raises(InterruptedError):
        run_all(pictures, tmp_path, seeds=[0])
    runs = run_all(pictures, tmp_path, seeds=[0])
    assert all(map(same, runs, undisturbed[0][:2]))


def test_another_recipe_in_the_same_folder_is_refused(undisturbed, pictures):
    with pytest.raises(ValueError, match="follows another recipe"):
        run_all(pictures, undisturbed[1], recipe=replace(RECIPE, loss="l2"))


def test_gray_and_truth_are_scored_for_the_first_run_alone(
    pictures, tmp_path, monkeypatch
):
    computed, update = [], Scores.update

    def counted(row, *both):
        computed.append(row)
        return update(row, *both)

    monkeypatch.setattr(Scores, "update", counted)
    monkeypatch.setattr(module, "train", lambda *_, network, **__: (network, []))
    first, *others = run_all(pictures, tmp_path)
    assert len(computed) == 3 + 1 + 1 + 1
    for run in others:
        for row in (GRAY, TRUTH):
            for metric, values in first.scores[row].values.items():
                assert torch.equal(run.scores[row].values[metric], values)


def test_folders_are_named_as_every_system_allows(tmp_path):
    names = {"5 : 1, L1": "5-1-L1-seed0", 'a "b"? <c|d>*': "a-b-c-d--seed0"}
    for name, folder in names.items():
        assert module.run_folder(tmp_path, name, 0).name == folder


# ------------------------------------------------------------ over seeds


def scores(*values):
    return Scores({metric: torch.tensor(values) for metric in HEADINGS})


def run(variant, seed, *values):
    gray, truth = scores(1.0, 2.0, 3.0), scores(0.0, 0.0, 0.0)
    rows = {GRAY: gray, variant: scores(*values), TRUTH: truth}
    return Run(variant, seed, nn.Identity(), [{"epoch": 1}], rows)


RUNS = [
    run("b", 0, 10.0, 20.0, 30.0),
    run("a", 0, 1.0, 1.0, 1.0),
    run("b", 1, 20.0, 20.0, 60.0),
]


def test_means_over_seeds_by_hand():
    averaged = Comparison(RUNS).scores()
    assert list(averaged) == [GRAY, "b", "a", TRUTH]
    assert averaged["b"].values["psnr"].tolist() == [15, 20, 45]
    assert averaged[GRAY].values["psnr"].tolist() == [1, 2, 3]
    means = [x["psnr"] for x in Comparison(RUNS).by_seed("b")]
    assert means == pytest.approx([20, 100 / 3])
    assert list(Comparison(RUNS).of(["a"]).scores()) == [GRAY, "a", TRUTH]


def test_the_table_has_the_interval_over_images_and_the_range_of_seeds():
    _, _, *rows = Comparison(RUNS).markdown().splitlines()
    cells = {row.split("|")[1].strip(): row.split("|")[2:-1] for row in rows}
    assert list(cells) == [GRAY, "b", "a", TRUTH]
    estimate = Comparison(RUNS).scores()["b"].compute()["psnr"]
    # Means of the seeds: 60 / 3 and 100 / 3; over both, (15 + 20 + 45) / 3.
    psnr = f"26.67 [{estimate.low:.2f}, {estimate.high:.2f}] seeds 20.00 to 33.33"
    assert cells["b"][0].strip() == psnr
    assert "seeds" not in cells["a"][0], "of one seed nothing is known about others"


def test_a_stored_comparison_is_read_back(tmp_path, monkeypatch):
    Comparison(RUNS).save(tmp_path / "some.json", minutes=3)
    monkeypatch.setattr("colorize_lib.evaluation.results.FOLDER", tmp_path)
    read = Comparison.load("some")
    assert read.about["minutes"] == 3
    assert [(x.variant, x.seed, len(x.history)) for x in read.runs] == [
        ("b", 0, 1), ("a", 0, 1), ("b", 1, 1),
    ]  # fmt: skip
    assert read.markdown() == Comparison(RUNS).markdown()
