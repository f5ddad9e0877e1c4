"""Recipes: named ways to train a colorizer, each value with its reason.

``colorize recipes`` lists them, ``colorize train NAME`` follows one.
"""

import json
from dataclasses import asdict, dataclass, field, fields, replace

from colorize_lib.slips import Named
from colorize_lib.training.pix2pix import Pix2PixSettings
from colorize_lib.training.wgan_gp import WGANGPSettings


@dataclass(frozen=True)
class Stage:
    """Some epochs at one size, from the best weights of the stage before."""

    size: int  # pixels of the square that the network sees
    epochs: int
    batch_size: int
    # The peak of one cycle: up for a tenth of the steps, then down. In an adversarial
    # stage it is held for half of the steps and then falls to zero.
    learning_rate: float
    small_pictures: bool = False  # also learn from the collection of small pictures
    # Against a second network, which later stages keep; None: by the recipe's loss.
    adversarial: Pix2PixSettings | WGANGPSettings | None = None


@dataclass(frozen=True)
class Recipe:
    """How to train one network."""

    name: str
    network: str  # its name in COLORIZERS
    stages: tuple[Stage, ...]
    # Or "l2", "classes", "rebalanced_classes"; of the stages that are not adversarial.
    loss: str = "l1"
    # Decoupled from the gradient (AdamW): light, against learning photographs by heart.
    weight_decay: float = 0.01
    seed: int = 0
    # Start from an encoder that was trained on ImageNet...
    pretrained: bool = False
    # ...and leave it as it is.
    frozen: bool = True
    # Start from the stored weights of this name: their training is not paid for again.
    start_from: str | None = None
    # Of the true colorfulness, on validation photographs: what the finished network's
    # colors are strengthened to, by one factor. None leaves them as they are.
    colorfulness: float | None = None
    # A control: its scores are kept in results/, its weights nowhere.
    scores_only: bool = field(default=False, compare=False, repr=False)
    # Where its photographs come from if none are given: a function of photos.datasets.
    collection: str = field(default="coco_sample", compare=False)
    # What it is, what was chosen here, what it costs, what to expect.
    about: str = field(default="", compare=False)


def differences(stored: dict, recipe: Recipe) -> list[str]:
    """In which of its fields a recipe differs from one that was stored as a dictionary.

    What only one of them has is no difference: an older recipe did not name it, or it
    has gone since.
    """
    older = json.loads(json.dumps(stored).replace('"game":', '"adversarial":'))
    given = json.loads(json.dumps(asdict(recipe)))
    names = [each.name for each in fields(Recipe) if each.compare]
    return [n for n in names if n in older and not _alike(older[n], given[n])]


def _alike(one, other):
    if isinstance(one, dict) and isinstance(other, dict):
        return all(_alike(one[key], other[key]) for key in one.keys() & other.keys())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    return one == other


def reduced(
    recipe: Recipe,
    *,
    size: int | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
) -> Recipe:
    """The same recipe with no stage larger or longer than this, to try it out.

    ``batch_size``, if it is given, is that of every stage.
    """
    stages = tuple(
        replace(
            stage,
            size=min(stage.size, size or stage.size),
            epochs=min(stage.epochs, epochs or stage.epochs),
            batch_size=batch_size or stage.batch_size,
        )
        for stage in recipe.stages
    )
    return replace(recipe, stages=stages)


# A picture of 48 pixels costs a twenty-eighth of one of 256, and what color grass is
# can be learned from it: most steps are taken there. The short stages after it get the
# network used to the sizes at which it will color; more of them would teach it the few
# large photographs by heart.
GROWING = (
    Stage(48, epochs=10, batch_size=64, learning_rate=1e-3, small_pictures=True),
    Stage(128, epochs=3, batch_size=32, learning_rate=2e-4),
    Stage(192, epochs=1, batch_size=16, learning_rate=5e-5),
)

# Fine-tuned from the stored network that L1 has trained. A batch of 16 and the learning
# rate are pix2pix's, a smaller rate for larger pictures.
PIX2PIX = (
    Stage(48, 3, 16, 2e-4, small_pictures=True, adversarial=Pix2PixSettings()),
    Stage(128, 2, 16, 5e-5, adversarial=Pix2PixSettings()),
)
# One critic step a generator step instead of the paper's five: on a CPU the generator's
# steps are what runs short, and chapter 8 measured no better pictures from more. The
# L1 weight grows with the size, so that its gradient stays as steep, four times the
# score's: with a quarter of it, faces became magenta. The average evens out the hues,
# which wander in such a training.
_AT_48 = WGANGPSettings(300.0, 48, critic_steps=1, head_start=200, average=0.995)
_AT_96 = WGANGPSettings(600.0, 96, critic_steps=1, average=0.995)
WGAN_GP = (
    Stage(48, 1, 16, 2e-4, small_pictures=True, adversarial=_AT_48),
    Stage(96, 2, 16, 5e-5, adversarial=_AT_96),
)

