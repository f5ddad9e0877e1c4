"""Variants differ in what their names say, and in nothing else."""

import re
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm
from training_helpers import same

from colorize_lib.experiments.receptive_field import receptive_field
from colorize_lib.experiments.variants import (
    BRIEFLY,
    SCENE_WIDTHS,
    SEEN_AT,
    SHORT_GAME,
    fusion_variants,
    game_variants,
    idea_variants,
    scene_stages,
    unet_variants,
)
from colorize_lib.models import COLORIZERS, UNet
from colorize_lib.training.pix2pix import Pix2PixSettings
from colorize_lib.training.recipes import RECIPES, Stage
from colorize_lib.training.regression import LOSSES
from colorize_lib.training.wgan_gp import WGANGPSettings
from colorize_lib.weights import stored_weights

FRESH = ("fresh: L1, then pix2pix", "fresh: pix2pix alone")


def colored(network, size=SEEN_AT):
    with torch.inference_mode():
        return network.eval()(torch.zeros(2, 1, size, size)).shape


# ------------------------------------------------------------ networks


def seeded(make):
    torch.manual_seed(0)
    return make()


def test_a_classifiers_opinion_is_random_or_none_and_all_else_is_the_same():
    variants = fusion_variants(pretrained=False)
    assert list(variants) == ["random classifier's opinion", "no opinion"]
    assert list(fusion_variants()) == ["SqueezeNet's opinion", *variants]
    random, silenced = map(seeded, variants.values())
    assert same(random.state_dict(), silenced.state_dict())
    l = torch.rand(2, 1, 32, 32)
    assert random.classifier(l).any()
    assert not silenced.classifier(l).any()
    assert colored(random) == colored(silenced) == (2, 2, 32, 32)


def test_skips_are_silenced_and_all_else_is_the_same():
    variants = unet_variants(pretrained=False)
    net, silenced = (seeded(variants[x]) for x in ("U-Net", "U-Net, skips silenced"))
    assert type(net) is type(silenced) is UNet
    assert same(net.state_dict(), silenced.state_dict())
    x = torch.ones(1, 4, 2, 2)
    assert torch.equal(net.carry(x), x)
    assert not silenced.carry(x).any()
    assert colored(net) == colored(silenced) == (2, 2, 32, 32)


@pytest.fixture
def asked(monkeypatch):
    """Whether each SqueezeNet U-Net was asked for pretrained; none is fetched."""
    asked = []

    def squeezenet_unet(*, pretrained=False):
        asked.append(pretrained)
        return COLORIZERS["unet_squeezenet"]()

    monkeypatch.setattr(
        "colorize_lib.experiments.variants.squeezenet_unet", squeezenet_unet
    )
    return asked


def test_an_encoder_learns_from_random_weights_or_is_left_as_it_is(asked):
    random, frozen = (
        seeded(make) for name, make in unet_variants().items() if "encoder" in name
    )
    assert all(p.requires_grad for p in random.parameters())
    trained = {name for name, p in frozen.named_parameters() if p.requires_grad}
    names = {name for name, _ in frozen.named_parameters()}
    assert trained == {name for name in names if not name.startswith("encoder.")}
    assert same(random.state_dict(), frozen.state_dict())
    assert colored(random) == colored(frozen) == (2, 2, 32, 32)


def test_only_the_variant_that_says_so_is_pretrained(asked):
    said = []
    for name, make in unet_variants().items():
        before = len(asked)
        make()
        said += ["pretrained" in name] * (len(asked) - before)
    assert asked == said == [False, True]


def test_without_pretrained_weights_no_variant_says_that_it_has_them(asked):
    names = list(unet_variants())
    assert list(unet_variants(pretrained=False)) == names[:-1]
    assert [name for name in names if "pretrained" in name] == names[-1:]
    for make in unet_variants(pretrained=False).values():
        make()
    assert asked == [False]
    assert list(game_variants(pretrained=False)) == [
        name for name in game_variants() if name not in FRESH
    ]
    for name, recipe in game_variants(pretrained=False).items():
        assert recipe == game_variants()[name]


