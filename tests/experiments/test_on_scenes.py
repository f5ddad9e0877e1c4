"""Methods on scenes whose laws are known: distances and probabilities by hand."""

from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from training_helpers import same

from colorize_lib.color import AB_SCALE, normalize_lab
from colorize_lib.color_bins import gamut_bins, soft_bins
from colorize_lib.experiments.on_scenes import (
    SEVERAL,
    color_probabilities,
    distances,
    distances_table,
    expected_probabilities,
    load_color_counts,
    load_distances,
    load_probabilities,
    misplaced_table,
    probabilities_table,
    train_on_scenes,
)
from colorize_lib.scenes import LAWS, Palette, draw_scenes
from colorize_lib.training.classification import color_cross_entropy
from colorize_lib.training.pix2pix import Pix2PixSettings
from colorize_lib.training.recipes import Stage

# ------------------------------------------------------------ distances

# Of the table in colorize_lib.scenes.kinds and the colors there, by hand.
MEANS = {"car": (27, -6), "roof": (18, 14), "balloon": (12, -8 / 3)}
MEDIANS = {"car": (27, -6), "roof": (38, 34), "balloon": (22, -20)}
MIDDLES = {"car": (27, -6), "roof": (38, 34), "balloon": (3.5, -17.2)}
NEAREST = {"car": (52, 34), "roof": (38, 34), "balloon": (-20, -20)}  # to each mean


@pytest.fixture(scope="module")
def scenes():
    """Not square, so that rows and columns cannot change places unseen."""
    return draw_scenes(24, (64, 48), seed=5)


def apart(one, other):
    return torch.dist(torch.tensor(one).float(), torch.tensor(other).float()).item()


def painted(scenes, colors, elsewhere=0.0):
    """ab in which every kind that is named has one color."""
    ab = torch.full_like(scenes.lab[:, 1:], elsewhere)
    for kind, color in colors.items():
        ab.permute(0, 2, 3, 1)[scenes.mask(kind)] = torch.tensor(color).float()
    return ab / AB_SCALE


def test_the_kinds_are_those_of_several_colors_that_can_be_counted():
    counts = {x: len(y.modes) for x, y in LAWS.items() if isinstance(y, Palette)}
    assert {kind for kind, count in counts.items() if count > 1} == set(SEVERAL)


def test_an_answer_that_is_every_mean(scenes):
    found = distances(painted(scenes, MEANS), scenes)
    for kind, mean in MEANS.items():
        expected = {
            "mean": 0,
            "median": apart(mean, MEDIANS[kind]),
            "geometric_median": apart(mean, MIDDLES[kind]),
            "mode": apart(mean, NEAREST[kind]),
            "committed": 0,
            "commonest": 1,
        }
        assert found[kind] == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("point", ["mean", "median", "geometric_median"])
def test_the_scenes_own_painting_of_a_point_lies_on_it(scenes, point):
    drawn = draw_scenes(24, (64, 48), seed=5, paint=point)
    for values in distances(normalize_lab(drawn.lab)[1], scenes).values():
        assert values[point] == pytest.approx(0, abs=1e-3)


def test_distances_and_shares_are_of_single_pixels(scenes):
    """Every other row is right, the others are off, beyond a limit of 10 units."""
    rows = torch.arange(64) % 2 == 0
    ab = painted(scenes, {"car": (52, 34)})
    ab[:, 1, ~rows] += 10.1 / AB_SCALE
    cars = scenes.mask("car")
    right = (cars[:, rows].sum() / cars.sum()).item()
    found = distances(ab, scenes)["car"]
    assert found["mode"] == pytest.approx(10.1 * (1 - right), abs=1e-3)
    assert found["committed"] == pytest.approx(right)


def test_the_commonest_color_is_counted_where_it_is_nearest(scenes):
    """Teal above, violet below, both far off; which is more, the scenes decide."""
    ab = painted(scenes, {"balloon": (-30, -20)})
    ab[:, :, 12:] = torch.tensor([22.0, -60.0]).view(2, 1, 1) / AB_SCALE
    mask = scenes.mask("balloon")
    above = (mask[:, :12].sum() / mask.sum()).item()
    found = distances(ab, scenes)["balloon"]
    assert found["commonest"] == pytest.approx(max(above, 1 - above))


def test_mixed_pixels_and_other_kinds_do_not_count(scenes):
    clean, garish = (distances(painted(scenes, MEANS, x), scenes) for x in (0, 90))
    assert clean == garish


