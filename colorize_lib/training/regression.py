"""Regression: make a pixel loss small. The plainest method, taught in chapter 3."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from colorize_lib.training.learner import Learner, Precision

LOSSES = {"l1": F.l1_loss, "l2": F.mse_loss}  # by the names that recipes use


class Regression:
    """One network, one optimizer, one loss; a step at a time.

    Args:
        network: l ``(B, 1, H, W)`` to ab ``(B, 2, H, W)``.
        optimizer: over the network's parameters.
        precision: what the network computes in; the loss is always float32.
        loss: of prediction and truth, a scalar. L2 (``F.mse_loss``) is least at the
            mean of all plausible colors, L1 (``F.l1_loss``) at their median.
        scheduler: of the learning rate, advanced once a step.
    """

    def __init__(
        self,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        precision: Precision,
        loss: Callable[[Tensor, Tensor], Tensor] = F.l1_loss,
        scheduler: torch.optim.lr_scheduler.LRScheduler | None = None,
    ):
        self.network, self.loss = network, loss
        self.learner = Learner(network, optimizer, precision, scheduler)

    def step(self, l: Tensor, ab: Tensor) -> dict[str, Tensor]:
        """Learn from one normalized batch; return the losses, detached."""
        loss = self.loss(self.learner(l), ab)
        self.learner.update(loss)
        return {"loss": loss.detach()}

    def state_dict(self) -> dict:
        """All that a later run needs to go on with the very same next step."""
        return self.learner.state_dict()

    def load_state_dict(self, state: dict) -> None:
        """Go on where :meth:`state_dict` was taken."""
        self.learner.load_state_dict(state)
