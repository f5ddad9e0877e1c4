"""The loop that every method shares: progress, log, checkpoints, resume.

Taught in chapter 3.
"""

import json
import math
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Protocol

import torch
from torch import Tensor, nn
from tqdm import tqdm

from colorize_lib.color import normalize_lab
from colorize_lib.files import replacing, sweep
from colorize_lib.photos import batches, to_lab
from colorize_lib.slips import missing_file
from colorize_lib.training import distributed


class Method(Protocol):
    """A way to train: networks, optimizers, and the step that ties them together."""

    network: nn.Module  # the one that colors

    def step(self, l: Tensor, ab: Tensor) -> dict[str, Tensor]: ...
    def state_dict(self) -> dict: ...
    def load_state_dict(self, state: dict) -> None: ...


class TrainingDivergedError(RuntimeError):
    """A loss or a weight is no longer a number."""


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

    def after_epoch(
        self, means: dict, seconds: float, images: int, scores: dict
    ) -> "Progress":
        """Of a run that has finished its epoch, with a line for it."""
        line = {"epoch": self.epoch + 1, **means, "seconds": seconds}
        line |= {"images_per_second": images / seconds, **scores}
        return Progress(self.epoch + 1, history=[*self.history, line])


def fit(
    method: Method,
    images: Sequence,
    folder: Path,
    *,
    epochs: int,
    batch_size: int,
    crop: int | None = None,
    seed: int = 0,
    validate: Callable[[nn.Module], dict[str, float]] | None = None,
    best_by: str | None = "loss",
    report: Callable[[nn.Module, list[dict]], None] | None = None,
    device: torch.device | str = "cpu",
    checkpoint_minutes: float = 2,
    show_progress: bool = True,
) -> list[dict]:
    """Train a method; where ``folder`` holds a checkpoint, go on from it.

    On a CPU a resumed run ends with the same weights as an undisturbed one, to the last
    bit. Into ``folder`` go ``last.pt`` (all that is needed to go on), ``best.pt`` (the
    coloring network alone, of the epoch that ``best_by`` chooses) and ``log.jsonl`` (a
    line an epoch).

    Args:
        method: what a step is, see :class:`Method`; its networks lie on ``device``.
        images: photographs uint8 ``(n, 3, H, W)`` or drawn scenes in float Lab, see
            :func:`colorize_lib.photos.batches.batches`.
        folder: of this run, and of no other.
        epochs: in all, those of earlier calls included.
        batch_size: pictures a step, of all processes together; what does not fill a
            last batch waits for another epoch.
        crop: side in pixels of a random crop; None takes pictures whole. Either way
            each is mirrored left to right with probability 1/2.
        seed: of the order and the augmentation. Initial weights are the caller's.
        validate: scores of the network after each epoch, by names of your choice.
        best_by: the entry of an epoch's line that decides what is best: the lowest.
            None: the last epoch is, as where two networks train against each other and
            no loss says how well.
        report: called after each epoch with the network and all lines so far.
        device: where the batches go.
        checkpoint_minutes: how much work a crash or Ctrl-C may cost; an epoch's end is
            saved, too.
        show_progress: a bar with the losses and images/s.

    Returns:
        A dictionary for each epoch, with ``epoch`` (from 1), the mean of each loss,
        ``seconds``, ``images_per_second``, and what ``validate`` returned.

    Raises:
        ValueError: fewer pictures than a batch; a batch that the processes cannot
            share; or the checkpoint in ``folder`` is of a run with other settings.
        TrainingDivergedError: a loss or a weight is nan or infinite; the last
            checkpoint is from before.
        KeyboardInterrupt: Ctrl-C, with the last checkpoint in its message.
        OSError: a file could not be written; the last checkpoint is intact.
        BlockingIOError: another training is at work in ``folder``.
    """
    settings = {"images": list(images.shape), "batch_size": batch_size}
    settings |= {"crop": crop, "seed": seed}
    folder = Path(folder)
    with distributed.holding(folder), _naming_the_last_save(folder):
        run = _resume(folder, method, settings)
        for epoch in range(run.epoch, epochs):
            feed = batches(
                images, batch_size, shuffle=True, drop_last=True, flip=True, crop=crop,
                seed=seed, epoch=epoch, start_batch=run.batch, device=device,
            )  # fmt: skip
            saved = time.monotonic()
            started = saved - run.seconds
            with _bar(run, epochs, len(images), batch_size, show_progress) as bar:
                for batch in feed:
                    l, ab = normalize_lab(to_lab(distributed.share(batch)))
                    run.add(method.step(l, ab))
                    # To look at a loss makes a GPU wait until it is computed. So not
                    # after each batch: when the bar is drawn anew, and to save.
                    if bar.update(batch_size):
                        bar.set_postfix(_shown(_finite_means(run, method)))
                    if time.monotonic() - saved > 60 * checkpoint_minutes:
                        run.seconds = time.monotonic() - started
                        _save(run, method, folder, settings, best_by)
                        saved = time.monotonic()
                means = distributed.average(_finite_means(run, method))
                bar.set_postfix(_shown(means))
            seconds = time.monotonic() - started
            scores = validate(method.network) if validate else {}
            run = run.after_epoch(means, seconds, run.batch * batch_size, scores)
            if report and distributed.is_first():
                report(method.network, run.history)
            _save(run, method, folder, settings, best_by)
    distributed.wait()
    return run.history


