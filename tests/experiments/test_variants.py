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
    HalfGrayPictures,
    fusion_variants,
    game_variants,
    idea_variants,
    loss_variants,
    scene_stages,
    unet_variants,
)
from colorize_lib.models import COLORIZERS, UNet
from colorize_lib.photos import from_path
from colorize_lib.training.pix2pix import Pix2PixSettings
from colorize_lib.training.recipes import RECIPES
from colorize_lib.training.wgan_gp import WGANGPSettings
from colorize_lib.weights import stored_weights

FRESH = ("fresh: L1, then pix2pix", "fresh: pix2pix alone")


def seeded(make):
    torch.manual_seed(0)
    return make()


# ------------------------------------------------------------ networks


def test_a_classifiers_logits_are_random_or_none_and_all_else_is_the_same():
    variants = fusion_variants(pretrained=False)
    assert list(variants) == ["random classifier's logits", "no logits"]
    assert list(fusion_variants()) == ["SqueezeNet's logits", *variants]
    random, silenced = map(seeded, variants.values())
    assert same(random.state_dict(), silenced.state_dict())
    l = torch.rand(2, 1, 32, 32)
    assert random.classifier(l).any()
    assert not silenced.classifier(l).any()


def test_skips_are_silenced_and_all_else_is_the_same():
    variants = unet_variants(pretrained=False)
    net, silenced = (seeded(variants[x]) for x in ("U-Net", "U-Net, skips silenced"))
    assert same(net.state_dict(), silenced.state_dict())
    x = torch.ones(1, 4, 2, 2)
    assert torch.equal(net.carry(x), x)
    assert not silenced.carry(x).any()


def test_only_the_variant_that_says_so_is_pretrained_and_frozen(monkeypatch):
    asked = []

    def squeezenet_unet(*, pretrained=False):
        asked.append(pretrained)
        return COLORIZERS["unet_squeezenet"]()

    name = "colorize_lib.experiments.variants.squeezenet_unet"
    monkeypatch.setattr(name, squeezenet_unet)
    random, frozen = (
        seeded(make) for name, make in unet_variants().items() if "encoder" in name
    )
    assert asked == [False, True]
    assert same(random.state_dict(), frozen.state_dict())
    assert all(p.requires_grad for p in random.parameters())
    for name, p in frozen.named_parameters():
        assert p.requires_grad != name.startswith("encoder.")
    names = list(unet_variants())
    assert list(unet_variants(pretrained=False)) == names[:-1]


def test_networks_are_seen_as_they_were_trained():
    assert {stage.size for stage in BRIEFLY.stages} == {SHORT_GAME.size} == {SEEN_AT}
    assert {stage.size for stage, _ in scene_stages().values()} == {32}
    network = UNet(SCENE_WIDTHS).eval()
    assert network(torch.zeros(1, 1, 32, 32)).shape == (1, 2, 32, 32)


# ------------------------------------------------------------ adversarial ones


def settings_said_by(name, settings):
    """What differs from others by no more than its name says."""
    if found := re.fullmatch(r"pix2pix, L1 weight (\d+)", name):
        return replace(settings["pix2pix, L1 weight 100"], l1_weight=int(found[1]))
    found = re.fullmatch(r"WGAN-GP (\d) : (\d)(?:, L1 weight (\d+))?", name)
    return replace(
        settings["WGAN-GP 1 : 1"],
        critic_steps=int(found[1]),
        generator_steps=int(found[2]),
        l1_weight=int(found[3] or 50) * SHORT_GAME.size / 32,
    )


def test_the_stored_network_is_fine_tuned_alone_or_adversarially():
    recipes = game_variants()
    alone = recipes.pop("L1 alone")
    assert (alone.stages, alone.loss) == ((SHORT_GAME,), "l1")
    of = {name: x.stages[0].adversarial for name, x in recipes.items()}
    assert len(of) > 8
    for name in recipes.keys() - {*FRESH}:
        stage = replace(SHORT_GAME, adversarial=settings_said_by(name, of))
        assert recipes[name] == replace(alone, stages=(stage,))
        kind = Pix2PixSettings if name.startswith("pix2pix") else WGANGPSettings
        assert type(of[name]) is kind
        assert stored_weights(recipes[name].start_from).is_file()
        assert RECIPES[recipes[name].start_from].network == recipes[name].network


