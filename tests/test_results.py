"""Result files: everything comes back, and the stored ones say what is true."""

import json
from hashlib import sha256

import pytest
import torch

from colorize_lib.evaluation import results
from colorize_lib.evaluation.results import load_result, save_result
from colorize_lib.evaluation.scores import GRAY, TRUTH, evaluate
from colorize_lib.evaluation.tables import markdown_table
from colorize_lib.experiments.compare import Comparison
from colorize_lib.training.recipes import RECIPES
from colorize_lib.weights import FOLDERS, load_weights, stored_weights

CARDS = results.FOLDER.parent / "weights"
FILES = {path.stem for path in results.FOLDER.glob("*.json")}
MODELS = sorted(FILES & set(RECIPES))
STORED = [n for n in MODELS if n in RECIPES and not RECIPES[n].scores_only]
COMPARISONS = sorted(name for name in FILES if name.startswith("compare-"))
UNDER_WAY = {"compare-default", "compare-photographs"}
AFTER = "after-training"  # the one of validation photographs


def test_round_trip(tmp_path, monkeypatch):
    random = torch.Generator().manual_seed(0)
    truths = torch.randint(0, 256, (5, 3, 16, 16), dtype=torch.uint8, generator=random)
    scores = evaluate({"net": lambda l: torch.cat([l, -l], dim=1) / 4}, [truths])
    path, history = tmp_path / "net.json", [{"epoch": 1, "loss": 0.5}]
    save_result(path, scores, history, data="noise", seed=3)
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    loaded = load_result("net")
    assert (loaded["data"], loaded["seed"]) == ("noise", 3)
    assert loaded["history"] == history
    assert loaded["versions"]["torch"] == torch.__version__
    assert list(loaded["scores"]) == [GRAY, "net", TRUTH]
    for name, row in scores.items():
        for metric, values in row.values.items():
            again = loaded["scores"][name].values[metric]
            torch.testing.assert_close(again, values, rtol=0, atol=1e-4)
            mean = loaded["summary"][name][metric]["mean"]
            assert mean == pytest.approx(values.mean().item(), abs=1e-4)
    text = path.read_text()  # one line a key, so that a person can read it
    assert len(text.splitlines()) == len(json.loads(text)) + 2
    with pytest.raises(FileNotFoundError, match="no stored result 'x'; there are: net"):
        load_result("x")


# ------------------------------------------------------------ what is stored


@pytest.mark.parametrize("name", MODELS)
def test_a_stored_result_is_whole_and_its_summary_follows_from_its_scores(name):
    result = load_result(name)
    assert list(result["scores"]) == [GRAY, name, TRUTH]
    for row, scores in result["scores"].items():
        assert scores.count == len(result["photographs"]["test"]) >= 300
        for metric, mean in scores.means().items():
            assert mean == pytest.approx(
                result["summary"][row][metric]["mean"], abs=1e-4
            )
    epochs = sum(stage["epochs"] for stage in result["recipe"]["stages"])
    assert len(result["history"]) == epochs


@pytest.mark.parametrize("name", COMPARISONS)
def test_a_stored_comparison_has_every_variant_with_every_seed(name):
    comparison = Comparison.load(name)
    runs, result = comparison.runs, comparison.about
    seeds = {}
    for run in runs:
        seeds.setdefault(run.variant, []).append(run.seed)
        recipe = result.get("recipe") or result["recipes"][run.variant]
        assert len(run.history) == sum(stage["epochs"] for stage in recipe["stages"])
        counts = {scores.count for scores in run.scores.values()}
        assert counts == {len(result["photographs"]["test"])}
    assert len(seeds) > 1
    (of_each,) = set(map(tuple, seeds.values()))
    assert of_each == (0, 1, 2)[: len(of_each)]
    # The pages say of these how many there are so far; all others have three.
    assert len(of_each) == 3 or name in UNDER_WAY


def test_stored_results_are_of_the_same_photographs():
    one = load_result("autoencoder-l1")
    for other in map(load_result, [*MODELS, *COMPARISONS, "evaluation", "readings"]):
        assert other["photographs"]["test"] == one["photographs"]["test"]
        for metric, estimate in one["summary"][GRAY].items():
            # A comparison's scores went through a file, which rounds them, once more.
            assert other["summary"][GRAY][metric] == pytest.approx(estimate, abs=1e-4)
    names = load_result(AFTER)["photographs"]["validation"]
    assert len(names) == 200
    assert not set(names) & set(one["photographs"]["test"])


def assert_same(one, other):
    for metric, values in one.values.items():
        assert (values - other.values[metric]).abs().max() < 0.05, metric


def test_the_evaluation_of_all_models_agrees_with_their_own_results():
    result = load_result("evaluation")
    models = list(result["network_sizes"])
    assert list(result["scores"]) == [GRAY, *models, *result["probes"], TRUTH]
    assert set(models) == set(STORED)
    for name in models:
        assert_same(load_result(name)["scores"][name], result["scores"][name])
    for column in result["columns"]:
        assert list(column["cells"]) == list(result["scores"])


def test_one_of_the_readings_is_the_stored_model():
    read, model = load_result("readings"), "unet-squeezenet-classes"
    network, _ = load_weights(stored_weights(model))
    # It was chosen as the vividest, at its temperature, that is nearer than gray.
    gray = read["validation"][GRAY]["ciede2000"]
    near = {
        way: row["colorfulness"]
        for way, row in read["validation"].items()
        if way.endswith(f"T = {network.temperature}") and row["ciede2000"] < gray
    }
    chosen = max(near, key=near.get)
    assert_same(load_result(model)["scores"][model], read["scores"][chosen])


def test_what_was_tried_after_training_begins_with_the_untouched_model():
    untouched = load_result(AFTER)["scores"]["unet-squeezenet, times 1"].means()
    by_size = load_result("unet-squeezenet")["validation_by_size"]["96"]
    for metric, mean in by_size.items():
        assert untouched[metric] == pytest.approx(mean, rel=2e-3), metric


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