# ------------------------------------------------------------ what a run shows


def _bar(run, epochs, count, batch_size, show):
    return tqdm(
        desc=f"epoch {run.epoch + 1}/{epochs}",
        total=count // batch_size * batch_size,
        initial=run.batch * batch_size,
        unit=" images",
        mininterval=1,
        disable=not (show and distributed.is_first()),
    )


def _shown(means):
    """What fits into a line."""
    return {name: mean for name, mean in means.items() if "gradient" not in name}


def _finite_means(run, method):
    """The mean of each loss so far: the one place where a run is seen to diverge."""
    means = {name: float(run.sums[name]) / n for name, n in run.counts.items()}
    broken = [f"the loss {name!r}" for name, x in means.items() if not math.isfinite(x)]
    if not all(weights.isfinite().all() for weights in method.network.parameters()):
        broken.append("a weight")
    if broken:
        raise TrainingDivergedError(
            f"{broken[0]} is no longer a number, in epoch {run.epoch + 1} by batch "
            f"{run.batch}. The usual remedies: a lower learning rate, "
            "precision='float32', a look at the pictures. The last checkpoint, if there "
            "is one, is from before"
        )
    return means


@contextmanager
def _naming_the_last_save(folder: Path) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        kept = last_save(folder)
        raise KeyboardInterrupt(f"{kept}. Run the same again to go on") from None


def last_save(folder: Path) -> str:
    """What is kept of a run, in words: its newest checkpoint, and how far that is."""
    saves = [*Path(folder).glob("last.pt"), *Path(folder).glob("*/last.pt")]
    if not saves:
        return f"No checkpoint is in {folder} yet"
    newest = max(saves, key=lambda path: path.stat().st_mtime)
    run = Progress(**load_checkpoint(newest)["run"])
    within = f"batch {run.batch} of epoch {run.epoch + 1}"
    return f"Kept is {newest}, from {within if run.batch else f'epoch {run.epoch}'}"


# ------------------------------------------------------------ what a run keeps


def _save(run, method, folder, settings, best_by):
    _finite_means(run, method)
    if not distributed.is_first():
        return
    # last.pt comes last: what a full disk keeps from being written is made up for when
    # the run goes on from before.
    with replacing(folder / "log.jsonl") as log:
        log.writelines(f"{json.dumps(line)}\n".encode() for line in run.history)
    epoch_is_done = run.batch == 0
    scores = [line[best_by] for line in run.history] if best_by else []
    if epoch_is_done and (not best_by or scores[-1] == min(scores)):
        best = {"network": method.network.state_dict(), "line": run.history[-1]}
        save_checkpoint(best, folder / "best.pt")
    state = {"settings": settings, "run": asdict(run), "method": method.state_dict()}
    save_checkpoint(state | {"random": _random_state()}, folder / "last.pt")


def _resume(folder, method, settings):
    if distributed.is_first():
        for name in ("last.pt", "best.pt", "log.jsonl"):
            sweep(folder / name, abandoned=0)  # of a run killed while it wrote
    if not (folder / "last.pt").exists():
        return Progress()
    state = load_checkpoint(folder / "last.pt")
    before = state["settings"]
    differing = [
        f"{name} {before.get(name)}, now {value}"
        for name, value in settings.items()
        if before.get(name) != value
    ]
    if differing:
        raise ValueError(
            f"the run in {folder} was started with {'; '.join(differing)}: "
            "give the same settings to go on, or another folder to start afresh"
        )
    method.load_state_dict(state["method"])
    _restore_random_state(state["random"])
    return Progress(**state["run"])


def save_checkpoint(state: dict, path: Path) -> None:
    """Write a checkpoint; at every moment ``path`` is the old or the new one, whole.

    Args:
        state: tensors, numbers, strings, and lists and dicts of them.
        path: the file; its folder is made where it is missing.

    Raises:
        OSError: a full disk, or a folder that cannot be written; the old one is intact.
    """
    with replacing(path) as file:
        torch.save(state, file)


def load_checkpoint(path: Path) -> dict:
    """Read a checkpoint to the CPU, running no code that the file may hold.

    Raises:
        FileNotFoundError: there is none.
        ValueError: the file is no checkpoint, is damaged, or is more than plain data.
    """
    path = Path(path)
    if not path.exists():
        raise missing_file(path, f"no checkpoint at {path}")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # on damaged input torch raises nearly anything
        # Not in torch's words, which advise to switch the safety off.
        reason = "damaged, cut short or none at all"
        if zipfile.is_zipfile(path) and isinstance(error, UnpicklingError):
            reason = "it holds more than plain data, which could be a program"
        raise ValueError(
            f"{path} is not a whole checkpoint ({reason}); "
            "remove it to start afresh, or put another in its place"
        ) from error


def _random_state():
    """Of torch's generators, so that dropout goes on where it was."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "cuda": cuda}


def _restore_random_state(state):
    torch.set_rng_state(state["cpu"])
    # GPUs stay alone where their number has changed.
    if len(state["cuda"]) == torch.cuda.device_count() > 0:
        torch.cuda.set_rng_state_all(state["cuda"])
