"""Where methods land: by hand on scenes whose laws are known; how they are trained."""

from copy import deepcopy

import pytest
import torch
from torch import nn
from training_helpers import same

from colorize_lib.color import AB_SCALE, normalize_lab
from colorize_lib.experiments import on_scenes as module
from colorize_lib.experiments.on_scenes import (
    COLUMNS,
    SEVERAL,
    landing,
    landing_table,
    load_landings,
    train_on_scenes,
)
from colorize_lib.experiments.variants import scene_stages
from colorize_lib.scenes import LAWS, MIXED, Palette, draw_scenes
from colorize_lib.training.pix2pix import Pix2PixSettings
from colorize_lib.training.recipes import Stage
from colorize_lib.training.regression import Regression
from colorize_lib.training.wgan_gp import WGANGPSettings

# ------------------------------------------------------------ where they land

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
    found = landing(painted(scenes, MEANS), scenes)
    assert list(found) == list(SEVERAL)
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
        assert all(type(value) is float for value in found[kind].values())


@pytest.mark.parametrize("point", ["mean", "median", "geometric_median"])
def test_the_scenes_own_painting_of_a_point_lies_on_it(scenes, point):
    drawn = draw_scenes(24, (64, 48), seed=5, paint=point)
    found = landing(normalize_lab(drawn.lab)[1], scenes)
    for kind, values in found.items():
        assert values[point] == pytest.approx(0, abs=1e-3)
        # Both medians of a roof are its commoner color.
        assert values["committed"] == (kind == "roof" and point != "mean")


def test_the_true_colors_are_committed_and_their_average_is_not_what_counts(scenes):
    found = landing(normalize_lab(scenes.lab)[1], scenes)
    for values in found.values():
        assert values["mode"] == pytest.approx(0, abs=1e-3)
        assert values["committed"] == 1
    # Each red and each blue car lies as far from the purple between them.
    assert found["car"]["mean"] == pytest.approx(apart((27, -6), (52, 34)), abs=1e-3)


def test_distances_and_shares_are_of_single_pixels(scenes):
    """Every other row is right, the others are off, around a limit of 10 units."""
    rows = torch.arange(64) % 2 == 0
    for offset, committed in ((9.9, 1.0), (10.1, None)):
        ab = painted(scenes, {"car": (52, 34)})
        ab[:, 1, ~rows] += offset / AB_SCALE
        cars = scenes.mask("car")
        right = (cars[:, rows].sum() / cars.sum()).item()
        found = landing(ab, scenes)["car"]
        assert found["mode"] == pytest.approx(offset * (1 - right), abs=1e-3)
        assert found["committed"] == pytest.approx(committed or right)


def test_the_commonest_color_is_counted_where_it_is_nearest(scenes):
    """Teal above, violet below, both far off; which is more, the scenes decide."""
    ab = painted(scenes, {"balloon": (-30, -20)})
    ab[:, :, 12:] = torch.tensor([22.0, -60.0]).view(2, 1, 1) / AB_SCALE
    mask = scenes.mask("balloon")
    above = (mask[:, :12].sum() / mask.sum()).item()
    assert 0.1 < above < 0.9
    found = landing(ab, scenes)["balloon"]
    assert found["commonest"] == pytest.approx(max(above, 1 - above))
    assert found["committed"] == 0


@pytest.mark.parametrize("point", [MEANS, NEAREST], ids=["means", "colors"])
def test_mixed_pixels_and_other_kinds_do_not_count(scenes, point):
    assert (scenes.kind == MIXED).any()
    clean, garish = (landing(painted(scenes, point, x), scenes) for x in (0, 90))
    assert clean == garish


def test_each_kind_is_held_against_its_own_law(scenes):
    colors = {"car": MEANS["car"], "roof": NEAREST["roof"], "balloon": (3.5, -17.2)}
    found = landing(painted(scenes, colors), scenes)
    assert found["car"]["mean"] == pytest.approx(0, abs=1e-3)
    assert found["roof"]["committed"] == 1
    assert found["balloon"]["geometric_median"] < 0.1 < found["balloon"]["mode"]
    assert found["balloon"]["committed"] == found["car"]["committed"] == 0


# ------------------------------------------------------------ the table


