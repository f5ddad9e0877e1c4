"""Training: a method is a step, a recipe names the steps of a whole training.

===================  ===================================================================
``recipes``          named ways to train the book's networks
``train``            follows a recipe, stage after stage
``loop``             what all methods share: batches, progress, checkpoints, resume
``learner``          a network with all that changes its weights
``regression``       the plainest method: make a pixel loss small
``pix2pix``          be close to the photograph, and be taken for one
``wgan_gp``          follow a critic whose slope is kept at 1
``classification``   give the true color's bin a high probability
``distributed``      several processes that train one network together
===================  ===================================================================
"""

from colorize_lib.training.classification import Classification
from colorize_lib.training.learner import Learner
from colorize_lib.training.loop import fit
from colorize_lib.training.pix2pix import Pix2Pix
from colorize_lib.training.precision import Precision, choose_precision
from colorize_lib.training.recipes import RECIPES, Recipe, Stage, reduced
from colorize_lib.training.regression import Regression
from colorize_lib.training.train import train
from colorize_lib.training.wgan_gp import WassersteinGP

__all__ = [
    "RECIPES",
    "Classification",
    "Learner",
    "Pix2Pix",
    "Precision",
    "Recipe",
    "Regression",
    "Stage",
    "WassersteinGP",
    "choose_precision",
    "fit",
    "reduced",
    "train",
]