# At 48 pixels the classifier costs as much again as the network, so epochs are few: it
# is shown every crop enlarged to its own 224 pixels.
FUSION = (
    Stage(48, epochs=2, batch_size=64, learning_rate=1e-3, small_pictures=True),
    Stage(128, epochs=2, batch_size=32, learning_rate=3e-4),
)

# Probabilities of colors instead of a color, on the features that L1 has learned: the
# last layer is new, the others only have to shift.
CLASSES = (
    Stage(48, epochs=3, batch_size=64, learning_rate=1e-3, small_pictures=True),
    Stage(96, epochs=1, batch_size=32, learning_rate=2e-4),
)

# EfficientNet-Lite0 is shown photographs at their own size, not enlarged, so the sizes
# are larger: at 112 pixels it hardly names what it sees, but small pictures show no
# more, and there are 20,000 of them; at 192 it does.
LITE = (
    Stage(112, epochs=4, batch_size=32, learning_rate=1e-3, small_pictures=True),
    Stage(192, epochs=5, batch_size=16, learning_rate=5e-4),
)

# Among 45,000 photographs each is new for long: three passes at 112 pixels are no more
# than the few were shown. The larger size comes last.
LITE_WIDE = (
    Stage(112, epochs=3, batch_size=64, learning_rate=1e-3),
    Stage(160, epochs=1, batch_size=32, learning_rate=5e-4),
)

FLOWERS_WGAN_GP = Stage(
    *(128, 110, 16, 1e-4),
    adversarial=WGANGPSettings(
        l1_weight_for=128, critic_steps=1, generator_steps=2, norm="instance"
    ),
)

# fmt: off
_OURS = (
    Recipe(
        "autoencoder-l2", "autoencoder", GROWING, loss="l2",
        about="Chapter 3's network, trained towards the mean: browner than L1.",
    ),
    Recipe(
        "autoencoder-l1", "autoencoder", GROWING,
        about="Chapter 3. An hour on one CPU core for 22,000 small and 3,000 larger "
        "pictures: 0.66 dB above gray, 30 % of the true colorfulness.",
    ),
    Recipe(
        "residual-autoencoder", "residual_autoencoder", GROWING, scores_only=True,
        about="Chapter 3's better network of the same size, as good and cheaper.",
    ),
    Recipe(
        "fusion-efficientnet-lite", "fusion_efficientnet_lite", FUSION,
        about="Chapter 4's network with EfficientNet-Lite0's logits. 66 minutes on one and "
        "in the end two CPU cores, for a fifth of the pictures of autoencoder-l1: 0.74 dB "
        "above gray, 19 % of the true colorfulness.",
    ),
    Recipe(
        "fusion-silenced", "fusion_silenced", FUSION, scores_only=True,
        about="The same training without logits, to see what they are worth. 52 "
        "minutes on one CPU core: 0.42 dB above gray, 26 % of the true colorfulness.",
    ),
    Recipe(
        "unet", "unet", GROWING,
        about="Chapter 5's U-Net from random weights. So far trained briefly only.",
    ),
    Recipe(
        "unet-squeezenet", "unet_squeezenet", GROWING, pretrained=True,
        about="Chapter 5. Under two hours on one CPU core: 0.81 dB above gray, 37 % of the "
        "true colorfulness.",
    ),
    Recipe(
        # A little more than half, so that other photographs get half, too.
        "unet-efficientnet-lite", "unet_efficientnet_lite", LITE, pretrained=True,
        colorfulness=0.52,
        about="What `colorize` uses: chapter 5's U-Net on an encoder that knows more. 77 "
        "minutes on one CPU core: 0.98 dB above gray, 56 % of the true colorfulness.",
    ),
    Recipe(
        "unet-efficientnet-lite-wide", "unet_efficientnet_lite_wide", LITE_WIDE,
        pretrained=True, scores_only=True,
        about="The same with a wider decoder, from 45,000 photographs instead of 2,500: 67 "
        "minutes on one CPU core, 1.07 dB above gray, 53 % of the true colorfulness. Not "
        "clearly better: what holds both back is the frozen encoder.",
    ),
    Recipe(
        "pix2pix", "unet_squeezenet", PIX2PIX, pretrained=True,
        start_from="unet-squeezenet",
        about="The stored unet-squeezenet fine-tuned against a PatchGAN; L1 weight 100, "
        "which holds for any size. An hour on one CPU core: 91 % of the true "
        "colorfulness, and 1.3 dB below gray.",
    ),
    Recipe(
        "wgan-gp", "unet_squeezenet", WGAN_GP, pretrained=True,
        start_from="unet-squeezenet",
        about="The stored unet-squeezenet fine-tuned after a critic with gradient penalty; "
        "L1 weight 300 at 48 pixels and 600 at 96, as steep. Under an hour on one CPU "
        "core: 61 % of the true colorfulness, as far from the photographs as gray.",
    ),
    Recipe(
        "unet-squeezenet-classes", "unet_squeezenet_classes", CLASSES,
        loss="rebalanced_classes", pretrained=True, start_from="unet-squeezenet",
        about="The stored unet-squeezenet fine-tuned to probabilities of 261 bins of color, "
        "rare ones weighted up (Zhang, Isola and Efros 2016): 3 epochs of 22,000 small "
        "pictures and one of 2,500. 26 minutes on one CPU core: 55 % of the true "
        "colorfulness, at gray's distance from the photographs.",
    ),
)