def landed(method, seed, **off):
    """A run whose distances and shares are 0 where none is given."""
    kinds = {kind: dict.fromkeys([*COLUMNS, "committed"], 0.0) for kind in SEVERAL}
    for cell, value in off.items():
        kind, column = cell.split("_", 1)
        kinds[kind][column] = value
    return {"method": method, "seed": seed} | kinds


def test_a_table_of_means_over_seeds_with_the_lowest_and_the_highest():
    runs = [
        landed("b", 0, balloon_mean=1.0, car_mode=2.04, car_commonest=0.5),
        landed("a", 0, balloon_geometric_median=7.0, balloon_commonest=0.25),
        landed("b", 1, balloon_mean=4.0, roof_mode=3.0, car_commonest=1.0),
    ]
    header, line, *rows = landing_table(runs).splitlines()
    heads = [head.strip() for head in header.split("|")[2:-1]]
    assert len(set(heads)) == len(heads) == line.count("|") - 2
    cells = {
        name.strip(): dict(zip(heads, map(str.strip, texts), strict=True))
        for name, *texts in (row.split("|")[1:-1] for row in rows)
    }
    assert list(cells) == ["b", "a"]
    expected = {
        "balloon: to mean": "2.5 (1.0 to 4.0)",
        "car: to nearest true color": "1.0 (0.0 to 2.0)",
        "car: near the commonest": "75% (50% to 100%)",
        "roof: to nearest true color": "1.5 (0.0 to 3.0)",
    }
    assert expected.items() <= cells["b"].items()
    assert set(cells["b"].values()) - set(expected.values()) == {
        "0.0 (0.0 to 0.0)", "0% (0% to 0%)",
    }  # fmt: skip
    expected = {
        "balloon: to geometric median": "7.0",
        "balloon: near the commonest": "25%",
    }
    assert expected.items() <= cells["a"].items()
    assert set(cells["a"].values()) - set(expected.values()) == {"0.0", "0%"}


def test_the_stored_landings_are_of_every_method_with_the_same_seeds():
    seeds = {}
    for run in load_landings():
        seeds.setdefault(run["method"], []).append(run["seed"])
        for kind in SEVERAL:
            assert run[kind].keys() == {*COLUMNS, "committed"}
    assert set(scene_stages()) <= set(seeds)
    assert len({tuple(seeds[method]) for method in scene_stages()}) == 1
    assert len(landing_table(load_landings()).splitlines()) == 2 + len(seeds)


# ------------------------------------------------------------ how they are trained

CROP = 24
ALONE = Stage(CROP, epochs=2, batch_size=4, learning_rate=1e-2)
JUDGE = {"widths": (4, 8, 8), "norm": "none"}
METHODS = {
    "L1": (ALONE, "l1"),
    "L2": (ALONE, "l2"),
    "pix2pix": (Stage(CROP, 2, 4, 1e-2, adversarial=Pix2PixSettings(**JUDGE)), "l1"),
    "WGAN-GP": (
        Stage(CROP, 2, 4, 1e-2, adversarial=WGANGPSettings(critic_steps=2, **JUDGE)),
        "l1",
    ),
}
each_method = pytest.mark.parametrize(
    ("stage", "loss"), METHODS.values(), ids=METHODS.keys()
)


@pytest.fixture(scope="module")
def lab():
    return draw_scenes(10, 32, seed=1).lab


def fresh(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 2, 3, padding=1), nn.Tanh(),
    )  # fmt: skip


@each_method
def test_the_network_stays_and_a_copy_has_learned(lab, stage, loss):
    network = fresh().train()
    before = deepcopy(network.state_dict())
    trained = train_on_scenes(network, stage, lab, loss=loss)
    assert same(network.state_dict(), before)
    assert network.training
    assert all(p.grad is None for p in network.parameters())
    assert not trained.training
    moved = zip(trained.parameters(), network.parameters(), strict=True)
    assert not any(torch.equal(*pair) for pair in moved)
    again = train_on_scenes(trained, stage, lab, loss=loss)
    assert not same(again.state_dict(), trained.state_dict()), "it can be trained on"


