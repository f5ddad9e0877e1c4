"""Training, to be read in this order.

``recipes`` say what to train, ``train`` follows one stage after stage, ``loop`` repeats
a method's step and keeps what a run needs to go on. A method is one step:
``regression``, ``classification``, ``pix2pix`` or ``wgan_gp``; each moves its networks
by a ``learner``. Beside them: ``distributed`` for several GPUs, ``reports`` for what an
epoch shows.
"""

from colorize_lib.training.classification import Classification
from colorize_lib.training.learner import (
    Learner,
    Precision,
    choose_precision,
    hold_then_fall,
)
from colorize_lib.training.loop import fit
from colorize_lib.training.pix2pix import Pix2Pix, Pix2PixSettings
from colorize_lib.training.recipes import RECIPES, Recipe, Stage, reduced
from colorize_lib.training.regression import Regression
from colorize_lib.training.wgan_gp import WassersteinGP, WGANGPSettings

__all__ = [
    "RECIPES", "Classification", "Learner", "Pix2Pix", "Pix2PixSettings", "Precision",
    "Recipe", "Regression", "Stage", "WGANGPSettings", "WassersteinGP",
    "choose_precision", "fit", "hold_then_fall", "reduced",
]  # fmt: skip