_CHOSEN = "Chosen here, for want of a word in the source: "
_NOT_RUN = " Not run at full size for this book."

# The systems that others describe. They squash pictures to a square, ours are cropped.
_THEIRS = (
    Recipe(
        "landscapes-pix2pix", "unet_pix2pix",
        (Stage(256, 100, 32, 2e-4, adversarial=Pix2PixSettings()),),
        collection="landscapes",
        about="pix2pix on Kaggle's landscapes, 256 px, batches of 32. "
        f"{_CHOSEN}100 epochs, and the paper's rates and weights.{_NOT_RUN}",
    ),
    Recipe(
        "coco-pix2pix-scratch", "unet_pix2pix",
        (Stage(256, 100, 16, 2e-4, adversarial=Pix2PixSettings()),),
        about="pix2pix's own U-Net (54 million parameters) on COCO sample, 256 px, 100 "
        f"epochs from random weights, L1 weight 100.{_NOT_RUN}",
    ),
    Recipe(
        "coco-pix2pix", "unet_resnet18",
        (
            Stage(256, 20, 16, 1e-4),
            Stage(256, 20, 16, 2e-4, adversarial=Pix2PixSettings()),
        ),
        pretrained=True, frozen=False,
        about="A U-Net on ImageNet's ResNet18, COCO sample, 256 px: 20 epochs of L1, then "
        f"20 (the source: 10 to 20) of pix2pix with L1 weight 100.{_NOT_RUN}",
    ),
    Recipe(
        "cifar10-unet", "unet_32px", (Stage(32, 30, 128, 1e-3),), collection="cifar10",
        about=f"A small U-Net on CIFAR-10. {_CHOSEN}all but the data.{_NOT_RUN}",
    ),
    Recipe(
        # Patches of 34 pixels: with all four widths every score would see everything.
        "cifar10-cgan", "unet_32px",
        (
            Stage(32, 10, 128, 1e-3),
            Stage(32, 20, 128, 2e-4, adversarial=Pix2PixSettings(widths=(64, 128, 256))),
        ),
        collection="cifar10",
        about="A conditional GAN on CIFAR-10, after ten epochs of L1. "
        f"{_CHOSEN}all but the data.{_NOT_RUN}",
    ),
    Recipe(
        "flowers-wgan-gp", "unet", (Stage(128, 20, 16, 1e-4), FLOWERS_WGAN_GP),
        collection="flowers102",
        about="A max-pool U-Net on Oxford's flowers, 128 px: L1, then 110 epochs of "
        "WGAN-GP with the generator twice and the critic once a batch. "
        f"{_CHOSEN}20 epochs of L1, batches of 16, InstanceNorm, L1 weight 100 at this "
        f"size.{_NOT_RUN}",
    ),
    Recipe(
        "lfw-autoencoder", "autoencoder", (Stage(224, 50, 48, 1e-3),),
        loss="l2", collection="lfw",
        about="The autoencoder on faces, 224 px, MSE, batches of 48, split by person. "
        f"{_CHOSEN}50 epochs, of which the best is kept (the source stops early)."
        f"{_NOT_RUN}",
    ),
    Recipe(
        "lfw-fusion", "fusion", (Stage(224, 50, 48, 1e-3),),
        loss="l2", collection="lfw",
        about="The fusion autoencoder with InceptionResNetV2 on faces, otherwise as "
        f"lfw-autoencoder. Needs timm and its weights.{_NOT_RUN}",
    ),
)
# fmt: on

RECIPES = Named({recipe.name: recipe for recipe in (*_OURS, *_THEIRS)}, "RECIPES")
