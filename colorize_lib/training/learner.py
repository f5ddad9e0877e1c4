"""A network and all that changes its weights: what every method is built of."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

# ------------------------------------------------------------ precision


@dataclass(frozen=True)
class Precision:
    """What a training step needs to know of the precision it runs in."""

    name: str  # "float32", "bfloat16" or "float16"
    device_type: str  # "cpu" or "cuda"

    def autocast(self) -> torch.autocast:
        """Where convolutions run in this precision; parameters stay float32."""
        dtype = getattr(torch, self.name)
        return torch.autocast(self.device_type, dtype, enabled=self.name != "float32")

    def grad_scaler(self) -> torch.amp.GradScaler:
        """Scales losses in float16, whose gradients would underflow; else idle."""
        return torch.amp.GradScaler(self.device_type, enabled=self.name == "float16")


def choose_precision(
    device: torch.device | str, wanted: str | None = None
) -> Precision:
    """The fastest precision that a device computes natively, or the one that is wanted.

    bfloat16 on GPUs of compute capability 8.0 (Ampere) and up, and on processors with
    AMX tiles; float16 on older GPUs such as Colab's T4; else float32.

    Raises:
        ValueError: ``wanted`` is none of the three.
    """
    kind = torch.device(device).type
    if wanted not in (None, "float32", "bfloat16", "float16"):
        raise ValueError(
            f"precision must be float32, bfloat16 or float16, not {wanted!r}"
        )
    return Precision(wanted or _fastest(kind), kind)


def _fastest(kind):
    if kind == "cuda":
        # Not is_bf16_supported(): true on a T4 too, where it is emulated and slow.
        return "bfloat16" if torch.cuda.get_device_capability() >= (8, 0) else "float16"
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()
    has_amx = kind == "cpu" and capabilities.get("amx_bf16", False)
    return "bfloat16" if has_amx else "float32"


# ------------------------------------------------------------ learning rates


def one_cycle(steps: int, step: int) -> float:
    """The learning rate, as a share of its peak: a linear rise, then half a cosine.

    The rise over the first tenth spares fresh weights the largest steps; the long way
    down to zero averages out what single batches pull at. After Smith and Topin, 2018.
    """
    rise = max(1, steps // 10)
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def hold_then_fall(steps: int, step: int) -> float:
    """The learning rate, as a share of its first value, which it keeps for a while.

    After half of the steps it falls in a straight line, to zero at the end: neither
    network may settle while the other still moves. As in pix2pix's own code.
    """
    return max(0.0, min(1.0, 2 * (steps - step) / max(1, steps)))


# ------------------------------------------------------------ one network that learns


class Learner:
    """A network with its optimizer, learning rate, loss scale and average.

    Called, the network answers in training mode. Where several processes train
    together, they share the gradients of what was called.

    Args:
        network: whose weights change.
        optimizer: over its parameters.
        precision: what the network computes in; its answers are float32.
        scheduler: of the learning rate, advanced at each :meth:`update`.
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

        For the other network's step: it costs a third less, and no gradient is left in
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


class Adversarial:
    """Learners that train against each other: who colors, how far they are.

    Args:
        learners: by name; the one that colors is the ``generator``.
    """

    def __init__(self, **learners: Learner):
        self.learners = learners
        self.batches = 0  # seen so far

    @property
    def network(self) -> nn.Module:
        """The one that colors."""
        return self.learners["generator"].result

    def state_dict(self) -> dict:
        """All that a later run needs to go on with the very same next step."""
        states = {name: each.state_dict() for name, each in self.learners.items()}
        return states | {"batches": self.batches}

    def load_state_dict(self, state: dict) -> None:
        """Go on where :meth:`state_dict` was taken."""
        for name, learner in self.learners.items():
            learner.load_state_dict(state[name])
        self.batches = state["batches"]


def shrunk(times: int, *maps: Tensor) -> tuple[Tensor, ...]:
    """Maps ``(B, C, H, W)`` so many times smaller: means of squares of pixels."""
    return maps if times == 1 else tuple(F.avg_pool2d(x, times) for x in maps)