def test_networks_are_seen_as_they_were_trained():
    assert {stage.size for stage in BRIEFLY.stages} == {SHORT_GAME.size} == {SEEN_AT}
    assert {stage.size for stage, _ in scene_stages().values()} == {32}


# ------------------------------------------------------------ games

OTHER = Stage(64, epochs=1, batch_size=4, learning_rate=5e-5, small_pictures=True)
each_stage = pytest.mark.parametrize("stage", [SHORT_GAME, OTHER], ids=["own", "other"])


def game_said_by(name, games):
    """The game of ``games`` from which one differs by no more than its name says."""
    if found := re.fullmatch(r"pix2pix, L1 weight (\d+)", name):
        return replace(games["pix2pix, L1 weight 100"], l1_weight=int(found[1]))
    found = re.fullmatch(r"WGAN-GP (\d) : (\d)(?:, L1 weight (\d+))?", name)
    return replace(
        games["WGAN-GP 1 : 1"],
        critic_steps=int(found[1]),
        generator_steps=int(found[2]),
        l1_weight=int(found[3] or 50) * games["WGAN-GP 1 : 1"].l1_weight_for / 32,
    )


@each_stage
def test_the_stored_network_goes_on_alone_or_in_a_game(stage):
    recipes = game_variants(stage)
    alone = recipes.pop("L1 alone")
    assert alone.stages == (stage,)
    assert alone.loss == "l1"
    games = {
        name: recipe.stages[0].adversarial
        for name, recipe in recipes.items()
        if name not in FRESH
    }
    assert len(games) > 6
    for name, game in games.items():
        assert recipes[name] == replace(
            alone, stages=(replace(stage, adversarial=game),)
        )
        assert game == game_said_by(name, games)
        kind = Pix2PixSettings if name.startswith("pix2pix") else WGANGPSettings
        assert type(game) is kind
        assert getattr(game, "l1_weight_for", stage.size) == stage.size


@each_stage
def test_the_fresh_ones_see_the_same_pictures_twice(stage):
    recipes = game_variants(stage)
    first, second = (recipes[name] for name in FRESH)
    for recipe in (first, second):
        assert recipe == replace(
            recipes["L1 alone"], stages=recipe.stages, start_from=None
        )
        assert sum(x.epochs for x in recipe.stages) == 2 * stage.epochs
    warm_up, game = first.stages
    assert replace(warm_up, learning_rate=stage.learning_rate) == stage
    assert warm_up.learning_rate > stage.learning_rate, "the weights are fresh"
    assert (game,) == recipes["pix2pix, L1 weight 100"].stages
    assert second.stages == (replace(game, epochs=2 * stage.epochs),)


def test_they_start_from_stored_weights_of_their_own_network():
    recipes = game_variants()
    started = {name: recipe.start_from for name, recipe in recipes.items()}
    assert {x for x, start in started.items() if start is None} == set(FRESH)
    for name, recipe in recipes.items():
        assert recipe.pretrained
        assert recipe.frozen
        if name not in FRESH:
            assert stored_weights(recipe.start_from).is_file()
            assert RECIPES[recipe.start_from].network == recipe.network
    network = COLORIZERS[recipes["L1 alone"].network]()
    assert colored(network) == (2, 2, SEEN_AT, SEEN_AT)


# ------------------------------------------------------------ scenes


