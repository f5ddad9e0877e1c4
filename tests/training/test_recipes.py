"""The book's recipes name what there is, and can be followed."""

import inspect
from dataclasses import replace

import pytest
import torch

from colorize_lib.models import COLORIZERS, boost_chroma
from colorize_lib.photos import datasets
from colorize_lib.training.recipes import RECIPES, reduced
from colorize_lib.training.train import CLASSES, LOSSES, MADE_OF, REBALANCED
from colorize_lib.weights import load_weights, stored_weights


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_names_what_there_is(name):
    recipe = RECIPES[name]
    assert recipe.name == name
    assert recipe.about.endswith((".", "browner than L1."))
    assert recipe.network in COLORIZERS
    assert recipe.loss in (*LOSSES, CLASSES, REBALANCED)
    assert (recipe.loss in LOSSES) != recipe.network.endswith("_classes")
    assert callable(getattr(datasets, recipe.collection))
    assert recipe.stages[-1].size % 32 == 0, "or its weights could not be stored"
    for stage in recipe.stages:
        assert min(stage.epochs, stage.batch_size, stage.learning_rate) > 0
    if recipe.start_from is not None:
        assert stored_weights(recipe.start_from).is_file()
        fitting = (recipe.network, MADE_OF.get(recipe.network))
        assert RECIPES[recipe.start_from].network in fitting


@pytest.mark.parametrize("name", sorted({x.network for x in RECIPES.values()}))
def test_its_network_takes_the_pictures_of_every_stage(name):
    if name == "fusion":
        pytest.importorskip("timm", reason="an extra: InceptionResNetV2 is from timm")
    network = undo_rebalancing(name).eval()
    recipes = [recipe for recipe in RECIPES.values() if recipe.network == name]
    for size in {stage.size for recipe in recipes for stage in recipe.stages}:
        with torch.inference_mode():
            ab = network(torch.zeros(1, 1, size, size))
        assert ab.shape == (1, 2, size, size)


def undo_rebalancing(name):
    """A network as if its pretrained part were there, which tests cannot count on."""
    make = COLORIZERS[name]
    known = "pretrained" in inspect.signature(make).parameters
    return make(pretrained=False) if known else make()


GAMES = [
    pytest.param(stage, id=f"{recipe.name}-{stage.size}px")
    for recipe in RECIPES.values()
    for stage in recipe.stages
    if stage.game
]


@pytest.mark.parametrize("stage", GAMES)
def test_the_rival_of_a_game_scores_its_pictures(stage):
    size = stage.size
    with torch.inference_mode():
        scores = stage.game.rival()(
            torch.zeros(1, 1, size, size), torch.zeros(1, 2, size, size)
        )
    assert scores.isfinite().all()
    # An L1 weight belongs to a size where the slope is that of the whole picture.
    assert getattr(stage.game, "l1_weight_for", size) == size


def test_stages_grow_and_begin_with_small_pictures():
    for recipe in RECIPES.values():
        sizes = [stage.size for stage in recipe.stages]
        assert sizes == sorted(sizes)
        assert not any(stage.small_pictures for stage in recipe.stages[1:])


def test_small_pictures_are_enlarged_only_for_an_encoder_that_does_not_do_so_itself():
    for recipe in RECIPES.values():
        most = 112 if recipe.network == "unet_efficientnet_lite" else 48
        assert all(x.size <= most for x in recipe.stages if x.small_pictures)


def test_reduced_shortens_and_shrinks_and_changes_nothing_else():
    recipe = RECIPES["unet-squeezenet"]
    assert reduced(recipe) == recipe
    small = reduced(recipe, size=96, epochs=2)
    assert [stage.size for stage in small.stages] == [48, 96, 96]
    assert [stage.epochs for stage in small.stages] == [2, 2, 1]
    assert replace(small, stages=recipe.stages) == recipe
    batches = reduced(recipe, batch_size=5)
    assert [stage.batch_size for stage in batches.stages] == [5, 5, 5]
    stages = [replace(stage, batch_size=5) for stage in recipe.stages]
    assert batches == replace(recipe, stages=tuple(stages))


def test_only_what_was_frozen_is_unfrozen():
    for recipe in RECIPES.values():
        if any(stage.unfreezes for stage in recipe.stages):
            assert recipe.pretrained
            assert recipe.frozen
            assert not recipe.stages[0].unfreezes  # or it need not be frozen


def test_what_is_done_after_training_can_be_done():
    for recipe in RECIPES.values():
        if recipe.kept:
            assert 0 < recipe.kept < 1
            _, start = load_weights(stored_weights(recipe.start_from))
            assert start["architecture"] == recipe.network  # or they cannot be blended
        if recipe.colorfulness is not None:
            assert 0 < recipe.colorfulness < 1
            network = COLORIZERS[recipe.network]()
            assert boost_chroma(network, 1.5) is network  # it ends in a tanh
