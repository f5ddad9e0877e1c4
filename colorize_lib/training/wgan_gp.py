"""WGAN-GP: follow a critic whose slope is kept at 1. Taught in chapter 8.

Gulrajani, Ahmed, Arjovsky, Dumoulin and Courville, "Improved Training of Wasserstein
GANs" (2017).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from colorize_lib.losses import gradient_penalty, image_scores
from colorize_lib.models import PatchGAN
from colorize_lib.slips import Named
from colorize_lib.training import distributed
from colorize_lib.training.learner import Adversarial, Learner, shrunk

# No BatchNorm: the penalty needs images apart from one another.
NORMS = Named({"none": nn.Identity, "instance": nn.InstanceNorm2d}, "NORMS")


@dataclass(frozen=True)
class WGANGPSettings:
    """How :class:`WassersteinGP` trains, and against what.

    The slope of the score is 1 over the WHOLE image, whatever its size, while L1 is a
    mean over pixels: against a critic of unit slope, the gradient of 100 times L1 has
    norm 1.1 at 64 pixels and 0.28 at 256. So an L1 weight belongs to a size.
    """

    l1_weight: float = 100.0  # of L1 beside the score
    l1_weight_for: int = 64  # pixels
    # Lambda of equation 3, the paper's. It also says how far the critic's distance is
    # off: by a factor of 1 + distance / (2 lambda).
    penalty_weight: float = 10.0
    critic_steps: int = 5  # to each turn of the generator; the paper's algorithm 1
    generator_steps: int = 1  # in each of its turns; the paper's
    norm: str = "none"  # the critic's, a key of NORMS
    widths: tuple[int, ...] = (64, 128, 256, 512)  # pix2pix's: patches of 70 pixels
    betas: tuple[float, float] = (0.0, 0.9)  # of Adam; the paper's for large images
    average: float | None = None  # decay of the generator's moving average
    shrink: int = 1  # how many times smaller the judged colors are, as in pix2pix
    judge_rate: float = 1.0  # of the critic's learning rate by the generator's
    head_start: int = 0  # batches at the beginning for the critic alone

    def adversary(self) -> nn.Module:
        """A critic with its first weights."""
        return PatchGAN(self.widths, norm=NORMS[self.norm])

    def generator_updates(self, batches: int) -> int:
        """How often the generator learns in so many batches."""
        turns = max(0, batches - self.head_start) // self.critic_steps
        return turns * self.generator_steps


class WassersteinGP(Adversarial):
    """A generator against a critic, and beside the photograph.

    The critic steps on every batch; the generator on every ``critic_steps``-th, then
    ``generator_steps`` times in a row.

    Args:
        generator: l ``(B, 1, H, W)`` to ab ``(B, 2, H, W)``.
        critic: l and ab to scores of patches, of any shape. In float32, and without
            BatchNorm: the penalty is about the slope of each image's own score.
        settings: of which it takes the weights, the steps and the head start.

    Raises:
        ValueError: a critic with BatchNorm.
    """

    def __init__(self, generator: Learner, critic: Learner, settings: WGANGPSettings):
        _refuse_batchnorm(critic.network)
        super().__init__(generator=generator, critic=critic)
        self.generator, self.critic, self.settings = generator, critic, settings

    def step(self, l: Tensor, ab: Tensor) -> dict[str, Tensor]:
        """Learn from one normalized batch; return losses, scores and gradient norms."""
        self.batches += 1
        with torch.no_grad():
            fake_ab = self.generator(l)
        weights = distributed.rand(len(l), l.device)
        seen = shrunk(self.settings.shrink, l, ab, fake_ab)
        report = self.critic_step(*seen, weights)
        turn = self.batches - self.settings.head_start
        if turn > 0 and turn % self.settings.critic_steps == 0:
            for _ in range(self.settings.generator_steps):
                report |= self.generator_step(l, ab)
        return report

    def critic_step(
        self, l: Tensor, ab: Tensor, fake_ab: Tensor, weights: Tensor
    ) -> dict[str, Tensor]:
        """Widen the distance of the scores, at a slope of 1 (equation 3).

        The fakes come detached; ``weights`` as in :func:`.gradient_penalty`.
        """
        real_score = image_scores(self.critic(l, ab)).mean()
        fake_score = image_scores(self.critic(l, fake_ab)).mean()
        penalty = gradient_penalty(self.critic.network, l, ab, fake_ab, weights)
        distance = real_score - fake_score
        norm = self.critic.update(self.settings.penalty_weight * penalty - distance)
        return {
            "distance": distance.detach(),
            "penalty": penalty.detach(),
            "real_score": real_score.detach(),
            "fake_score": fake_score.detach(),
            "critic_gradient": norm,
        }

    def generator_step(self, l: Tensor, ab: Tensor) -> dict[str, Tensor]:
        """Raise the score of the fakes, and stay near the photographs."""
        l, ab, fake_ab = shrunk(self.settings.shrink, l, ab, self.generator(l))
        l1 = F.l1_loss(fake_ab, ab)
        score = image_scores(self.critic.frozen(l, fake_ab)).mean()
        norm = self.generator.update(self.settings.l1_weight * l1 - score)
        return {
            "l1": l1.detach(),
            "generator": -score.detach(),
            "generator_gradient": norm,
        }


def _refuse_batchnorm(critic):
    for name, module in critic.named_modules():
        if isinstance(module, _BatchNorm):
            raise ValueError(
                f"the critic's {name} is a {type(module).__name__}, which ties the "
                "images of a batch together, so that no image has a slope of its own: "
                "take InstanceNorm2d or no norm, as PatchGAN(norm=nn.Identity)"
            )
