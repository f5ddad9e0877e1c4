"""The book's recipes name what there is, and can be followed."""

import inspect
from dataclasses import asdict, replace

import pytest
import torch

from colorize_lib.models import COLORIZERS
from colorize_lib.photos import datasets
from colorize_lib.training.recipes import RECIPES, Recipe, Stage, differences, reduced
from colorize_lib.training.regression import LOSSES
from colorize_lib.weights import stored_weights


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_names_what_there_is(name):
    recipe = RECIPES[name]
    assert recipe.name == name
    assert recipe.about.endswith((".", "browner than L1."))
    assert recipe.network in COLORIZERS
    assert recipe.loss in (*LOSSES, "classes", "rebalanced_classes")
    assert (recipe.loss in LOSSES) != recipe.network.endswith("_classes")
    assert callable(getattr(datasets, recipe.collection))
    assert recipe.stages[-1].size % 32 == 0, "or its weights could not be stored"
    for stage in recipe.stages:
        assert min(stage.epochs, stage.batch_size, stage.learning_rate) > 0
    if recipe.start_from is not None:
        assert stored_weights(recipe.start_from).is_file()
        start = RECIPES[recipe.start_from].network
        assert recipe.network in (start, f"{start}_classes")


@pytest.mark.parametrize("name", sorted({x.network for x in RECIPES.values()}))
def test_its_network_takes_the_pictures_of_every_stage(name):
    if name == "fusion":
        pytest.importorskip("timm", reason="an extra: InceptionResNetV2 is from timm")
    network = without_weights(name).eval()
    recipes = [recipe for recipe in RECIPES.values() if recipe.network == name]
    for size in {stage.size for recipe in recipes for stage in recipe.stages}:
        with torch.inference_mode():
            ab = network(torch.zeros(1, 1, size, size))
        assert ab.shape == (1, 2, size, size)


def without_weights(name):
    """A network as if its pretrained part were there, which tests cannot count on."""
    make = COLORIZERS[name]
    known = "pretrained" in inspect.signature(make).parameters
    return make(pretrained=False) if known else make()


ADVERSARIAL = [
    pytest.param(stage, id=f"{recipe.name}-{stage.size}px")
    for recipe in RECIPES.values()
    for stage in recipe.stages
    if stage.adversarial
]


@pytest.mark.parametrize("stage", ADVERSARIAL)
def test_the_adversary_scores_the_pictures_of_its_stage(stage):
    size = stage.size
    with torch.inference_mode():
        scores = stage.adversarial.adversary()(
            torch.zeros(1, 1, size, size), torch.zeros(1, 2, size, size)
        )
    assert scores.isfinite().all()
    # An L1 weight belongs to a size where the slope is that of the whole picture.
    assert getattr(stage.adversarial, "l1_weight_for", size) == size


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


def test_a_stored_recipe_is_compared_in_what_both_have():
    recipe = RECIPES["pix2pix"]
    stored = asdict(recipe)
    assert differences(stored, recipe) == []
    assert differences(stored, replace(recipe, seed=1, loss="l2")) == ["loss", "seed"]
    older = {k: v for k, v in stored.items() if k != "colorfulness"} | {"kept": 0.0}
    for stage in older["stages"]:
        stage["game"] = stage.pop("adversarial") | {"rival_learning_rate": None}
    assert differences(older, recipe) == []
    older["stages"][0]["game"]["l1_weight"] = 7
    assert differences(older, recipe) == ["stages"]
    alone = Recipe("pix2pix", "unet_squeezenet", (Stage(48, 3, 16, 2e-4),))
    assert "stages" in differences(stored, alone)
