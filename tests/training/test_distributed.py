"""Two processes that share a batch learn the same as one that has it whole.

Both are started once, as ``python test_distributed.py RANK FOLDER``; the tests compare
what they leave.
"""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import torch
from torch import nn

from colorize_lib.losses import gradient_penalty, image_scores
from colorize_lib.models import PatchGAN
from colorize_lib.training import distributed
from colorize_lib.training.learner import Learner, Precision
from colorize_lib.training.pix2pix import Pix2Pix, Pix2PixSettings
from colorize_lib.training.wgan_gp import WassersteinGP, WGANGPSettings

PROCESSES, PICTURES, BATCHES = 2, 4, 2


# ------------------------------------------------------------ what is trained


class TwoBackwards(WassersteinGP):
    """The mistake to be seen: the penalty has a backward pass of its own."""

    def critic_step(self, l, ab, fake_ab, weights):
        scores = [image_scores(self.critic(l, x)).mean() for x in (ab, fake_ab)]
        penalty = gradient_penalty(self.critic.network, l, ab, fake_ab, weights)
        self.critic.optimizer.zero_grad(set_to_none=True)
        (scores[1] - scores[0]).backward()
        (self.settings.penalty_weight * penalty).backward()
        self.critic.optimizer.step()
        return {}


def players(norm=nn.Identity):
    generator = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.LeakyReLU(0.2), nn.Conv2d(4, 2, 1)
    )
    judge = PatchGAN((4, 8, 8, 8), norm=norm)
    for layer in judge.layers:
        if isinstance(layer, nn.Conv2d):  # slopes of about 1 instead of almost none
            nn.init.normal_(layer.weight, std=2 / layer.weight[0].numel() ** 0.5)
    precision = Precision("float32", "cpu")
    optimizers = [
        torch.optim.SGD(network.parameters(), lr=1e-3) for network in (generator, judge)
    ]
    return (
        Learner(generator, optimizers[0], precision, average=0.5),
        Learner(judge, optimizers[1], precision),
    )


def train(kind, mine, seed=0):
    """What it looks like at first and after each batch, of which ``mine`` is seen."""
    torch.manual_seed(seed)
    generator, judge = players(nn.BatchNorm2d if kind == "batchnorm" else nn.Identity)
    if kind in ("pix2pix", "batchnorm"):
        method = Pix2Pix(generator, judge, Pix2PixSettings(head_start=1))
    else:
        wgan = {"wgan": WassersteinGP, "two": TwoBackwards}[kind]
        method = wgan(generator, judge, WGANGPSettings(critic_steps=1))
    looks = [look(generator, judge, {})]
    for number in range(BATCHES):
        torch.manual_seed(number)  # all draw alike, as in the loop
        l, ab = (torch.rand(PICTURES, n, 32, 32)[mine] for n in (1, 2))
        looks.append(look(generator, judge, method.step(l, ab)))
    return looks


def look(generator, judge, report):
    networks = {"generator": generator.network, "judge": judge.network}
    return {
        "weights": {
            name: torch.cat([p.detach().flatten() for p in network.parameters()])
            for name, network in networks.items()
        },
        "gradients": {
            name: torch.cat([p.grad.flatten() for p in network.parameters()])
            for name, network in networks.items()
            if all(p.grad is not None for p in network.parameters())
        },
        "average": torch.cat(
            [p.detach().flatten() for p in generator.result.parameters()]
        ),
        "report": report,
    }


def take_part(rank, folder):
    torch.distributed.init_process_group(
        "gloo",
        store=torch.distributed.FileStore(str(folder / "store"), PROCESSES),
        rank=rank,
        world_size=PROCESSES,
        timeout=timedelta(minutes=2),
    )
    mine = slice(rank, None, PROCESSES)
    # As if each had drawn its own first weights: those of the first process count.
    seen = {
        kind: train(kind, mine, seed=rank)
        for kind in ("pix2pix", "batchnorm", "wgan", "two")
    }
    torch.save(seen, folder / f"{rank}.pt")
    torch.distributed.destroy_process_group()


