"""What the book compares: variants that differ in one thing at a time."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import nn

from colorize_lib.color import normalize_lab, rgb_to_lab
from colorize_lib.inference import join
from colorize_lib.models import (
    BackboneUNet,
    FusionAutoencoder,
    UNet,
    squeezenet_fusion,
    squeezenet_unet,
)
from colorize_lib.models.fusion import silenced
from colorize_lib.models.parts import Silence
from colorize_lib.photos.collection import Pictures
from colorize_lib.training.pix2pix import Pix2PixSettings
from colorize_lib.training.recipes import Recipe, Stage
from colorize_lib.training.wgan_gp import WGANGPSettings

# A short training, so that several seeds can be afforded: every picture once.
BUDGET = (Stage(32, epochs=1, batch_size=32, learning_rate=1e-3, small_pictures=True),)
BRIEFLY = Recipe("briefly", network="of each variant", stages=BUDGET, loss="l1")
PATCHES_OF_34 = (64, 128, 256)  # widths of a judge for such small pictures
SEEN_AT = 32  # pixels at which such networks see test photographs: as in training


def fusion_variants(*, pretrained: bool = True) -> dict[str, Callable[[], nn.Module]]:
    """The classifier's logits, that of a random classifier, and none.

    Args:
        pretrained: False leaves the first of them out: nothing needs to be fetched.
    """
    random = partial(squeezenet_fusion, pretrained=False)
    variants = {"random classifier's logits": random, "no logits": _silenced_fusion}
    return (
        {"SqueezeNet's logits": squeezenet_fusion} | variants
        if pretrained
        else variants
    )


def unet_variants(*, pretrained: bool = True) -> dict[str, Callable[[], nn.Module]]:
    """Skips on and off; then an encoder that starts at random, or pretrained.

    Args:
        pretrained: False leaves the last of them out: nothing needs to be fetched.
    """
    variants = {
        "U-Net": UNet,
        "U-Net, skips silenced": partial(UNet, carry=Silence),
        "SqueezeNet U-Net, random encoder": squeezenet_unet,
    }
    if pretrained:
        variants["SqueezeNet U-Net, pretrained encoder"] = _on_frozen
    return variants


# A game is played for longer, in smaller batches: what counts is its steps.
SHORT_GAME = Stage(32, epochs=3, batch_size=16, learning_rate=2e-4)


def game_variants(
    stage: Stage = SHORT_GAME, *, pretrained: bool = True
) -> dict[str, Recipe]:
    """Where the stored U-Net goes when it is trained on: by L1 alone, or in a game.

    All see the same pictures in the same order. The last two start from fresh weights
    and see them twice: by L1 and then in the game, or in the game both times.

    Args:
        stage: size, epochs, batches and the learning rate in a game.
        pretrained: False leaves the fresh ones out: nothing needs to be fetched.
    """

    def pix2pix(l1_weight):
        return Pix2PixSettings(l1_weight, widths=PATCHES_OF_34)

    def wgan_gp(critic_steps, generator_steps, l1_weight=50):
        return WGANGPSettings(
            l1_weight * stage.size / 32,
            stage.size,
            critic_steps=critic_steps,
            generator_steps=generator_steps,
            widths=PATCHES_OF_34,
            head_start=50,
        )

    games = {
        "pix2pix, L1 weight 1": pix2pix(1),
        "pix2pix, L1 weight 10": pix2pix(10),
        "pix2pix, L1 weight 100": pix2pix(100),
        "pix2pix, L1 weight 1000": pix2pix(1000),
        # Of 32 pixels, and grown with the size: L1 is as steep as the score, or four
        # times as steep.
        "WGAN-GP 5 : 1": wgan_gp(5, 1),
        "WGAN-GP 1 : 1": wgan_gp(1, 1),
        "WGAN-GP 1 : 2": wgan_gp(1, 2),
        "WGAN-GP 1 : 1, L1 weight 200": wgan_gp(1, 1, 200),
    }
    going_on = Recipe(
        "going on",
        "unet_squeezenet",
        (stage,),
        pretrained=True,
        start_from="unet-squeezenet",
    )
    recipes = {"L1 alone": going_on}
    for name, game in games.items():
        recipes[name] = replace(going_on, stages=(replace(stage, adversarial=game),))
    if not pretrained:
        return recipes
    fresh = replace(going_on, start_from=None)
    game = replace(stage, adversarial=pix2pix(100))
    warm_up = replace(stage, learning_rate=1e-3)
    recipes["fresh: L1, then pix2pix"] = replace(fresh, stages=(warm_up, game))
    longer = replace(game, epochs=2 * stage.epochs)
    recipes["fresh: pix2pix alone"] = replace(fresh, stages=(longer,))
    return recipes


# The last layer of classes is new: it needs larger steps than a trained one.
SHORT_CLASSES = replace(SHORT_GAME, learning_rate=1e-3)


def loss_variants(stage: Stage = SHORT_CLASSES) -> dict[str, Recipe]:
    """The stored U-Net fine-tuned with each loss: of a color, and of classes of it.

    Args:
        stage: size, epochs and batches.
    """
    l1 = Recipe(
        "going on",
        "unet_squeezenet",
        (stage,),
        pretrained=True,
        start_from="unet-squeezenet",
    )
    classes = replace(l1, network="unet_squeezenet_classes", loss="classes")
    return {
        "L2": replace(l1, loss="l2"),
        "L1": l1,
        "classes": classes,
        "classes, rebalanced": replace(classes, loss="rebalanced_classes"),
    }


HALF_GRAY = "L1, half of the pictures gray"


def idea_variants() -> dict[str, Recipe]:
    """Ideas to better the default model, each against the same training without it.

    All see as many pictures.
    """
    (stage,) = BUDGET
    # Each large picture nine times, instead of small ones: as many pictures seen.
    few = replace(stage, epochs=9, small_pictures=False)
    base = Recipe("ideas", "unet_squeezenet", BUDGET, pretrained=True)
    learns = replace(base, frozen=False)
    return {
        "frozen encoder, L1, all pictures": base,
        "encoder learns, too": learns,
        "encoder learns, at a third of the rate": replace(
            learns, stages=(replace(stage, learning_rate=3e-4),)
        ),
        "L2": replace(base, loss="l2"),
        "no small pictures": replace(base, stages=(few,)),
    }


NO_LANDSCAPES = "no landscapes"


def _on_frozen() -> BackboneUNet:
    network = squeezenet_unet(pretrained=True)
    network.encoder.freeze()
    return network


def _silenced_fusion() -> FusionAutoencoder:
    # Built with a classifier first, so that the same first weights are drawn.
    return silenced(squeezenet_fusion(pretrained=False))


SCENE_WIDTHS = (16, 32, 64, 96)  # of a U-Net that knows such scenes after a minute
SCENE_ALONE = Stage(32, epochs=6, batch_size=16, learning_rate=2e-3)  # without a game


def scene_stages() -> dict[str, tuple[Stage, str]]:
    """Every method on drawn scenes, with its loss; the games start from the end of L1.

    Seen are crops of 32 pixels. There, the gradient of a mean L1 is as steep as the
    score of a critic of slope 1 at weight 45.
    """
    played = Stage(32, epochs=5, batch_size=16, learning_rate=5e-4)
    stages = {"L2": (SCENE_ALONE, "l2"), "L1": (SCENE_ALONE, "l1")}
    for weight in (1, 10, 100):
        game = Pix2PixSettings(weight, norm="none", widths=SCENE_JUDGE)
        name = f"pix2pix, L1 weight {weight}"
        stages[name] = (replace(played, adversarial=game), "l1")
    for weight in (0, 10, 100):
        game = WGANGPSettings(weight, 32, widths=SCENE_JUDGE)
        name = f"WGAN-GP, L1 weight {weight}"
        stages[name] = (replace(played, epochs=8, adversarial=game), "l1")
    return stages


SCENE_JUDGE = (32, 64, 128)


class HalfGrayPictures(Pictures):
    """Pictures whose every second one has lost its color: to see what that does.

    Chapter 10 trains on them. What is held out keeps its color.
    """

    def for_training(self, size: int, *, small: bool = False) -> np.ndarray:
        """As of :class:`.collection.Pictures`, but in memory."""
        pictures = np.array(super().for_training(size, small=small))
        for row in pictures[::2]:
            l, ab = normalize_lab(rgb_to_lab(torch.from_numpy(row[None])))
            row[:] = join(l, torch.zeros_like(ab))[0].numpy()
        return pictures
