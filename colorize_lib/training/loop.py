"""The loop that every method shares: progress, log, checkpoints, resume.

Taught in chapter 3.
"""

import errno
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn
from tqdm import tqdm

from colorize_lib.color import normalize_lab
from colorize_lib.files import replacing, sweep
from colorize_lib.photos import batches, to_lab
from colorize_lib.training import distributed as processes
from colorize_lib.training.checkpoints import (
    load_checkpoint,
    random_state,
    restore_random_state,
    save_checkpoint,
)

WRITTEN = ("last.pt", "best.pt", "log.jsonl")  # by nobody but who holds the folder
LOOK_EVERY = 20  # batches between two looks at the losses: each makes a GPU wait


class Method(Protocol):
    """A way to train: networks, optimizers, and the step that ties them together."""

    network: nn.Module  # the one that colors

    def step(self, l: Tensor, ab: Tensor) -> dict[str, Tensor]: ...
    def state_dict(self) -> dict: ...
    def load_state_dict(self, state: dict) -> None: ...


class TrainingDivergedError(RuntimeError):
    """A loss or a weight is no longer a number."""


class TrainingStopped(KeyboardInterrupt):
    """Ctrl-C: the run is saved, and the same call goes on from there."""


class TrainingHaltedError(OSError):
    """A file could not be written or read; the run goes on from what is kept."""


@dataclass
class Progress:
    """How far a run is; with the method's state, all that a resumed run needs."""

    epoch: int = 0  # finished epochs
    batch: int = 0  # batches of the next epoch that are done
    seconds: float = 0.0  # spent on these batches
    sums: dict = field(default_factory=dict)  # of each loss over these batches
    counts: dict = field(default_factory=dict)  # in how many of them it was reported
    history: list = field(default_factory=list)  # a line for each finished epoch

    def add(self, losses: dict[str, Tensor]) -> None:
        """Count a batch; a method need not report the same losses on each of them."""
        self.batch += 1
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
            self.counts[name] = self.counts.get(name, 0) + 1

    def means(self) -> dict[str, float]:
        """Over the batches so far, and over the pictures of all processes."""
        sums = processes.average(self.sums)
        return {name: float(sums[name]) / n for name, n in self.counts.items()}


def fit(
    method: Method,
    images: Sequence,
    folder: Path,
    *,
    epochs: int,
    batch_size: int,
    crop: int | None = None,
    flip: bool = True,
    seed: int = 0,
    validate: Callable[[nn.Module], dict[str, float]] | None = None,
    best_by: str | None = "loss",
    report: Callable[[nn.Module, list[dict]], None] | None = None,
    device: torch.device | str = "cpu",
    checkpoint_minutes: float = 10,
    show_progress: bool = True,
) -> list[dict]:
    """Train a method; where ``folder`` holds a checkpoint, go on from it.

    On a CPU a resumed run ends with the same weights as an undisturbed one, to the last
    bit. Into ``folder`` go ``last.pt`` (all that is needed to go on; after every epoch,
    every ``checkpoint_minutes`` and on Ctrl-C), ``best.pt`` (the coloring network of
    the best epoch, alone) and ``log.jsonl`` (a line an epoch).

    Args:
        method: what a step is, see :class:`Method`; its networks lie on ``device``.
        images: photographs uint8 ``(n, 3, H, W)`` or drawn scenes in float Lab, see
            :func:`colorize_lib.photos.batches.batches`.
        folder: of this run, and of no other.
        epochs: in all, those of earlier calls included.
        batch_size: pictures a step; what does not fill a last batch waits for another
            epoch.
        crop: side in pixels of a random crop; None takes pictures whole.
        flip: mirror each picture left to right with probability 1/2.
        seed: of the order and the augmentation. Initial weights are the caller's.
        validate: scores of the network after each epoch, by names of your choice.
        best_by: the entry of an epoch's line that decides what is best: the lowest.
            None: the last epoch is, as for a game in which no loss says who plays well.
        report: called after each epoch with the network and all lines so far, to draw,
            log or warn; see :mod:`colorize_lib.training.reports`.
        device: where the batches go.
        checkpoint_minutes: how much work a crash may cost.
        show_progress: a bar with the losses and images/s.

    Where several processes train, each calls this alike; a batch is dealt out to them,
    and the first one writes.

    Returns:
        A dictionary for each epoch, with ``epoch`` (from 1), the mean of each loss,
        ``seconds``, ``images_per_second``, and what ``validate`` returned.

    Raises:
        ValueError: fewer pictures than a batch; a batch that the processes cannot
            share; or the checkpoint in ``folder`` is of a run with other settings.
        TrainingDivergedError: a loss is nan or infinite; the last checkpoint is from
            before.
        TrainingStopped: Ctrl-C; the run is saved.
        TrainingHaltedError: a full disk, or what else kept a file from being written.
        BlockingIOError: another training is at work in ``folder``.
    """
    if len(images) < batch_size:
        raise ValueError(
            f"{len(images)} pictures do not fill one batch of {batch_size}"
        )
    per_epoch = len(images) // batch_size
    settings = {"images": list(images.shape), "batch_size": batch_size}
    settings |= {"crop": crop, "flip": flip, "seed": seed}
    folder = Path(folder)

    with processes.holding(folder), halting(folder), _ctrl_c() as stop:
        run = _resume(folder, method, settings)
        while run.epoch < epochs:
            feed = batches(
                images,
                batch_size,
                shuffle=True,
                drop_last=True,
                flip=flip,
                crop=crop,
                seed=seed,
                epoch=run.epoch,
                start_batch=run.batch,
                device=device,
            )
            bar = tqdm(
                feed,
                f"epoch {run.epoch + 1}/{epochs}",
                total=per_epoch,
                initial=run.batch,
                unit="batch",
                disable=not (show_progress and processes.is_first()),
            )
            started = saved = time.monotonic()
            before = run.seconds

            for batch in bar:
                run.add(method.step(*normalize_lab(to_lab(processes.share(batch)))))

                # Now and then, look at the losses and save.
                looks = run.batch % LOOK_EVERY == 0 or run.batch == per_epoch
                stopping = False
                if looks or (stop.is_set() and processes.count() == 1):
                    stopping = processes.any_of(stop.is_set(), device)
                    run.seconds = before + time.monotonic() - started
                    speed = f"{run.batch * batch_size / run.seconds:.0f}"
                    means = _finite(run, folder).items()
                    shown = {name: x for name, x in means if "gradient" not in name}
                    bar.set_postfix(shown, **{"images/s": speed}, refresh=False)
                    minutes = (time.monotonic() - saved) / 60
                    if minutes > checkpoint_minutes or stopping:
                        _save(folder, method, settings, run)
                        saved = time.monotonic()
                if stopping:
                    raise TrainingStopped(
                        f"stopped in epoch {run.epoch + 1} after batch {run.batch} and saved "
                        f"to {folder / 'last.pt'}: run the same again to go on"
                    )

            run.seconds = before + time.monotonic() - started
            _finish_epoch(run, method, folder, validate, batch_size, best_by)
            if report and processes.is_first():
                report(method.network, run.history)
            _save(folder, method, settings, run)
    processes.wait()
    return run.history