def test_the_stored_distances_are_of_every_method_with_the_same_seeds():
    seeds = {}
    for run in load_distances():
        seeds.setdefault(run["method"], []).append(run["seed"])
    assert seeds.pop("the true colors") == [0]
    assert {tuple(found) for found in seeds.values()} == {(0, 1, 2)}


def test_a_table_of_distances(scenes):
    run = {"method": "means", "seed": 0, **distances(painted(scenes, MEANS), scenes)}
    head, _, row = distances_table([run]).splitlines()
    assert head.startswith("| | balloon: to mean | balloon: to median |")
    assert row.startswith("| means | 0.0 | ")
    assert "0.0 (0.0 to 0.0)" in distances_table([run, run | {"seed": 1}])


# ------------------------------------------------------------ training

CROP = 24  # the least that a PatchGAN takes
ALONE = Stage(CROP, 2, 4, 1e-2)
RIVAL = Pix2PixSettings(norm="none", widths=(4, 8))
METHODS = {
    "l2": (ALONE, "l2"),
    "pix2pix": (Stage(CROP, 2, 4, 1e-2, adversarial=RIVAL), "l1"),
}


@pytest.fixture(scope="module")
def lab():
    return draw_scenes(10, 32, seed=1).lab


def fresh():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 2, 1), nn.Tanh())


@pytest.mark.parametrize("name", METHODS)
def test_the_network_stays_a_copy_has_learned_and_the_seed_decides(lab, name):
    stage, loss = METHODS[name]
    network = fresh().train()
    before, weights = deepcopy(network.state_dict()), []
    for around, seed in ((1, 0), (2, 0), (2, 1)):
        torch.manual_seed(around)
        trained = train_on_scenes(network, stage, lab, loss=loss, seed=seed)
        assert not trained.training
        weights.append(trained.state_dict())
    assert same(network.state_dict(), before)
    assert not same(weights[0], before)
    assert same(weights[0], weights[1])
    assert not same(weights[0], weights[2])


@pytest.mark.parametrize(("loss", "answer"), [("l2", "mean"), ("l1", "median")])
def test_a_loss_ends_where_theory_says(loss, answer):
    """Scenes of one color each: 12 of 20 red, 5 blue, 3 green, all of one lightness."""
    law = Palette(
        ("red", "blue", "green"), ((60, 40), (10, -50), (-50, 45)), (0.6, 0.25, 0.15)
    )
    truths = law.modes.repeat_interleave(torch.tensor([12, 5, 3]), dim=0)
    lab = torch.full((20, 3, 4, 4), 50.0)
    lab[:, 1:] = truths[:, :, None, None]
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Tanh())
    stage = Stage(4, epochs=400, batch_size=20, learning_rate=3e-2)
    trained = train_on_scenes(network, stage, lab, loss=loss)
    learned = AB_SCALE * trained(torch.zeros(1, 1, 1, 1)).detach().flatten()
    torch.testing.assert_close(learned, getattr(law, answer), rtol=0, atol=1.0)


def test_fewer_scenes_than_a_batch_are_refused(lab):
    with pytest.raises(ValueError, match="3 scenes do not fill one batch of 4"):
        train_on_scenes(fresh(), ALONE, lab[:3])


# ------------------------------------------------------------ probabilities

BINS = gamut_bins()


def logits_of(scenes, probabilities_of):
    """Of a network that gives each pixel these probabilities of the law's colors."""
    logits = torch.zeros(len(scenes.lab), len(BINS), *scenes.lab.shape[2:])
    for kind in SEVERAL:
        law, mask = LAWS[kind], scenes.mask(kind)
        nearest, shares = soft_bins(law.modes.T[None, :, None], BINS)
        of_each = torch.zeros(len(law.names), len(BINS))
        of_each.scatter_(1, nearest[0, :, 0].T, shares[0, :, 0].T)
        given = probabilities_of(law, int(mask.sum()))  # (pixels, colors)
        logits.permute(0, 2, 3, 1)[mask] = (given @ of_each + 1e-12).log()
    return logits


def law_itself(law, n):
    return torch.tensor([law.probabilities]).repeat(n, 1)


def sure(law, n):
    """Every pixel is sure of one color, each color as often as the law says."""
    ends = torch.tensor(law.probabilities).cumsum(0)[:-1]
    which = torch.bucketize(torch.linspace(0, 0.9999, n), ends, right=True)
    return F.one_hot(which, len(law.names)).float()


