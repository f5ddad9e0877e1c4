"""Result files: everything comes back, and the summary is that of the values."""

import json
from hashlib import sha256

import pytest
import torch

from colorize_lib.evaluation import results
from colorize_lib.evaluation.results import load_result, read_result, save_result
from colorize_lib.evaluation.scores import (
    GRAY,
    TRUTH,
    evaluate,
    markdown_table,
)
from colorize_lib.experiments.compare import load_comparison
from colorize_lib.training.recipes import RECIPES
from colorize_lib.weights import FOLDERS, load_weights, stored_weights


@pytest.fixture
def scores():
    random = torch.Generator().manual_seed(0)
    truths = torch.randint(0, 256, (5, 3, 16, 16), dtype=torch.uint8, generator=random)
    return evaluate({"net": lambda l: torch.cat([l, -l], dim=1) / 4}, [truths])


def test_round_trip(tmp_path, monkeypatch, scores):
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    history = [{"epoch": 1, "loss": 0.5}]
    save_result(tmp_path / "net.json", scores, history, data="noise", seed=3)
    loaded = load_result("net")
    assert loaded["data"] == "noise"
    assert loaded["seed"] == 3
    assert loaded["history"] == history
    assert loaded["versions"]["torch"] == torch.__version__
    assert list(loaded["scores"]) == [GRAY, "net", TRUTH]
    for name, row in scores.items():
        for metric, values in row.values.items():
            again = loaded["scores"][name].values[metric]
            torch.testing.assert_close(again, values, rtol=0, atol=1e-4)
            mean = loaded["summary"][name][metric]["mean"]
            assert mean == pytest.approx(values.mean().item(), abs=1e-4)


def test_a_result_anywhere_is_read_by_its_path(tmp_path, scores):
    path = tmp_path / "run" / "result.json"
    path.parent.mkdir()
    save_result(path, scores, [], size=64)
    read = read_result(path)
    assert read["size"] == 64
    assert list(read["scores"]) == [GRAY, "net", TRUTH]
    ciede = read["scores"]["net"].means()["ciede2000"]
    assert ciede == pytest.approx(scores["net"].means()["ciede2000"], abs=1e-4)
    with pytest.raises(FileNotFoundError):
        read_result(tmp_path / "none.json")


def test_one_line_a_key_so_that_a_person_can_read_it(tmp_path, scores):
    save_result(tmp_path / "net.json", scores, [], data="noise")
    text = (tmp_path / "net.json").read_text()
    assert len(text.splitlines()) == len(json.loads(text)) + 2


def test_an_unknown_result_is_named_beside_the_known_ones(
    tmp_path, monkeypatch, scores
):
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    save_result(tmp_path / "net.json", scores, [])
    with pytest.raises(
        FileNotFoundError, match="no stored result 'other'; there are: net"
    ):
        load_result("other")


OTHERS = {
    "landings",
    "odds",
    "color-counts",
    "trials",
    "green-runs",
    "colab-estimate",
    "named-in-gray",
}  # no scores of single pictures in them
FILES = {path.stem for path in results.FOLDER.glob("*.json")}
FILES = sorted(FILES - OTHERS)
COMPARISONS = [name for name in FILES if name.startswith("compare-")]
EVALUATION = "evaluation"  # of all models, by more judges
READINGS = "readings"  # of one model, decided in several ways
AFTER = "after-training"  # of models whose answers are changed; validation photographs
ONES = (EVALUATION, READINGS, AFTER)
MODELS = [name for name in FILES if name not in (*COMPARISONS, *ONES)]
STORED = [n for n in MODELS if n in RECIPES and not RECIPES[n].scores_only]
CARDS = results.FOLDER.parent / "weights"


@pytest.mark.parametrize("name", MODELS)
def test_a_stored_result_is_whole_and_its_summary_follows_from_its_scores(name):
    result = load_result(name)
    assert list(result["scores"]) == [GRAY, name, TRUTH]
    for row, scores in result["scores"].items():
        for metric, values in scores.values.items():
            assert len(values) == len(result["photographs"]["test"]) >= 300
            assert values.double().mean().item() == pytest.approx(
                result["summary"][row][metric]["mean"], abs=1e-4
            )
    epochs = sum(stage["epochs"] for stage in result["recipe"]["stages"])
    assert len(result["history"]) == epochs


