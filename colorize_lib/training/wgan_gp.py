"""WGAN-GP: follow a critic whose slope is kept at 1. Taught in chapter 8.

Gulrajani, Ahmed, Arjovsky, Dumoulin and Courville, "Improved Training of Wasserstein
GANs" (2017).
"""

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from colorize_lib.losses import gradient_penalty, image_scores
from colorize_lib.training import distributed as processes
from colorize_lib.training.learner import Learner, Players


class WassersteinGP(Players):
    """A generator against a critic, and beside the photograph.

    The critic steps on every batch; the generator on every ``critic_steps``-th, then
    ``generator_steps`` times in a row.

    Args:
        generator: l ``(B, 1, H, W)`` to ab ``(B, 2, H, W)``.
        critic: l and ab to scores of patches, of any shape. In float32, and without
            BatchNorm: the penalty is about the slope of each picture's own score.
        l1_weight: of L1, a mean over pixels, beside the score. Their balance depends
            on the size of the pictures: a recipe says for which it was chosen.
        penalty_weight: lambda of equation 3. It also says how far the critic's
            distance is off: by a factor of 1 + distance / (2 lambda).
        critic_steps: to each turn of the generator; 5 in the paper's algorithm 1.
        generator_steps: in each of its turns; 1 in the paper.
        head_start: batches at the beginning in which the critic learns alone.

    Raises:
        ValueError: a critic with BatchNorm.
    """

    def __init__(
        self,
        generator: Learner,
        critic: Learner,
        *,
        l1_weight: float = 100.0,
        penalty_weight: float = 10.0,
        critic_steps: int = 5,
        generator_steps: int = 1,
        head_start: int = 0,
    ):
        _refuse_batchnorm(critic.network)
        super().__init__(generator=generator, critic=critic)
        self.generator, self.critic = generator, critic
        self.l1_weight, self.penalty_weight = l1_weight, penalty_weight
        self.critic_steps, self.generator_steps = critic_steps, generator_steps
        self.head_start = head_start

    def step(self, l: Tensor, ab: Tensor) -> dict[str, Tensor]:
        """Learn from one normalized batch; return losses, scores and gradient norms."""
        self.batches += 1
        with torch.no_grad():
            fake_ab = self.generator(l)
        weights = processes.rand(len(l), l.device)
        report = self.critic_step(l, ab, fake_ab, weights)
        turn = self.batches - self.head_start
        if turn > 0 and turn % self.critic_steps == 0:
            for _ in range(self.generator_steps):
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
        norm = self.critic.update(self.penalty_weight * penalty - distance)
        return {
            "distance": distance.detach(),
            "penalty": penalty.detach(),
            "real_score": real_score.detach(),
            "fake_score": fake_score.detach(),
            "critic_gradient": norm,
        }

    def generator_step(self, l: Tensor, ab: Tensor) -> dict[str, Tensor]:
        """Raise the score of the fakes, and stay near the photographs."""
        fake_ab = self.generator(l)
        l1 = F.l1_loss(fake_ab, ab)
        score = image_scores(self.critic.frozen(l, fake_ab)).mean()
        norm = self.generator.update(self.l1_weight * l1 - score)
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
                "pictures of a batch together, so that no picture has a slope of its "
                "own: take InstanceNorm2d or no norm, as PatchGAN(norm=nn.Identity)"
            )