def test_the_fresh_ones_see_the_same_pictures_twice():
    recipes = game_variants()
    first, second = (recipes[name] for name in FRESH)
    assert (first.start_from, second.start_from) == (None, None)
    warm_up, adversarial = first.stages
    assert replace(warm_up, learning_rate=SHORT_GAME.learning_rate) == SHORT_GAME
    assert (adversarial,) == recipes["pix2pix, L1 weight 100"].stages
    assert second.stages == (replace(adversarial, epochs=2 * SHORT_GAME.epochs),)
    assert not {*FRESH} & game_variants(pretrained=False).keys()


def test_scene_stages_differ_in_what_their_names_say():
    stages = scene_stages()
    (alone, l2), (same_stage, l1) = stages.pop("L2"), stages.pop("L1")
    assert (alone, l2, l1) == (same_stage, "l2", "l1")
    assert alone.adversarial is None
    assert len(stages) == 6
    for name, (stage, _) in stages.items():
        kind, weight = name.split(", L1 weight ")
        base, _ = stages[f"{kind}, L1 weight 100"]
        adversarial = replace(base.adversarial, l1_weight=int(weight))
        assert stage == replace(base, adversarial=adversarial)


STAGES = [x for recipe in game_variants().values() for x in recipe.stages]
STAGES += [stage for stage, _ in scene_stages().values()]


# A dictionary, not a set: two workers must collect the tests in one order.
@pytest.mark.parametrize(
    "stage", dict.fromkeys(x.adversarial for x in STAGES if x.adversarial), ids=repr
)
def test_a_rival_sees_patches_of_34_pixels_and_a_critic_no_batch(stage):
    rival = stage.adversary().eval()
    assert receptive_field(rival, 1, 2, size=64) == 34
    normed = any(isinstance(layer, _BatchNorm) for layer in rival.modules())
    assert not (normed and isinstance(stage, WGANGPSettings))


def steepness(weight, size):
    """Of the gradient of a mean L1 over two channels, far from its kink."""
    ab = torch.full((1, 2, size, size), 0.5, requires_grad=True)
    (gradient,) = torch.autograd.grad(weight * F.l1_loss(ab, -ab.detach()), ab)
    return gradient.norm().item()


def test_what_is_said_of_l1_against_a_slope_of_1():
    stages = {name: recipe.stages[-1] for name, recipe in game_variants().items()}
    even, steep = (stages[f"WGAN-GP 1 : 1{x}"] for x in ("", ", L1 weight 200"))
    expected = steepness(100, 64)
    assert steepness(even.adversarial.l1_weight, 32) == pytest.approx(expected)
    assert steepness(steep.adversarial.l1_weight, 32) == pytest.approx(4 * expected)
    assert steepness(45, 32) == pytest.approx(1, abs=0.01)


# ------------------------------------------------------------ losses, ideas, gray


def test_a_loss_changes_what_its_name_says():
    recipes = loss_variants()
    l1 = recipes["L1"]
    assert recipes["L2"] == replace(l1, loss="l2")
    classes = replace(l1, network="unet_squeezenet_classes", loss="classes")
    assert recipes["classes"] == classes
    assert recipes["classes, rebalanced"].loss == "rebalanced_classes"


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


def test_every_second_picture_is_gray_and_none_that_is_held_out(tmp_path, write_photos):
    sources = [from_path(write_photos(tmp_path / "data", 12))]
    pictures = HalfGrayPictures(sources, folder=tmp_path / "sets", validation=2, test=2)
    learning = torch.from_numpy(pictures.for_training(32)).int()
    colored = (learning - learning.roll(1, dims=1)).abs().amax(dim=(1, 2, 3)) > 3
    assert colored.tolist() == [i % 2 == 1 for i in range(len(learning))]
    held_out = torch.from_numpy(pictures.held_out("test", 32)[:]).int()
    assert (held_out[:, 0] != held_out[:, 2]).any()
