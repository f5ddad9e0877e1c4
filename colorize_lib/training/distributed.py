"""Several processes that train one network together, or just one: the same code.

``torchrun`` starts them, one for each GPU. Each takes its share of every batch, and
DistributedDataParallel averages the gradients, so that N processes take the same steps
as one would with the whole batch.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import torch
from torch import Tensor
from torch import distributed as dist

from colorize_lib.files import exclusive


def count() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def is_first() -> bool:
    """Whether this is the process that prints and writes files."""
    return not dist.is_initialized() or dist.get_rank() == 0


@contextmanager
def joined(device: str) -> Iterator[str]:
    """Join the processes that ``torchrun`` started; without it, be alone.

    Args:
        device: cuda or cpu, or a GPU by number where there is one process only.

    Yields:
        This process's own device, as ``"cuda:1"``.
    """
    if "WORLD_SIZE" not in os.environ:
        yield device
        return
    if device.startswith("cuda"):
        device = f"cuda:{os.environ['LOCAL_RANK']}"
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield device
    finally:
        dist.destroy_process_group()


@contextmanager
def holding(folder: Path) -> Iterator[None]:
    """The folder of a run, for these processes and no others; the first one holds it.

    Raises:
        BlockingIOError: another training is at work in it; the message says which.
    """
    lock = folder / ".training.lock"
    held = exclusive(lock, f"training in {folder}", wait=False)
    with held if is_first() else nullcontext():
        yield


def share(batch: Tensor) -> Tensor:
    """This process's part of what all of them drew alike.

    Raises:
        ValueError: the batch cannot be dealt out evenly.
    """
    if len(batch) % count():
        raise ValueError(
            f"a batch of {len(batch)} pictures cannot be shared by {count()} processes: "
            "start a number of processes that divides it"
        )
    return batch[dist.get_rank() :: count()] if dist.is_initialized() else batch


def rand(n: int, device: torch.device) -> Tensor:
    """``n`` uniform numbers of this process, ``(n,)``: its part of one common draw.

    So the processes together use the numbers that a single one would have drawn.
    """
    return share(torch.rand(n * count(), device=device))


def average(numbers: dict[str, float]) -> dict[str, float]:
    """The mean over all processes of each of these numbers."""
    if count() == 1 or not numbers:
        return numbers
    device = torch.device("cuda") if dist.get_backend() == "nccl" else None
    together = torch.tensor(list(numbers.values()), device=device)
    dist.all_reduce(together)
    return dict(zip(numbers, (together / count()).tolist(), strict=True))


def wait() -> None:
    """Until all processes have come here: what the first one wrote is there now."""
    if count() > 1:
        dist.barrier()
