"""A finished run is stored with its result and a card."""

from dataclasses import asdict
from functools import partial
from hashlib import sha256

import pytest
import store_model
import torch

from colorize_lib.evaluation.results import save_result
from colorize_lib.evaluation.scores import evaluate
from colorize_lib.inference import predict_ab
from colorize_lib.models import COLORIZERS
from colorize_lib.training.recipes import RECIPES
from colorize_lib.weights import save_weights


@pytest.fixture
def finished(tmp_path, monkeypatch):
    """Makes what `colorize train` leaves of a recipe; the repository is a folder."""
    home, inside = tmp_path / "weights", tmp_path / "inside"
    for folder in (home, inside):
        folder.mkdir()
    monkeypatch.setattr(store_model, "FOLDERS", (inside, home))
    monkeypatch.setattr(store_model, "RESULTS", tmp_path / "results")

    def finish(name):
        run, recipe = tmp_path / "runs" / name, RECIPES[name]
        run.mkdir(parents=True)
        torch.manual_seed(0)
        network = COLORIZERS[recipe.network]().eval()
        save_weights(
            network,
            run / "model.safetensors",
            architecture=recipe.network,
            size=32,
            about="as it was made",
        )
        colorize = partial(predict_ab, network, size=32)
        photographs = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8)
        save_result(
            run / "result.json",
            evaluate({name: colorize}, [photographs]),
            [],
            recipe=asdict(recipe),
            size=32,
            validation_by_size={"32": {store_model.CHOSEN_BY: 9.0}},
            vividness=1.0,
            command=f"colorize train {name}",
            device="cpu",
            minutes=5.0,
            photographs={"data": "noise", "also": "", "small": "", "test": list("abc")},
            protocol="All.",
        )
        return run

    return finish


def test_a_finished_run_is_stored_with_its_result_and_a_card(finished, tmp_path):
    run = finished("cifar10-unet")
    weights, about, result = store_model.store(run)
    assert weights == tmp_path / "weights" / "cifar10-unet.safetensors"
    assert weights.read_bytes() == (run / "model.safetensors").read_bytes()
    assert result.read_bytes() == (run / "result.json").read_bytes()
    text = about.read_text()
    assert sha256(weights.read_bytes()).hexdigest() in text
    assert "random weights" in text
    assert "colorize train cifar10-unet" in text


def test_of_an_attempt_only_the_scores_are_kept(finished, tmp_path):
    run = finished("fusion-silenced")
    assert store_model.store(run) == [tmp_path / "results" / "fusion-silenced.json"]
    assert not list((tmp_path / "weights").iterdir())
    assert not list((tmp_path / "inside").iterdir())


def test_a_file_too_large_for_the_repository_is_refused(finished, monkeypatch):
    run = finished("cifar10-unet")
    monkeypatch.setattr(store_model, "MOST_BYTES", 1000)
    with pytest.raises(SystemExit, match=r"bytes, at most 1,000"):
        store_model.store(run)
    assert not store_model.RESULTS.exists()