def test_a_perfect_network_has_the_probabilities_of_the_laws(scenes):
    found = color_probabilities(logits_of(scenes, law_itself), scenes, BINS)
    for kind, x in found.items():
        assert x["probabilities"] == pytest.approx(LAWS[kind].probabilities, abs=1e-4)
        assert x["off"] == pytest.approx(0, abs=1e-4)


def test_right_on_average_is_not_right_in_any_pixel(scenes):
    found = color_probabilities(logits_of(scenes, sure), scenes, BINS)
    for kind, x in found.items():
        p = torch.tensor(LAWS[kind].probabilities)
        assert x["probabilities"] == pytest.approx(p.tolist(), abs=0.02)
        # A pixel that is sure of a color of probability p has moved 1 - p to it.
        assert x["off"] == pytest.approx((p * (1 - p)).sum().item(), abs=0.02)


def test_what_is_elsewhere_counts_as_off(scenes):
    logits = torch.full((len(scenes.lab), len(BINS), 64, 48), -30.0)
    modes = torch.cat([LAWS[kind].modes for kind in SEVERAL])
    logits[:, torch.cdist(BINS, modes).amin(dim=1).argmax()] = 30  # far from all things
    for found in color_probabilities(logits, scenes, BINS).values():
        assert found["off"] == pytest.approx(1, abs=1e-4)


def test_expected_probabilities_are_the_laws_times_the_weights():
    """Weights that are the same around each color: then they divide out exactly."""
    weights = torch.ones(261)
    near = torch.cdist(BINS, LAWS["roof"].modes) < 25
    weights[near[:, 0]], weights[near[:, 1]] = 3.0, 0.5
    found = expected_probabilities(BINS, weights)["roof"]["probabilities"]
    assert found == pytest.approx([1.8 / 2.0, 0.2 / 2.0], abs=1e-4)
    found = expected_probabilities(BINS, weights, divided=True)["roof"]
    assert found["probabilities"] == pytest.approx([0.6, 0.4], abs=1e-4)


def test_the_least_loss_is_where_expected_probabilities_say():
    """By gradient descent on the loss itself, for one gray balloon."""
    weights = torch.linspace(0.2, 4, 261)
    ab = LAWS["balloon"].modes[..., None, None] / AB_SCALE  # a picture a color
    logits = torch.zeros(1, 261, 1, 1, requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], max_iter=500, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = color_cross_entropy(logits.expand(3, -1, -1, -1), ab, BINS, weights)
        loss.backward()
        return loss

    optimizer.step(closure)
    expected = expected_probabilities(BINS, weights)["balloon"]["probabilities"]
    near = torch.cdist(BINS, LAWS["balloon"].modes)
    belongs = F.one_hot(near.argmin(1), 3) * (near <= 15)
    found = logits.softmax(1)[0, :, 0, 0].detach() @ belongs.float()
    assert found.tolist() == pytest.approx(expected, abs=0.01)


def test_the_stored_probabilities_are_what_the_chapter_says_of_them():
    """Unweighted they are right; weights make the rarer roof rarer still."""
    seeds = {}
    for run in load_probabilities():
        seeds.setdefault(run["method"], []).append(run["seed"])
        off = max(run[kind]["off"] for kind in SEVERAL)
        if run["method"] == "rebalanced classes":
            assert run["roof"]["probabilities"][1] < 0.1
            assert run["roof"]["off"] > 0.3
        else:
            assert off < 0.2
    assert {tuple(found) for found in seeds.values()} == {(0, 1, 2)}
    assert len(seeds) == 3


def test_tables_of_single_runs_and_of_several():
    one = {"method": "a", "seed": 0, **expected_probabilities(BINS, torch.ones(261))}
    *_, truth, row = probabilities_table([one]).splitlines()
    assert truth == "| the truth | 50% | 50% | 60% | 40% | 33% | 33% | 33% |"
    assert row == "| a | 50% | 50% | 60% | 40% | 33% | 33% | 33% |"
    other = one | {"car": {"probabilities": [1, 0], "off": 0.5}, "seed": 1}
    assert "| a | 25% (0% to 50%) |" in misplaced_table([one, other])


def test_the_stored_counts_are_of_every_pixel():
    counted = load_color_counts()
    assert len(counted["counts"]) == len(BINS)
    assert sum(counted["counts"]) == counted["pictures"] * counted["size"] ** 2