def _finish_epoch(run, method, folder, validate, batch_size, best_by):
    line = {
        "epoch": run.epoch + 1,
        **_finite(run, folder),
        "seconds": run.seconds,
        "images_per_second": run.batch * batch_size / run.seconds,
        **(validate(method.network) if validate else {}),
    }
    history = [*run.history, line]
    is_best = not best_by or line[best_by] == min(past[best_by] for past in history)
    if is_best and processes.is_first():
        best = {"network": method.network.state_dict(), "line": line}
        save_checkpoint(best, folder / "best.pt")
    vars(run).update(vars(Progress(epoch=run.epoch + 1, history=history)))


def _save(folder, method, settings, run):
    if not all(x.isfinite().all() for x in method.network.parameters()):
        raise _diverged("a weight", run, folder)
    if not processes.is_first():
        return
    # The log first: it is written anew each time, and after the last epoch there is no
    # other time.
    with replacing(folder / "log.jsonl") as log:
        log.writelines(f"{json.dumps(line)}\n".encode() for line in run.history)
    state = {"settings": settings, "run": asdict(run), "method": method.state_dict()}
    save_checkpoint(state | {"random": random_state()}, folder / "last.pt")


def _resume(folder, method, settings):
    if processes.is_first():
        for name in WRITTEN:
            sweep(folder / name, abandoned=0)  # of a run killed while it wrote
    if not (folder / "last.pt").exists():
        return Progress()
    state = load_checkpoint(folder / "last.pt")
    differing = [
        f"{name} {state['settings'].get(name)}, now {value}"
        for name, value in settings.items()
        if state["settings"].get(name) != value
    ]
    if differing:
        raise ValueError(
            f"the run in {folder} was started with {'; '.join(differing)}: "
            "give the same settings to go on, or another folder to start afresh"
        )
    method.load_state_dict(state["method"])
    restore_random_state(state["random"])
    return Progress(**state["run"])


def _finite(run, folder):
    means = run.means()
    for name, value in means.items():
        if not abs(value) < float("inf"):  # true for nan too
            raise _diverged(f"the loss {name!r}", run, folder)
    return means


def _diverged(what, run, folder):
    return TrainingDivergedError(
        f"{what} is no longer a number, in epoch {run.epoch + 1} by batch {run.batch}. "
        "The usual remedies: a lower learning rate, precision='float32', a look at the "
        f"pictures. The last checkpoint in {folder}, if there is one, is from before."
    )


@contextmanager
def halting(folder: Path, *, begun: bool = True) -> Iterator[None]:
    """Add to an error of the disk what is kept of a run, and how to go on.

    Args:
        folder: of the run, or of one of its stages.
        begun: False lets an error pass as it is where no checkpoint is there yet.

    Raises:
        TrainingHaltedError: in place of any OSError but a folder that is in use.
    """
    try:
        yield
    except (TrainingHaltedError, BlockingIOError):
        raise
    except OSError as error:
        checkpoints = [*folder.glob("last.pt"), *folder.glob("*/last.pt")]
        if not (checkpoints or begun):
            raise
        kept = (
            _kept(checkpoints) if checkpoints else f"No checkpoint is in {folder} yet"
        )
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        remedy = "Free some space" if full else "Mend that"
        raise TrainingHaltedError(
            f"{error}. {kept}. {remedy}, then run the same again to go on"
        ) from error


def _kept(checkpoints):
    newest = max(checkpoints, key=lambda path: path.stat().st_mtime)
    run = load_checkpoint(newest)["run"]
    place = f"the end of epoch {run['epoch']}"
    if run["batch"]:
        place = f"batch {run['batch']} of epoch {run['epoch'] + 1}"
    return f"Kept is {newest}, from {place}"


@contextmanager
def _ctrl_c():
    """Turn the first Ctrl-C into a flag, so that no step is cut in half."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop  # signals go to the main thread only
        return

    def request(number, frame):
        stop.set()
        signal.signal(signal.SIGINT, previous)

    previous = signal.signal(signal.SIGINT, request)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, previous)
