"""A network and all that changes its weights: what every method is built of."""

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from colorize_lib.training.precision import Precision


class Learner:
    """A network with its optimizer, learning rate, loss scale and average.

    Called, the network answers in training mode. Where several processes train
    together, they share the gradients of what was called.

    Args:
        network: whose weights change.
        optimizer: over its parameters.
        precision: what the network computes in; its answers are float32.
        scheduler: of the learning rate, advanced at each :meth:`descend`.
        average: the decay of an exponential moving average of the weights, as 0.999,
            of the last thousand steps or so; None for no average.
    """

    def __init__(
        self,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        precision: Precision,
        scheduler: torch.optim.lr_scheduler.LRScheduler | None = None,
        *,
        average: float | None = None,
    ):
        self.network, self.optimizer = network, optimizer
        self.precision, self.scheduler = precision, scheduler
        self.scaler = precision.grad_scaler()
        self._shared = network
        if torch.distributed.is_initialized():
            # Each process keeps its own running statistics; those of the first count.
            self._shared = DistributedDataParallel(network, broadcast_buffers=False)
        self.average = None
        if average is not None:  # after the above, which hands out the first's weights
            rule = get_ema_multi_avg_fn(average)
            self.average = AveragedModel(network, multi_avg_fn=rule)

    @property
    def result(self) -> nn.Module:
        """The network that colors; the averaged one, where there is an average."""
        return self.network if self.average is None else self.average.module

    def __call__(self, *inputs: Tensor) -> Tensor:
        self.network.train()
        with self.precision.autocast():
            return self._shared(*inputs).float()

    def frozen(self, *inputs: Tensor) -> Tensor:
        """Answer as when called, but pass gradients on to the inputs alone.

        For the other player's step: it costs a third less, and no gradient is left in
        parameters that are not to move.
        """
        self.network.train()
        fixed = {name: p.detach() for name, p in self.network.named_parameters()}
        with self.precision.autocast():
            return torch.func.functional_call(self.network, fixed, inputs).float()

    def update(self, loss: Tensor) -> Tensor:
        """Step against the gradient of a loss; return the gradient's norm.

        The norm is 0 where float16 overflowed: such a step is left out.
        """
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimizer)
        parameters = self.network.parameters()
        gradients = [p.grad for p in parameters if p.grad is not None]
        norm = nn.utils.get_total_norm(gradients)
        if self.scaler.is_enabled():  # else a norm that is no number is news
            norm = norm.nan_to_num(nan=0, posinf=0)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.scheduler is not None:
            self.scheduler.step()
        if self.average is not None:
            self.average.update_parameters(self.network)
        return norm

    def state_dict(self) -> dict:
        """All that a later run needs to go on with the very same next step."""
        return {name: part.state_dict() for name, part in self._parts().items()}

    def load_state_dict(self, state: dict) -> None:
        """Go on where :meth:`state_dict` was taken."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])

    def _parts(self):
        names = ("network", "optimizer", "scaler", "scheduler", "average")
        parts = {name: getattr(self, name) for name in names}
        return {name: part for name, part in parts.items() if part is not None}


class Players:
    """Learners that play against each other: who colors, how far they are, their state.

    Args:
        players: by name; the one that colors is the ``generator``.
    """

    def __init__(self, **players: Learner):
        self.players = players
        self.batches = 0  # seen so far

    @property
    def network(self) -> nn.Module:
        """The one that colors."""
        return self.players["generator"].result

    def state_dict(self) -> dict:
        """All that a later run needs to go on with the very same next step."""
        states = {name: player.state_dict() for name, player in self.players.items()}
        return states | {"batches": self.batches}

    def load_state_dict(self, state: dict) -> None:
        """Go on where :meth:`state_dict` was taken."""
        for name, player in self.players.items():
            player.load_state_dict(state[name])
        self.batches = state["batches"]
