"""Alone everything is as if there were no processes; two share what one draws."""

import threading
from contextlib import suppress

import pytest
import torch

from colorize_lib.training import distributed as processes


def test_alone():
    batch = torch.arange(5)
    assert processes.count() == 1
    assert processes.is_first()
    assert processes.share(batch) is batch
    assert processes.average({"x": 3.0}) == {"x": 3.0}
    assert processes.any_of(True, "cpu")
    assert not processes.any_of(False, "cpu")
    processes.wait()
    torch.manual_seed(0)
    drawn = torch.rand(4)
    torch.manual_seed(0)
    assert torch.equal(processes.rand(4, "cpu"), drawn)


def test_without_torchrun_nobody_is_joined(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with processes.joined("cpu") as device:
        assert device == "cpu"
        assert processes.count() == 1


@pytest.mark.parametrize("rank", [0, 1])
def test_two_deal_out_what_one_draws(monkeypatch, rank):
    monkeypatch.setattr(processes.dist, "is_initialized", lambda: True)
    monkeypatch.setattr(processes.dist, "get_world_size", lambda: 2)
    monkeypatch.setattr(processes.dist, "get_rank", lambda: rank)
    assert processes.is_first() == (rank == 0)
    assert processes.share(torch.arange(6)).tolist() == [rank, rank + 2, rank + 4]
    torch.manual_seed(0)
    whole = torch.rand(6)
    torch.manual_seed(0)
    assert torch.equal(processes.rand(3, "cpu"), whole[rank::2])
    with pytest.raises(ValueError, match="5 pictures cannot be shared by 2 processes"):
        processes.share(torch.arange(5))


@pytest.mark.parametrize("rank", [0, 1])
def test_of_those_who_train_together_the_first_holds_the_folder(
    monkeypatch, tmp_path, rank
):
    monkeypatch.setattr(processes, "is_first", lambda: rank == 0)
    entered = []

    def enter():
        monkeypatch.setattr(processes, "is_first", lambda: True)
        with suppress(BlockingIOError), processes.holding(tmp_path):
            entered.append(True)

    with processes.holding(tmp_path):
        other = threading.Thread(target=enter)
        other.start()
        other.join()
    assert bool(entered) == (rank == 1)
