"""pix2pix: be close to the photograph, and be taken for one. Taught in chapter 7.

Isola, Zhu, Zhou and Efros, "Image-to-Image Translation with Conditional Adversarial
Networks" (2017).
"""

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional as F

from colorize_lib.losses import binary_cross_entropy
from colorize_lib.training.learner import Learner, Players


class Pix2Pix(Players):
    """A generator against a discriminator, and beside the photograph (equation 4).

    The discriminator steps first, then the generator, each once a batch.

    Args:
        generator: l ``(B, 1, H, W)`` to ab ``(B, 2, H, W)``.
        discriminator: l and ab to scores of patches, of any shape.
        l1_weight: lambda of equation 4. The paper's 100 makes L1 the stronger voice.
        gan_loss: of scores and what they ought to say, see :mod:`colorize_lib.losses`.
        head_start: batches at the beginning in which the discriminator learns alone,
            to meet a generator that is already trained.
    """

    def __init__(
        self,
        generator: Learner,
        discriminator: Learner,
        *,
        l1_weight: float = 100.0,
        gan_loss: Callable[[Tensor, bool], Tensor] = binary_cross_entropy,
        head_start: int = 0,
    ):
        super().__init__(generator=generator, discriminator=discriminator)
        self.generator, self.discriminator = generator, discriminator
        self.l1_weight, self.gan_loss, self.head_start = l1_weight, gan_loss, head_start

    def step(self, l: Tensor, ab: Tensor) -> dict[str, Tensor]:
        """Learn from one normalized batch; return losses, scores and gradient norms."""
        self.batches += 1
        fake_ab = self.generator(l)
        report = self.discriminator_step(l, ab, fake_ab.detach())
        if self.batches > self.head_start:
            report |= self.generator_step(l, ab, fake_ab)
        return report

    def discriminator_step(
        self, l: Tensor, ab: Tensor, fake_ab: Tensor
    ) -> dict[str, Tensor]:
        """Score true pictures as true and fakes, detached, as fake.

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
        """Make the fakes score as true, and stay near the photographs."""
        l1 = F.l1_loss(fake_ab, ab)
        fooling = self.gan_loss(self.discriminator.frozen(l, fake_ab), True)
        norm = self.generator.update(fooling + self.l1_weight * l1)
        return {
            "l1": l1.detach(),
            "generator": fooling.detach(),
            "generator_gradient": norm,
        }