# ------------------------------------------------------------ what is compared


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """What each process saw."""
    folder = tmp_path_factory.mktemp("processes")
    path = os.pathsep.join(filter(None, sys.path))
    started = []
    for rank in range(PROCESSES):
        with (folder / f"{rank}.txt").open("w") as told:
            started.append(
                subprocess.Popen(
                    [sys.executable, __file__, str(rank), str(folder)],
                    env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
                    stdout=told,
                    stderr=subprocess.STDOUT,
                )
            )
    try:
        codes = [process.wait(timeout=300) for process in started]
    finally:
        for process in started:
            process.kill()
            process.wait()
    told = "\n".join((folder / f"{n}.txt").read_text() for n in range(PROCESSES))
    assert codes == [0] * PROCESSES, told
    return [torch.load(folder / f"{n}.pt") for n in range(PROCESSES)]


@pytest.fixture(scope="module")
def alone():
    """What one process sees that has the whole batch."""
    return {kind: train(kind, slice(None)) for kind in ("pix2pix", "wgan")}


def distance(ours, expected):
    return (ours - expected).norm() / expected.norm()


@pytest.mark.parametrize("kind", ["pix2pix", "wgan"])
def test_two_processes_learn_the_same_as_one(shared, alone, kind):
    assert len(alone[kind]) == 1 + BATCHES
    for number, expected in enumerate(alone[kind]):
        for process in shared:
            seen = process[kind][number]
            assert seen["gradients"].keys() == expected["gradients"].keys()
            for name, gradient in expected["gradients"].items():
                assert gradient.norm() > 0.01
                assert distance(seen["gradients"][name], gradient) < 1e-5
            for name, weights in expected["weights"].items():
                assert distance(seen["weights"][name], weights) < 1e-5
            assert distance(seen["average"], expected["average"]) < 1e-5
    assert alone[kind][-1]["gradients"].keys() == {"generator", "judge"}


@pytest.mark.parametrize("kind", ["pix2pix", "batchnorm", "wgan"])
def test_both_processes_have_the_same_networks_at_any_time(shared, kind):
    """Also with BatchNorm, where two halves are not the whole."""
    for one, other in zip(*(process[kind] for process in shared), strict=True):
        for name in ("generator", "judge"):
            assert torch.equal(one["weights"][name], other["weights"][name])
        assert torch.equal(one["average"], other["average"])


def test_a_penalty_with_a_backward_pass_of_its_own_would_be_noticed(shared, alone):
    """The comparison above is 1,000 times as strict as this mistake is large."""
    expected = alone["wgan"][1]["gradients"]["judge"]
    for process in shared:
        assert distance(process["two"][1]["gradients"]["judge"], expected) > 1e-2


# ------------------------------------------------------------ what they share


def test_alone_everything_is_as_if_there_were_no_processes(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    batch = torch.arange(5)
    with distributed.joined("cpu") as device:
        assert (device, distributed.count(), distributed.is_first()) == ("cpu", 1, True)
        assert distributed.share(batch) is batch
        assert distributed.average({"x": 3.0}) == {"x": 3.0}
        distributed.wait()
    torch.manual_seed(0)
    drawn = torch.rand(4)
    torch.manual_seed(0)
    assert torch.equal(distributed.rand(4, "cpu"), drawn)


@pytest.mark.parametrize("rank", [0, 1])
def test_two_deal_out_what_one_draws_and_the_first_holds_the_folder(
    monkeypatch, tmp_path, rank
):
    monkeypatch.setattr(distributed.dist, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed.dist, "get_world_size", lambda: 2)
    monkeypatch.setattr(distributed.dist, "get_rank", lambda: rank)
    assert distributed.share(torch.arange(6)).tolist() == [rank, rank + 2, rank + 4]
    torch.manual_seed(0)
    whole = torch.rand(6)
    torch.manual_seed(0)
    assert torch.equal(distributed.rand(3, "cpu"), whole[rank::2])
    with pytest.raises(ValueError, match="5 pictures cannot be shared by 2 processes"):
        distributed.share(torch.arange(5))
    with distributed.holding(tmp_path):
        assert (tmp_path / ".training.lock").exists() == (rank == 0)


if __name__ == "__main__":
    take_part(int(sys.argv[1]), Path(sys.argv[2]))