def test_scene_stages_differ_in_what_their_names_say():
    stages = scene_stages()
    (alone, l2), (same_stage, l1) = stages.pop("L2"), stages.pop("L1")
    assert (alone, l2, l1) == (same_stage, "l2", "l1")
    assert {l1, l2} <= set(LOSSES)
    assert alone.adversarial is None
    assert len(stages) == 6
    for kind, game_type, weights in (
        ("pix2pix", Pix2PixSettings, (1, 10, 100)),
        ("WGAN-GP", WGANGPSettings, (0, 10, 100)),
    ):
        base, _ = stages[f"{kind}, L1 weight 100"]
        for weight in weights:
            stage, loss = stages[f"{kind}, L1 weight {weight}"]
            assert type(stage.adversarial) is game_type
            game = replace(base.adversarial, l1_weight=weight)
            assert stage == replace(base, adversarial=game)
            assert loss == "l1"
            assert (stage.size, stage.batch_size) == (alone.size, alone.batch_size)


def test_the_small_network_takes_their_crops():
    assert colored(UNet(SCENE_WIDTHS)) == (2, 2, 32, 32)


# ------------------------------------------------------------ rivals

STAGES = {
    **{
        f"photographs, {name}": stage
        for name, recipe in game_variants().items()
        for stage in recipe.stages
        if stage.adversarial
    },
    **{
        f"scenes, {x}": stage
        for x, (stage, _) in scene_stages().items()
        if stage.adversarial
    },
}
each_game = pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES.keys())
each_critic = pytest.mark.parametrize(
    "stage",
    [pytest.param(y, id=x) for x, y in STAGES.items() if "WGAN" in x],
)


@each_game
def test_a_rival_sees_patches_of_34_pixels_and_a_critic_no_batch(stage):
    rival, size = stage.adversarial.adversary().eval(), stage.size
    scores = rival(torch.zeros(1, 1, size, size), torch.zeros(1, 2, size, size))
    assert scores.shape[2:] == (size // 4 - 2, size // 4 - 2)
    assert receptive_field(rival, 1, 2, size=64) == 34
    normed = any(isinstance(layer, _BatchNorm) for layer in rival.modules())
    assert normed == (stage.adversarial.norm == "batch")
    assert not (normed and isinstance(stage.adversarial, WGANGPSettings))


@each_critic
def test_a_weight_against_a_critic_is_for_the_size_that_is_trained(stage):
    assert stage.adversarial.l1_weight_for == stage.size


def steepness(weight, size):
    """Of the gradient of a mean L1 over two channels, far from its kink."""
    ab = torch.full((1, 2, size, size), 0.5, requires_grad=True)
    (gradient,) = torch.autograd.grad(weight * F.l1_loss(ab, -ab.detach()), ab)
    return gradient.norm().item()


def test_what_is_said_of_l1_against_a_slope_of_1():
    games = {name: recipe.stages[-1] for name, recipe in game_variants().items()}
    even, steep = (games[f"WGAN-GP 1 : 1{x}"] for x in ("", ", L1 weight 200"))
    expected = steepness(100, 64)
    assert steepness(even.adversarial.l1_weight, even.size) == pytest.approx(expected)
    assert steepness(steep.adversarial.l1_weight, steep.size) == pytest.approx(
        4 * expected
    )
    assert steepness(45, scene_stages()["L1"][0].size) == pytest.approx(1, abs=0.01)


@each_game
def test_there_are_turns_for_the_generator(stage):
    """In a thousand pictures, whatever head start the rival has."""
    assert (
        stage.adversarial.generator_updates(stage.epochs * (1000 // stage.batch_size))
        > 0
    )


# ------------------------------------------------------------ ideas


def test_an_idea_changes_what_its_name_says():
    base, *ideas = idea_variants().values()
    [stage] = base.stages
    rate, few = replace(stage, learning_rate=3e-4), replace(stage, small_pictures=False)
    assert ideas == [
        replace(base, frozen=False),
        replace(base, frozen=False, stages=(rate,)),
        replace(base, loss="l2"),
        replace(base, stages=(replace(few, epochs=9),)),
    ]
    assert base.pretrained
    assert base.frozen
    assert (base.loss, stage.epochs, stage.small_pictures) == ("l1", 1, True)
