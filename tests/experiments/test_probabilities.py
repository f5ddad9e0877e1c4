import pytest
import torch

from colorize_lib.color_bins import gamut_bins, soft_bins
from colorize_lib.experiments.on_scenes import SEVERAL
from colorize_lib.experiments.probabilities import (
    color_probabilities,
    expected_probabilities,
    load_color_counts,
    load_probabilities,
    misplaced_table,
    probabilities_table,
)
from colorize_lib.scenes import LAWS, draw_scenes

BINS = gamut_bins()


@pytest.fixture(scope="module")
def scenes():
    return draw_scenes(12, 32, seed=0)


def logits_of(scenes, odds_of):
    """Of a network that gives each pixel of a kind these odds of the law's colors."""
    logits = torch.zeros(len(scenes.lab), len(BINS), 32, 32)
    for kind in SEVERAL:
        nearest, shares = soft_bins(LAWS[kind].modes.T[None, :, None], BINS)
        of_each = torch.zeros(len(LAWS[kind].probabilities), len(BINS))
        of_each.scatter_(1, nearest[0, :, 0].T, shares[0, :, 0].T)
        mask = scenes.mask(kind)
        odds = odds_of(LAWS[kind], int(mask.sum()))  # (pixels, colors)
        logits.permute(0, 2, 3, 1)[mask] = (odds @ of_each + 1e-12).log()
    return logits


def test_a_perfect_network_has_the_odds_of_the_laws(scenes):
    logits = logits_of(
        scenes, lambda law, n: torch.tensor([law.probabilities]).repeat(n, 1)
    )
    for kind, found in color_probabilities(logits, scenes, BINS).items():
        assert found["odds"] == pytest.approx(LAWS[kind].probabilities, abs=1e-4)
        assert found["off"] == pytest.approx(0, abs=1e-4)


def test_right_on_the_average_is_not_right_in_any_pixel(scenes):
    """Every pixel is sure of one color, each color as often as the law says."""

    def sure(law, n):
        ends = torch.tensor(law.probabilities).cumsum(0)[:-1]
        which = torch.bucketize(torch.linspace(0, 0.9999, n), ends, right=True)
        return torch.nn.functional.one_hot(which, len(law.probabilities)).float()

    for kind, found in color_probabilities(
        logits_of(scenes, sure), scenes, BINS
    ).items():
        odds = torch.tensor(LAWS[kind].probabilities)
        assert found["odds"] == pytest.approx(odds.tolist(), abs=0.02)
        # A pixel that is sure of a color of odds p has moved 1 - p to it.
        assert found["off"] == pytest.approx((odds * (1 - odds)).sum().item(), abs=0.02)


def test_odds_elsewhere_count_as_off(scenes):
    logits = torch.full((len(scenes.lab), len(BINS), 32, 32), -30.0)
    modes = torch.cat([LAWS[kind].modes for kind in SEVERAL])
    logits[:, torch.cdist(BINS, modes).amin(dim=1).argmax()] = 30  # far from all things
    for found in color_probabilities(logits, scenes, BINS).values():
        assert found["odds"] == pytest.approx([0] * len(found["odds"]), abs=1e-4)
        assert found["off"] == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("divided", [False, True])
def test_without_weights_the_expected_odds_are_the_laws(divided):
    for kind, found in expected_probabilities(
        BINS, torch.ones(261), divided=divided
    ).items():
        assert found["odds"] == pytest.approx(LAWS[kind].probabilities, abs=1e-5)


def test_expected_odds_are_the_laws_times_the_weights():
    """Weights that are the same around each color: then they divide out exactly."""
    weights = torch.ones(261)
    modes = LAWS["roof"].modes
    near = torch.cdist(BINS, modes) < 25
    assert not near.all(dim=1).any()
    weights[near[:, 0]], weights[near[:, 1]] = 3.0, 0.5
    found = expected_probabilities(BINS, weights)["roof"]["odds"]
    assert found == pytest.approx([1.8 / 2.0, 0.2 / 2.0], abs=1e-4)
    found = expected_probabilities(BINS, weights, divided=True)["roof"]["odds"]
    assert found == pytest.approx([0.6, 0.4], abs=1e-4)


def test_the_least_loss_is_where_expected_odds_say():
    """By gradient descent on the loss itself, for one gray balloon."""
    from colorize_lib.training.classification import color_cross_entropy

    weights = torch.linspace(0.2, 4, 261)
    ab = LAWS["balloon"].modes[..., None, None] / 110  # a picture a color
    logits = torch.zeros(1, 261, 1, 1, requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], max_iter=500, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = color_cross_entropy(logits.expand(3, -1, -1, -1), ab, BINS, weights)
        loss.backward()
        return loss

    optimizer.step(closure)
    expected = expected_probabilities(BINS, weights)["balloon"]["odds"]
    near = torch.cdist(BINS, LAWS["balloon"].modes)
    belongs = torch.nn.functional.one_hot(near.argmin(1), 3) * (near <= 15)
    found = logits.softmax(1)[0, :, 0, 0].detach() @ belongs.float()
    assert found.tolist() == pytest.approx(expected, abs=0.01)


def test_the_stored_odds_are_of_every_method_with_the_same_seeds():
    seeds = {}
    for run in load_probabilities():
        seeds.setdefault(run["method"], []).append(run["seed"])
        for kind in SEVERAL:
            assert 0 <= run[kind]["off"] <= 1
            assert sum(run[kind]["odds"]) <= 1 + 1e-5
    assert len(seeds) == 3
    assert {tuple(found) for found in seeds.values()} == {(0, 1, 2)}


def test_the_stored_odds_are_what_the_chapter_says_of_them():
    """Unweighted they are right; weights make the rarer roof rarer still."""
    for run in load_probabilities():
        off = max(run[kind]["off"] for kind in SEVERAL)
        if run["method"] == "classes":
            assert off < 0.15
        elif run["method"] == "rebalanced classes":
            assert run["roof"]["odds"][1] < 0.1 < 0.4
            assert run["roof"]["off"] > 0.3
        else:
            assert off < 0.2


def test_a_table_of_single_runs_and_of_several():
    one = {"method": "a", "seed": 0, **expected_probabilities(BINS, torch.ones(261))}
    table = probabilities_table([one]).splitlines()
    assert len(table) == 4
    assert table[2].startswith(
        "| the truth | 50% | 50% | 60% | 40% | 33% | 33% | 33% |"
    )
    assert table[3].startswith("| a | 50% | 50% | 60% | 40% | 33% | 33% | 33% |")
    assert "50% (50% to 50%)" in probabilities_table([one, one | {"seed": 1}])
    head, _, row = misplaced_table([one]).splitlines()
    assert head == "| | car: misplaced | roof: misplaced | balloon: misplaced |"
    assert row == "| a | 0% | 0% | 0% |"
    other = one | {"car": {"odds": [1, 0], "off": 0.5}, "seed": 1}
    assert "| a | 25% (0% to 50%) |" in misplaced_table([one, other])


def test_the_stored_counts_are_of_every_pixel():
    counted = load_color_counts()
    assert len(counted["counts"]) == len(BINS)
    assert sum(counted["counts"]) == counted["pictures"] * counted["size"] ** 2
