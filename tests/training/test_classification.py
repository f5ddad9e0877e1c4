"""Classification: its loss by other means, its weights, what it teaches."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from training_helpers import same

from colorize_lib.color import AB_SCALE, normalize_lab, rgb_to_lab
from colorize_lib.color_bins import (
    gamut_bins,
    rebalancing_weights,
    soft_bins,
    undo_rebalancing,
)
from colorize_lib.models import ColorClassifier, UNet
from colorize_lib.training.classification import (
    Classification,
    color_cross_entropy,
    rebalance,
    start_at_frequencies,
)
from colorize_lib.training.learner import Precision

BINS = gamut_bins()


def numbers(seed=0):
    return torch.Generator().manual_seed(seed)


def random_ab(seed=0, size=(2, 6, 8)):
    """Normalized colors of sRGB."""
    count, height, width = size
    shape = (count, 3, height, width)
    rgb = torch.randint(0, 256, shape, dtype=torch.uint8, generator=numbers(seed))
    return normalize_lab(rgb_to_lab(rgb))[1]


def painted(*colors, rows=1):
    """Normalized ab ``(1, 2, rows, n)`` of colors in Lab units, one a column."""
    return torch.tensor(colors).T[None, :, None].expand(-1, -1, rows, -1) / AB_SCALE


def number_of(color):
    """Which bin a color lies in."""
    return (BINS - torch.tensor(color)).norm(dim=1).argmin().item()


# ------------------------------------------------------------ the loss


def dense_targets(ab):
    """Probabilities of all bins, float64 ``(B, Q, H, W)``, and the likeliest bin."""
    nearest, probabilities = soft_bins(AB_SCALE * ab, BINS)
    batch, _, height, width = ab.shape
    targets = torch.zeros(batch, len(BINS), height, width, dtype=torch.float64)
    return targets.scatter(1, nearest, probabilities.double()), nearest[:, 0]


@given(seed=st.integers(0, 1000), weighted=st.booleans())
@settings(max_examples=10)
def test_the_loss_is_torchs_cross_entropy_of_all_bins(seed, weighted):
    ab = random_ab(seed)
    logits = 5 * torch.randn(2, 261, 6, 8, generator=numbers(seed))
    weights = torch.rand(261, generator=numbers(seed)) if weighted else torch.ones(261)
    targets, likeliest = dense_targets(ab)
    # torch's own weights count each bin of a soft target, the paper's each pixel.
    each = F.cross_entropy(logits.double(), targets, reduction="none")
    expected = (weights.double()[likeliest] * each).mean()
    loss = color_cross_entropy(logits, ab, BINS, weights)
    torch.testing.assert_close(loss.double(), expected, rtol=1e-5, atol=1e-6)


def test_the_loss_by_hand():
    """A gray pixel: its bin, and its four neighbors at e^-2 each."""
    logits = torch.zeros(1, 261, 1, 1)
    loss = color_cross_entropy(logits, torch.zeros(1, 2, 1, 1), BINS, torch.ones(261))
    assert loss.item() == pytest.approx(math.log(261))
    logits[0, number_of([0.0, 0.0])] = 3.0
    center = 1 / (1 + 4 * math.exp(-2))
    expected = math.log(260 + math.exp(3)) - 3 * center
    loss = color_cross_entropy(logits, torch.zeros(1, 2, 1, 1), BINS, torch.ones(261))
    assert loss.item() == pytest.approx(expected)


def test_where_probabilities_are_coarser_than_colors_the_colors_are_averaged():
    ab = random_ab(size=(2, 6, 8))
    logits = torch.randn(2, 261, 3, 4, generator=numbers())
    weights = torch.rand(261, generator=numbers())
    means = ab.view(2, 2, 3, 2, 4, 2).mean(dim=(3, 5))
    expected = color_cross_entropy(logits, means, BINS, weights)
    assert color_cross_entropy(logits, ab, BINS, weights) == pytest.approx(expected)


def test_the_gradient_is_what_is_predicted_less_what_is_true():
    ab = random_ab()
    logits = torch.randn(2, 261, 6, 8, generator=numbers()).requires_grad_()
    weights = torch.rand(261, generator=numbers())
    color_cross_entropy(logits, ab, BINS, weights).backward()
    targets, likeliest = dense_targets(ab)
    pixels = 2 * 6 * 8
    expected = weights[likeliest][:, None] * (logits.softmax(dim=1) - targets) / pixels
    torch.testing.assert_close(logits.grad.double(), expected.detach())


# ------------------------------------------------------------ one step


def tiny(*, norm=False):
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()]
    last = [nn.Conv2d(4 if norm else 1, 2, 1), nn.Tanh()]
    return ColorClassifier(
        nn.Sequential(*(layers if norm else []), *last), BINS.clone()
    )


def method(name="float32", *, scheduled=False, norm=True):
    network = tiny(norm=norm)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5**step)
    precision = Precision(name, "cpu")
    return Classification(
        network, optimizer, precision, scheduler if scheduled else None
    )


def batch(seed=0):
    """l, and two colors that can be told from it."""
    l = torch.rand(4, 1, 8, 8, generator=numbers(seed)) * 2 - 1
    colors = painted([60, 40.0], [10, -50.0])[0, :, 0].T
    return l, colors[(l[:, 0] > 0).long()].permute(0, 3, 1, 2)


def test_a_step_by_hand():
    """One color, a last layer of zeros: its bias moves by softmax less truth."""
    network = tiny()
    last = network.classifier[0][1]
    nn.init.zeros_(last.weight)
    network.weights.fill_(3.0)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    trained = Classification(network, optimizer, Precision("float32", "cpu"))
    red = painted([60, 40.0], rows=4).expand(3, -1, -1, 4)
    losses = trained.step(torch.ones(3, 1, 4, 4), red)
    assert losses["loss"].item() == pytest.approx(3 * math.log(261))
    assert not losses["loss"].requires_grad
    targets, _ = dense_targets(painted([60, 40.0]))
    moved = -0.1 * 3 * (1 / 261 - targets.flatten())
    torch.testing.assert_close(last.bias.double(), moved)
    torch.testing.assert_close(last.weight.flatten().double(), moved)


@pytest.mark.parametrize(("name", "scheduled"), [("float32", True), ("float16", False)])
def test_the_state_is_all_that_the_next_steps_need(tmp_path, name, scheduled):
    trained = method(name, scheduled=scheduled)
    trained.network.weights.copy_(torch.rand(261, generator=numbers()))
    for seed in range(3):
        trained.step(*batch(seed))
    torch.save(trained.state_dict(), tmp_path / "state.pt")

    resumed = method(name, scheduled=scheduled)
    assert not same(resumed.network.state_dict(), trained.network.state_dict())
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert same(resumed.network.state_dict(), trained.network.state_dict())
    for seed in range(3, 6):
        ours, theirs = (x.step(*batch(seed))["loss"] for x in (resumed, trained))
        assert torch.equal(ours, theirs)
    assert same(resumed.network.state_dict(), trained.network.state_dict())
    rates = [x.learner.optimizer.param_groups[0]["lr"] for x in (resumed, trained)]
    assert rates[0] == rates[1]
    assert (rates[0] < 1e-2) == scheduled


def test_a_network_that_names_colors_is_refused():
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Tanh())
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    with pytest.raises(
        TypeError, match=r"Sequential gives no probabilities .* ColorClassifier"
    ):
        Classification(network, optimizer, Precision("float32", "cpu"))


# ------------------------------------------------------------ rebalanced


def test_weights_are_those_of_the_colors_in_pictures():
    """uint8 photographs, more than one batch of them, and the last one smaller."""
    pictures = np.full((70, 3, 4, 6), 128, np.uint8)
    pictures[::7, :, :, 3:] = np.array([255, 0, 0], np.uint8)[:, None, None]
    pictures[69, :, :2, :3] = np.array([0, 0, 255], np.uint8)[:, None, None]
    network = tiny()
    weights = network.weights
    rebalance(network, pictures)
    assert network.weights is weights, "changed in place: an optimizer may hold it"
    counts = torch.zeros(261)
    counts[number_of([0.0, 0.0])] = 70 * 24 - 120 - 6
    counts[number_of([80.1, 67.2])] = 120
    counts[number_of([79.2, -107.9])] = 6
    torch.testing.assert_close(weights, rebalancing_weights(counts, BINS))
    assert weights.unique().numel() > 3
    assert (weights * counts).sum() / counts.sum() == pytest.approx(1, abs=1e-5)


# ------------------------------------------------------------ what is learned

GRAY, RED, BLUE, GREEN = (0.0, 0.0), (60.0, 40.0), (10.0, -50.0), (-50.0, 40.0)
TRUE, PROBABILITIES = (RED, BLUE, GREEN), torch.tensor([0.6, 0.3, 0.1])


def learned(weights, colors=TRUE, times=(12, 6, 2)):
    """Things that look alike and have several colors, so many times: their logits.

    One layer that sees the same everywhere: a table of logits, and nothing else.
    """
    network = tiny()
    network.weights.copy_(weights)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.3)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda n: 1 - n / 300)
    trained = Classification(network, optimizer, Precision("float32", "cpu"), scheduler)
    ab = painted(*colors).repeat_interleave(torch.tensor(times), dim=3)
    for _ in range(300):
        trained.step(torch.ones(1, 1, 1, ab.shape[3]), ab)
    return network.classifier(torch.ones(1, 1, 1, 1)).detach()


def near(logits, colors=TRUE):
    """Of each true color with its neighbors; they add up to nearly 1."""
    apart = torch.cdist(BINS, torch.tensor(colors))
    probabilities = logits.softmax(dim=1).flatten()
    return torch.stack([probabilities[bins].sum() for bins in (apart < 15).T])


def close(probabilities, expected):
    torch.testing.assert_close(probabilities, expected, rtol=0, atol=0.01)


def test_under_weights_probabilities_are_distorted_as_predicted_and_dividing_restores_them():
    """Green counts eight times as much as red, and its neighbors as it does."""
    factors = torch.tensor([0.5, 1.0, 4.0])
    weights = factors[torch.cdist(BINS, torch.tensor(TRUE)).argmin(dim=1)]
    logits = learned(weights)
    predicted = PROBABILITIES * factors / (PROBABILITIES @ factors)
    assert (predicted - PROBABILITIES).abs().max() > 0.25, "weights that would not show"
    close(near(logits), predicted)
    close(near(undo_rebalancing(logits, weights)), PROBABILITIES)


def test_under_the_papers_weights_a_few_percent_are_not_restored():
    """Gray or red, as often. Nearly all of it goes to red, which is rare; divided
    out, the neighbors of gray keep too little: they are rarer than it is.
    """
    as_in_photographs = (-BINS.norm(dim=1) / 10).exp()
    weights = rebalancing_weights(as_in_photographs, BINS)
    logits = learned(weights, (GRAY, RED), (1, 1))
    v = weights[[number_of(GRAY), number_of(RED)]]
    close(near(logits, (GRAY, RED)), v / v.sum())
    assert near(logits, (GRAY, RED))[1] > 0.95
    restored = near(undo_rebalancing(logits, weights), (GRAY, RED))
    close(restored, torch.tensor([0.45, 0.55]))


# ------------------------------------------------------------ where it starts


@pytest.mark.parametrize("weighted", [False, True])
def test_it_starts_at_the_best_probabilities_of_one_who_sees_nothing(weighted):
    pictures = torch.randint(0, 256, (8, 3, 16, 16), dtype=torch.uint8)
    pictures[:, 1] = pictures[:, 0]  # on a line in the ab plane
    network = ColorClassifier(UNet((4, 8)))
    if weighted:
        rebalance(network, pictures)
    before = {name: x.clone() for name, x in network.state_dict().items()}
    start_at_frequencies(network, pictures)
    changed = [n for n, x in network.state_dict().items() if not x.equal(before[n])]
    assert len(changed) == 1
    assert changed[0].endswith(".bias")

    l, ab = normalize_lab(rgb_to_lab(pictures))
    bias = network.last_layer.bias.detach().clone().requires_grad_()
    loss = color_cross_entropy(
        bias.view(1, -1, 1, 1).expand(8, -1, 16, 16), ab, network.bins, network.weights
    )
    (slope,) = torch.autograd.grad(loss, bias)
    flat = torch.zeros(261, requires_grad=True)
    from_equal_probabilities = color_cross_entropy(
        flat.view(1, -1, 1, 1).expand(8, -1, 16, 16), ab, network.bins, network.weights
    )
    (steep,) = torch.autograd.grad(from_equal_probabilities, flat)
    # Not quite the minimum: the truth is shared with neighbors, frequencies are not.
    assert loss < from_equal_probabilities - 1
    assert slope.norm() < steep.norm() / 2
    with torch.inference_mode():
        first = network.eval().classifier(l).float()
    close = (first - network.last_layer.bias.view(1, -1, 1, 1)).abs().mean()
    assert close < 0.1
