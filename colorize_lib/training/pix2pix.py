"""pix2pix: be close to the photograph, and be taken for one. Taught in chapter 7.

Isola, Zhu, Zhou and Efros, "Image-to-Image Translation with Conditional Adversarial
Networks" (2017).
"""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

from colorize_lib import losses
from colorize_lib.models import PatchGAN
from colorize_lib.slips import Named
from colorize_lib.training.learner import Adversarial, Learner, shrunk

NORMS = Named(
    {"batch": nn.BatchNorm2d, "instance": nn.InstanceNorm2d, "none": nn.Identity},
    "NORMS",
)


@dataclass(frozen=True)
class Pix2PixSettings:
    """How :class:`Pix2Pix` trains, and against what; by default as in the paper."""

    # Lambda of equation 4: L1 is the stronger voice. Both terms are means, over pixels
    # or over patches: a balance that was found at one size holds at others.
    l1_weight: float = 100.0
    gan_loss: str = "binary_cross_entropy"  # or "least_squares", of colorize_lib.losses
    norm: str = "batch"  # the discriminator's, a key of NORMS
    widths: tuple[int, ...] = (64, 128, 256, 512)  # its layers: patches of 70 pixels
    # Of Adam: less inertia, for what is uphill today was not yesterday.
    betas: tuple[float, float] = (0.5, 0.999)
    average: float | None = None  # decay of the generator's moving average
    # How many times smaller the judged colors are, beside lightness as small: where the
    # generator draws them at half size, 2 shows all of them at a quarter of the cost.
    shrink: int = 1
    # Of the discriminator's learning rate by the generator's: two time scales (Heusel
    # et al., "GANs trained by a two time-scale update rule", 2017).
    judge_rate: float = 1.0
    # Batches at the beginning in which the discriminator learns alone, to meet a
    # generator that is already trained.
    head_start: int = 0

    def adversary(self) -> nn.Module:
        """A discriminator with its first weights."""
        return PatchGAN(self.widths, norm=NORMS[self.norm])

    def generator_updates(self, batches: int) -> int:
        """How often the generator learns in so many batches."""
        return max(0, batches - self.head_start)


class Pix2Pix(Adversarial):
    """A generator against a discriminator, and beside the photograph (equation 4).

    The discriminator steps first, then the generator, each once a batch.

    Args:
        generator: l ``(B, 1, H, W)`` to ab ``(B, 2, H, W)``.
        discriminator: l and ab to logits of patches, of any shape.
        settings: of which it takes the weight of L1, the loss and the head start.
    """

    def __init__(
        self, generator: Learner, discriminator: Learner, settings: Pix2PixSettings
    ):
        super().__init__(generator=generator, discriminator=discriminator)
        self.generator, self.discriminator = generator, discriminator
        self.settings = settings
        self.gan_loss = getattr(losses, settings.gan_loss)

    def step(self, l: Tensor, ab: Tensor) -> dict[str, Tensor]:
        """Learn from one normalized batch; return losses, scores and gradient norms."""
        self.batches += 1
        fake_ab = self.generator(l)
        l, ab, fake_ab = shrunk(self.settings.shrink, l, ab, fake_ab)
        report = self.discriminator_step(l, ab, fake_ab.detach())
        if self.batches > self.settings.head_start:
            report |= self.generator_step(l, ab, fake_ab)
        return report

    def discriminator_step(
        self, l: Tensor, ab: Tensor, fake_ab: Tensor
    ) -> dict[str, Tensor]:
        """Score photographs as real and fakes, detached, as fake.

        Halved, as in section 3.3: the discriminator learns more slowly.
        """
        real_scores = self.discriminator(l, ab)
        fake_scores = self.discriminator(l, fake_ab)
        loss = self.gan_loss(real_scores, True) + self.gan_loss(fake_scores, False)
        norm = self.discriminator.update(loss / 2)
        return {
            "discriminator": loss.detach() / 2,
            "real_score": real_scores.detach().mean(),
            "fake_score": fake_scores.detach().mean(),
            "discriminator_gradient": norm,
        }

    def generator_step(
        self, l: Tensor, ab: Tensor, fake_ab: Tensor
    ) -> dict[str, Tensor]:
        """Make the fakes score as real, and stay near the photographs."""
        l1 = F.l1_loss(fake_ab, ab)
        fooling = self.gan_loss(self.discriminator.frozen(l, fake_ab), True)
        norm = self.generator.update(fooling + self.settings.l1_weight * l1)
        return {
            "l1": l1.detach(),
            "generator": fooling.detach(),
            "generator_gradient": norm,
        }
