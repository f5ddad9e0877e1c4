"""How a stage of a recipe is played against a second network, as plain settings.

Taught in chapters 7 (pix2pix) and 8 (WGAN-GP).
"""

from dataclasses import dataclass

from torch import nn

from colorize_lib import losses
from colorize_lib.models import PatchGAN
from colorize_lib.slips import Named
from colorize_lib.training.learner import Learner
from colorize_lib.training.pix2pix import Pix2Pix
from colorize_lib.training.precision import Precision
from colorize_lib.training.wgan_gp import WassersteinGP

NORMS = Named(
    {
        "batch": nn.BatchNorm2d,
        "instance": nn.InstanceNorm2d,
        "none": nn.Identity,
    },
    "NORMS",
)


@dataclass(frozen=True)
class Pix2PixGame:
    """A stage of :class:`.Pix2Pix`; its losses are means, so they fit any size."""

    # The paper's. Both terms are means over pixels or patches: a balance that was
    # found at one size holds at others.
    l1_weight: float = 100.0
    gan_loss: str = "binary_cross_entropy"  # or "least_squares"
    norm: str = "batch"  # the paper's
    widths: tuple[int, ...] = (64, 128, 256, 512)  # the paper's, patches of 70 pixels
    betas: tuple[float, float] = (0.5, 0.999)  # the paper's: less inertia in a game
    rival_learning_rate: float | None = None  # by default the generator's
    average: float | None = None  # decay of the generator's moving average
    head_start: int = 0  # batches for the discriminator alone

    def rival(self) -> nn.Module:
        """A discriminator with its first weights."""
        return PatchGAN(self.widths, norm=NORMS[self.norm])

    def turns(self, batches: int) -> int:
        """Steps of the generator in so many batches."""
        return max(0, batches - self.head_start)

    def rival_precision(self, precision: Precision) -> Precision:
        """As the generator's."""
        return precision

    def method(self, generator: Learner, rival: Learner) -> Pix2Pix:
        """The step, ready for the loop."""
        return Pix2Pix(
            generator,
            rival,
            l1_weight=self.l1_weight,
            gan_loss=getattr(losses, self.gan_loss),
            head_start=self.head_start,
        )


@dataclass(frozen=True)
class WassersteinGame:
    """A stage of :class:`.WassersteinGP`.

    The slope of the score is 1 over the WHOLE picture, whatever its size, while L1 is a
    mean over pixels: against a critic of unit slope, the gradient of 100 times L1 has
    norm 1.1 at 64 pixels and 0.28 at 256. So an L1 weight belongs to a size.
    """

    l1_weight: float = 100.0
    l1_weight_for: int = 64  # pixels
    penalty_weight: float = 10.0  # the paper's
    critic_steps: int = 5  # the paper's
    generator_steps: int = 1  # the paper's
    norm: str = "none"  # the penalty needs pictures apart: no BatchNorm
    widths: tuple[int, ...] = (64, 128, 256, 512)  # pix2pix's, patches of 70 pixels
    betas: tuple[float, float] = (0.0, 0.9)  # the paper's for large pictures
    rival_learning_rate: float | None = None  # by default the generator's
    average: float | None = None  # decay of the generator's moving average
    head_start: int = 0  # batches for the critic alone

    def rival(self) -> nn.Module:
        """A critic with its first weights."""
        return PatchGAN(self.widths, norm=NORMS[self.norm])

    def turns(self, batches: int) -> int:
        """Steps of the generator in so many batches."""
        turns = max(0, batches - self.head_start) // self.critic_steps
        return turns * self.generator_steps

    def rival_precision(self, precision: Precision) -> Precision:
        """float32, whatever the generator's: slopes of slopes do not fit into less."""
        return Precision("float32", precision.device_type)

    def method(self, generator: Learner, rival: Learner) -> WassersteinGP:
        """The step, ready for the loop."""
        return WassersteinGP(
            generator,
            rival,
            l1_weight=self.l1_weight,
            penalty_weight=self.penalty_weight,
            critic_steps=self.critic_steps,
            generator_steps=self.generator_steps,
            head_start=self.head_start,
        )


Game = Pix2PixGame | WassersteinGame
