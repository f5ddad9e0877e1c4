"""Scores of held-out photographs, and what is chosen by them: size and vividness."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from colorize_lib.evaluation import choose
from colorize_lib.evaluation.choose import (
    choose_chroma_boost,
    choose_size,
    score_on_test,
    validation_scores,
)
from colorize_lib.evaluation.scores import GRAY, evaluate
from colorize_lib.inference import predict_ab
from colorize_lib.models import boost_chroma
from colorize_lib.photos import batches, from_path
from colorize_lib.photos.collection import Pictures


@pytest.fixture(scope="module")
def pictures(tmp_path_factory, write_photos):
    home = tmp_path_factory.mktemp("photos")
    return Pictures(
        data=[from_path(write_photos(home / "data", 20))],
        folder=home / "prepared",
        validation=5,
        test=5,
    )


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Scored at 128 pixels: what is chosen, and how, is the same."""
    monkeypatch.setattr(choose, "TEST_SIZE", 128)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Dropout(0.2), nn.Conv2d(8, 2, 3, padding=1), nn.Tanh(),
    )  # fmt: skip


def test_validation_scores_are_those_of_evaluate_with_the_gray_ones(pictures, network):
    images = pictures.held_out("validation", 64)
    scores = validation_scores(network.train(), images, "cpu")
    network.eval()
    with torch.no_grad():
        expected = evaluate({"x": network}, batches(images, 2))
    for name, mean in expected["x"].means().items():
        assert scores[name] == pytest.approx(mean, rel=1e-5)
    for name, mean in expected[GRAY].means().items():
        assert scores[f"gray_{name}"] == pytest.approx(mean, rel=1e-5)
    assert len(scores) == 2 * len(expected[GRAY].means())
    assert scores["psnr"] != scores["gray_psnr"]


def test_the_test_photographs_are_scored_at_their_own_size(pictures, network):
    network.eval()
    scores = score_on_test(network, pictures, name="mine", size=32)
    assert list(scores)[1] == "mine"
    images = pictures.held_out("test", 128)
    colorizers = {
        "small": lambda l: predict_ab(network, l, 32),
        "large": lambda l: predict_ab(network, l, 128),
    }
    expected = evaluate(colorizers, batches(images, 3))
    ciede = scores["mine"].values["ciede2000"]
    assert len(ciede) == 5
    torch.testing.assert_close(ciede, expected["small"].values["ciede2000"])
    assert not torch.equal(ciede, expected["large"].values["ciede2000"])


class Picky(nn.Module):
    """Leaves pictures gray at one size, and paints them garish at all others."""

    def __init__(self):
        super().__init__()
        self.garish = nn.Parameter(torch.ones(()))

    def forward(self, l):
        return self.garish * torch.full_like(l.expand(-1, 2, -1, -1), l.shape[-1] != 96)


def test_the_size_is_chosen_on_validation_photographs(pictures):
    size, means = choose_size(Picky(), pictures, sizes=(64, 96, 128))
    assert size == 96
    assert list(means) == [64, 96, 128]
    gray = evaluate({}, batches(pictures.held_out("validation", 128), 16))[GRAY].means()
    assert means[96] == pytest.approx(gray, rel=1e-5)
    assert min(means[64]["ciede2000"], means[128]["ciede2000"]) > gray["ciede2000"]


def test_sizes_that_a_network_cannot_take_are_not_tried(pictures):
    network = Picky()
    network.sides_divisible_by = 128
    size, means = choose_size(network, pictures, sizes=(64, 96, 128))
    assert size == 128
    assert list(means) == [128]


@pytest.fixture
def pale(network):
    """With some color everywhere."""
    with torch.no_grad():
        network[4].bias.copy_(torch.tensor([0.05, 0.1]))
    return network.eval()


def test_the_least_vividness_that_reaches_the_share_is_chosen(pictures, pale):
    def colorfulness(factor):
        """Mean on the validation photographs, of the network and of the truth."""
        vivid = boost_chroma(deepcopy(pale), factor)
        images = batches(pictures.held_out("validation", 128), 16)
        scores = evaluate({"vivid": lambda l: predict_ab(vivid, l, 64)}, images)
        means = {name: row.means()["colorfulness"] for name, row in scores.items()}
        return means["vivid"] / means["truth"]

    assert colorfulness(1) < 0.9 * colorfulness(1.5)
    share = (colorfulness(1.45) + colorfulness(1.5)) / 2
    found = choose_chroma_boost(pale, pictures, size=64, share=share)
    assert found == 1.5


def test_a_share_that_is_there_or_out_of_reach(pictures, pale):
    before = deepcopy(pale.state_dict())
    assert choose_chroma_boost(pale, pictures, size=64, share=0.0) == 1.0
    assert choose_chroma_boost(pale, pictures, size=64, share=50.0) == 3.0
    for name, x in pale.state_dict().items():
        assert torch.equal(x, before[name])