@each_method
def test_the_seed_decides_and_nothing_else_does(lab, stage, loss):
    network, weights = fresh(), []
    for around, seed in ((1, 0), (2, 0), (2, 1)):
        torch.manual_seed(around)
        trained = train_on_scenes(network, stage, lab, loss=loss, seed=seed)
        weights.append(trained.state_dict())
    assert same(weights[0], weights[1])
    assert not same(weights[0], weights[2])


def test_the_seed_decides_the_rivals_first_weights(lab, monkeypatch):
    rivals, method_of = [], module.method_of

    def spy(stage, network, rival, steps, **more):
        rivals.append(deepcopy(rival.state_dict()))
        return method_of(stage, network, rival, steps, **more)

    monkeypatch.setattr(module, "method_of", spy)
    for seed in (0, 0, 1):
        train_on_scenes(fresh(), METHODS["pix2pix"][0], lab, seed=seed)
    assert same(rivals[0], rivals[1])
    assert not same(rivals[0], rivals[2])


def test_a_method_is_that_of_its_stage_over_all_batches(lab, monkeypatch):
    """What does not fill a batch waits, so the steps are 2 epochs of 10 // 4."""
    made, method_of = [], module.method_of

    def spy(stage, network, rival, steps, **more):
        made.append((stage, rival is not None, steps, more["loss"]))
        return method_of(stage, network, rival, steps, **more)

    monkeypatch.setattr(module, "method_of", spy)
    for stage, loss in METHODS.values():
        train_on_scenes(fresh(), stage, lab, loss=loss)
    assert made == [
        (stage, stage.adversarial is not None, 2 * (10 // 4), loss)
        for stage, loss in METHODS.values()
    ]
    train_on_scenes(fresh(), ALONE, lab)
    assert made[-1][-1] == "l1"


def shown(lab, seed, monkeypatch):
    """Which scenes, and the left of their crops: batches ``(steps, 4)`` of each."""
    batches = []
    with monkeypatch.context() as patch:
        patch.setattr(Regression, "step", lambda _, *both: batches.append(both))
        train_on_scenes(fresh(), ALONE, lab, seed=seed)
    l, ab = map(torch.stack, zip(*batches, strict=True))
    assert l.shape == (4, 4, 1, CROP, CROP)
    assert torch.equal(ab * AB_SCALE, lab[0, 1:, :CROP, :CROP].expand_as(ab))
    corner = (50 * (l[:, :, 0, 0, 0] + 1)).round().long()
    return corner // 9, corner % 9


def test_every_epoch_has_its_order_and_crops(monkeypatch):
    """L of scene n is 9 n, and from left to right one more a pixel."""
    lab = torch.tensor([0.0, 55.0, -22.0]).view(3, 1, 1).repeat(10, 1, CROP, CROP + 8)
    lab[:, 0] = 9 * torch.arange(10)[:, None, None] + torch.arange(CROP + 8)
    (one, left), (again, _), (other, other_left) = (
        shown(lab, seed, monkeypatch) for seed in (0, 0, 1)
    )
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert not torch.equal(left, other_left)
    for epoch in (one[:2].flatten(), one[2:].flatten()):
        assert len(epoch.unique()) == 8
        assert not torch.equal(epoch, epoch.sort().values)
    assert not torch.equal(one[:2], one[2:])
    assert len(left.unique()) > 3


def test_the_average_of_a_game_is_what_counts(lab):
    stage = Stage(CROP, 2, 4, 1e-2, adversarial=Pix2PixSettings(**JUDGE))
    averaged = Stage(
        CROP, 2, 4, 1e-2, adversarial=Pix2PixSettings(average=0.9, **JUDGE)
    )
    one, other = (train_on_scenes(fresh(), x, lab) for x in (stage, averaged))
    assert type(other) is nn.Sequential
    assert not other.training
    assert not same(one.state_dict(), other.state_dict())


@pytest.mark.parametrize(("loss", "answer"), [("l2", "mean"), ("l1", "median")])
def test_a_loss_lands_where_theory_says(loss, answer):
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


def test_fewer_scenes_than_a_batch_are_refused():
    lab = draw_scenes(3, 64, seed=0).lab
    stage = Stage(32, epochs=1, batch_size=4, learning_rate=1e-3)
    with pytest.raises(ValueError, match="3 scenes do not fill one batch of 4"):
        train_on_scenes(nn.Conv2d(1, 2, 1), stage, lab)
