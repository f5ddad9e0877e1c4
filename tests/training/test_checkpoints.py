"""Checkpoints: whole or not at all, plain data only."""

import errno
import pickle

import pytest
import torch

from colorize_lib import files
from colorize_lib.training.checkpoints import (
    load_checkpoint,
    random_state,
    restore_random_state,
    save_checkpoint,
)


def test_round_trip(tmp_path):
    state = {"x": torch.arange(3), "history": [{"loss": 0.5}]}
    state |= {"n": 3, "name": "a", "none": None}
    save_checkpoint(state, tmp_path / "new" / "last.pt")
    loaded = load_checkpoint(tmp_path / "new" / "last.pt")
    assert torch.equal(loaded.pop("x"), state.pop("x"))
    assert loaded == state


@pytest.mark.parametrize("at", ["write", "rename"])
def test_a_full_disk_leaves_the_old_one_and_no_debris(tmp_path, monkeypatch, at):
    path = tmp_path / "last.pt"
    save_checkpoint({"epoch": 1}, path)

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    if at == "write":
        monkeypatch.setattr(files.os, "fsync", full)
    else:
        monkeypatch.setattr(files.Path, "replace", full)
    with pytest.raises(OSError, match=r"^disk full: could not write .*last.pt.*intact"):
        save_checkpoint({"epoch": 2}, path)
    assert load_checkpoint(path) == {"epoch": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupt_while_writing_leaves_the_old_one_and_no_debris(
    tmp_path, monkeypatch
):
    path = tmp_path / "last.pt"
    save_checkpoint({"epoch": 1}, path)

    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint({"epoch": 2}, path)
    assert load_checkpoint(path) == {"epoch": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "runs").write_text("not a folder")
    with pytest.raises(OSError, match=r"could not write .*runs/last.pt"):
        save_checkpoint({}, tmp_path / "runs" / "last.pt")


class Evil:
    def __reduce__(self):
        return print, ("code from a checkpoint ran",)


@pytest.mark.parametrize(
    "content", ["empty", "text", "evil pickle", "evil checkpoint", "cut"]
)
def test_what_is_no_checkpoint_is_refused_and_runs_no_code(tmp_path, content, capsys):
    path = tmp_path / "last.pt"
    save_checkpoint({"x": torch.zeros(5000)}, path)
    if content == "evil checkpoint":
        torch.save({"x": Evil()}, path)
    else:
        contents = {
            "empty": b"",
            "text": b"hello",
            "evil pickle": pickle.dumps(Evil()),
            "cut": path.read_bytes()[:9000],
        }
        path.write_bytes(contents[content])
    with pytest.raises(
        ValueError, match=r"last.pt is not a whole checkpoint .*start afresh"
    ):
        load_checkpoint(path)
    assert "ran" not in capsys.readouterr().out


def test_no_checkpoint(tmp_path):
    with pytest.raises(FileNotFoundError, match="no checkpoint at"):
        load_checkpoint(tmp_path / "last.pt")


def test_random_state_round_trip():
    state = random_state()
    drawn = torch.rand(3)
    restore_random_state(state)
    assert torch.equal(torch.rand(3), drawn)


def test_what_could_be_a_program_is_refused_without_advice_to_trust_it(tmp_path):
    torch.save({"loss": slice(3)}, tmp_path / "last.pt")
    with pytest.raises(ValueError, match="holds more than plain data") as caught:
        load_checkpoint(tmp_path / "last.pt")
    assert "weights_only" not in str(caught.value)
    assert "trust" not in str(caught.value)
    assert len(str(caught.value)) < 300