def test_stored_results_are_of_the_same_photographs():
    tests = [load_result(name) for name in FILES if name != AFTER]
    for other in tests[1:]:
        assert other["photographs"]["test"] == tests[0]["photographs"]["test"]
        for metric, estimate in tests[0]["summary"][GRAY].items():
            # A comparison's scores went through a file, which rounds them, once more.
            assert other["summary"][GRAY][metric] == pytest.approx(estimate, abs=1e-4)


@pytest.mark.parametrize("name", COMPARISONS)
def test_a_stored_comparison_has_every_variant_with_every_seed(name):
    runs, result = load_comparison(name)
    seeds = {}
    for run in runs:
        seeds.setdefault(run.variant, []).append(run.seed)
        recipe = result.get("recipe") or result["recipes"][run.variant]
        assert len(run.history) == sum(stage["epochs"] for stage in recipe["stages"])
        for row, scores in run.scores.items():
            assert all(
                len(values) == len(result["photographs"]["test"])
                for values in scores.values.values()
            ), row
    assert len(seeds) > 1
    assert set(map(tuple, seeds.values())) == {(0, 1, 2)}


def test_the_evaluation_of_all_models_agrees_with_their_own_results():
    result = load_result(EVALUATION)
    models = list(result["network_sizes"])
    assert list(result["scores"]) == [GRAY, *models, *result["probes"], TRUTH]
    assert set(models) == set(STORED)
    for name in models:
        own = load_result(name)["scores"][name].values
        for metric, values in own.items():
            again = result["scores"][name].values[metric]
            assert (values - again).abs().max() < 0.05, (name, metric)
    for column in result["columns"]:
        assert list(column["cells"]) == list(result["scores"])


def test_one_of_the_readings_is_the_stored_model():
    read, model = load_result(READINGS), "unet-squeezenet-classes"
    network, _ = load_weights(stored_weights(model))
    name = (
        f"weights divided out by {network.divided_out:.0%}, T = {network.temperature}"
    )
    own = load_result(model)["scores"][model].values
    for metric, values in own.items():
        again = read["scores"][name].values[metric]
        assert (values - again).abs().max() < 0.05, metric
    # It was chosen as the vividest, at its temperature, that is nearer than gray.
    gray = read["validation"][GRAY]["ciede2000"]
    others = {
        way: row
        for way, row in read["validation"].items()
        if way.endswith(f"T = {network.temperature}") and row["ciede2000"] < gray
    }
    assert max(others, key=lambda way: others[way]["colorfulness"]) == name


def test_weights_are_those_of_the_stored_models_and_not_too_large():
    files = [path for folder in FOLDERS for path in folder.glob("*.safetensors")]
    assert sorted(path.stem for path in files) == STORED
    assert sorted(path.stem for path in CARDS.glob("*.md")) == STORED
    sizes = [path.stat().st_size / 2**20 for path in files]
    assert max(sizes) <= 16
    assert sum(sizes) <= 60


@pytest.mark.parametrize("name", STORED)
def test_the_card_tells_what_is_stored(name):
    weights, text = stored_weights(name), (CARDS / f"{name}.md").read_text()
    assert sha256(weights.read_bytes()).hexdigest() in text
    assert f"{weights.stat().st_size:,} bytes" in text
    assert markdown_table(load_result(name)["scores"]) in text


def test_what_was_tried_after_training_was_tried_on_validation_photographs():
    result = load_result(AFTER)
    names = result["photographs"]["validation"]
    assert len(names) == 200
    test = load_result("unet-squeezenet")["photographs"]["test"]
    assert not set(names) & set(test)
    for row, scores in result["scores"].items():
        for metric, values in scores.values.items():
            assert len(values) == len(names), (row, metric)
    by_size = load_result("unet-squeezenet")["validation_by_size"]["96"]
    untouched = result["scores"]["unet-squeezenet, times 1"].means()
    for metric, mean in by_size.items():
        assert untouched[metric] == pytest.approx(mean, rel=2e-3), metric
