"""The scripts in tools/ whose mistakes would be found late: after days of training."""

import json
import re
import resource
import subprocess
import sys
from dataclasses import asdict
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest
import run_full
import store_model
import torch

from colorize_lib.evaluation import results
from colorize_lib.evaluation.results import save_result
from colorize_lib.evaluation.scores import evaluate
from colorize_lib.inference import predict_ab
from colorize_lib.models import COLORIZERS
from colorize_lib.training.recipes import RECIPES
from colorize_lib.weights import save_weights

ROOT = Path(run_full.__file__).parent.parent
WRITES = "import pathlib, sys; pathlib.Path(sys.argv[1]).open('a').write('x')"


# ------------------------------------------------------------ make full


def test_every_chapter_that_trains_is_run_after_what_it_shows_is_trained():
    chapters = [path.stem for path in sorted((ROOT / "book").glob("*.ipynb"))]
    assert list(run_full.CHAPTERS) == [name for name in chapters if name > "03"]
    trained = []
    for pieces in run_full.CHAPTERS.values():
        for piece in pieces:
            kind, _, name = piece.partition(" ")
            if kind == "train":
                assert RECIPES[name].start_from in (None, *trained)
                trained.append(name)
    stored = {path.stem for path in (ROOT / "weights").glob("*.md")}
    assert stored == {name for name in trained if not RECIPES[name].scores_only}


def test_commands_name_files_that_are_there(monkeypatch):
    monkeypatch.setenv("COLORIZE_PHOTOS", "one:two")
    for chapter, pieces in run_full.CHAPTERS.items():
        for piece in [*pieces, f"run {chapter}"]:
            for command in run_full.commands(piece, trial=False):
                script = ROOT / command[0]
                assert command[:2] == ["-m", "colorize_lib.cli"] or script.is_file()
                if piece.startswith(("train", "compare")) and "store" not in command[0]:
                    assert "--data one --data two" in " ".join(command)
                if piece.startswith("run"):
                    assert (ROOT / command[1]).is_file()


@pytest.fixture
def pieces(monkeypatch, tmp_path):
    """Two chapters whose pieces write an x into a file; what they wrote is returned."""
    monkeypatch.setattr(run_full, "ROOT", tmp_path)
    monkeypatch.setattr(run_full, "CHAPTERS", {"1-a": ["train a"], "2-b": []})
    monkeypatch.setattr(sys, "argv", ["run_full.py"])

    def command(piece, trial):
        return [["-c", WRITES, str(tmp_path / piece)]]

    monkeypatch.setattr(run_full, "commands", command)
    return lambda: {
        path.name: path.read_text() for path in tmp_path.iterdir() if path.is_file()
    }


def test_all_is_run_once_and_summed_up(pieces, capsys):
    assert run_full.main() == 0
    done = {"train a": "x", "run 1-a": "x", "run 2-b": "x"}
    assert pieces() == done
    printed = capsys.readouterr().out
    for chapter in ("1-a", "2-b"):
        # A process counts the memory of the one that started it: here that of pytest.
        line = re.search(rf"{chapter}: 0 minutes, at most ([\d.]+) GiB of m", printed)
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        assert float(line[1]) <= own + 0.1
    assert run_full.main() == 0
    assert pieces() == done


def test_after_a_failure_it_goes_on_at_the_piece_that_failed(
    pieces, monkeypatch, tmp_path, capsys
):
    right = run_full.commands

    def wrong(piece, trial):
        fails = [["-c", "import sys; sys.exit(3)"]] if piece == "run 1-a" else []
        return [*right(piece, trial), *fails]

    monkeypatch.setattr(run_full, "commands", wrong)
    assert run_full.main() == 3
    assert "run 1-a: failed" in capsys.readouterr().err
    assert pieces() == {"train a": "x", "run 1-a": "x"}
    before = json.loads((tmp_path / "runs" / "full.json").read_text())
    monkeypatch.setattr(run_full, "commands", right)
    assert run_full.main() == 0
    done = {"train a": "x", "run 1-a": "xx", "run 2-b": "x"}
    assert pieces() == done
    after = json.loads((tmp_path / "runs" / "full.json").read_text())
    # What the first try took is not forgotten.
    assert after["run 1-a"]["minutes"] > before["run 1-a"]["minutes"] > 0
    assert after["train a"] == before["train a"]


def test_memory_is_that_of_the_command_and_of_what_it_starts(tmp_path):
    hungry = "x = bytearray(300 * 2**20); x[::4096] = b'1' * len(x[::4096])"
    outer = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hungry!r}])"
    )
    record = run_full.Record(tmp_path / "full.json")
    record.run("small", ["-c", "pass"])
    record.run("hungry", ["-c", outer])
    # A new process counts the memory of the one that started it, this one.
    assert record.pieces["hungry"]["memory"] > 300 * 2**20
    with pytest.raises(subprocess.CalledProcessError):
        record.run("failing", ["-c", "raise SystemExit(1)"])
    assert not record.is_done("hungry")
    record.finish("hungry")
    assert run_full.Record(tmp_path / "full.json").is_done("hungry")


# ------------------------------------------------------------ storing a finished run


@pytest.fixture
def finished(tmp_path, monkeypatch):
    """Makes what `colorize train` leaves of a recipe; the repository is a folder."""
    home, inside = tmp_path / "weights", tmp_path / "inside"
    for folder in (home, inside):
        folder.mkdir()
    monkeypatch.setattr(store_model, "FOLDERS", (inside, home))
    monkeypatch.setattr(store_model, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(results, "FOLDER", tmp_path / "results")

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
    weights, result, about = store_model.store(run)
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
