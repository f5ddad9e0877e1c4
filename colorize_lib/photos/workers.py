"""Reading many photographs with several processes, in order."""

import multiprocessing
import os
import threading
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import NamedTuple

import numpy as np
import torch

from colorize_lib.photos.filters import mean_chroma
from colorize_lib.photos.reading import Fit, UnreadablePhoto, read_photo
from colorize_lib.photos.sources import Photo

CHUNK = 16  # photographs a task: it must cost more than its way to another process


class Reading(NamedTuple):
    """A photograph's pixels and mean chroma, or the reason why there are none."""

    pixels: np.ndarray | None
    chroma: float = 0.0
    reason: str = ""


def read_all(
    photos: Sequence[Photo], size: int, fit: Fit, workers: int
) -> Iterator[Reading]:
    """One Reading for each photograph, in order.

    Raises:
        OSError: the disk or the network failed (a picture that is merely damaged
            becomes a reason).
        RuntimeError: a worker process was ended from outside.
    """
    read = partial(_read_one, size=size, fit=fit)
    if workers == 1 or len(photos) <= CHUNK:
        yield from map(read, photos)
        return
    # Never by fork: torch has threads by now, and the copy of a locked lock stays
    # locked for ever. A fork server imports torch once, not once a process.
    server = "forkserver" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if server else "spawn")
    if server:
        context.set_forkserver_preload([__name__])
    pool = ProcessPoolExecutor(workers, context, initializer=_start_worker)
    try:
        yield from pool.map(read, photos, chunksize=CHUNK)
    except BrokenProcessPool as error:
        raise RuntimeError(
            "a process that read photographs was ended from outside, for lack of memory "
            "perhaps: call prepare(workers=1)"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def usual_workers(count: int) -> int:
    """How many processes pay: they need the time of several hundred pictures to start.

    Counted are the cores that we may use, where the system tells.
    """
    if count < 1000:
        return 1
    allowed = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))
    return min(len(allowed(0)), 16)


def refuse_in_starting_worker() -> None:
    """Raise in a worker that, while starting, runs the script that started it.

    It would loop.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise RuntimeError(
            'put the script\'s code under if __name__ == "__main__":, '
            "or call prepare(workers=1)"
        )


def _start_worker():
    # A parent that is killed outright cannot stop its workers: they would wait for work
    # for ever.
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    multiprocessing.parent_process().join()
    os._exit(1)


def _read_one(photo, size, fit):
    # One picture keeps one thread busy; with more, the threads take turns at nothing
    # and everything takes up to four times as long.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with photo.open() as file:
            pixels = read_photo(file, size, fit=fit, name=photo.name)
        return Reading(pixels.numpy(), round(float(mean_chroma(pixels)), 3))
    except UnreadablePhoto as error:
        return Reading(None, reason=f"{error.reason}; {error.remedy}")
    except (zipfile.BadZipFile, NotImplementedError, PermissionError) as error:
        reason = f"cannot be taken out of where it lies ({error})"
        return Reading(None, reason=f"{reason}; unpack it or allow reading")
    finally:
        torch.set_num_threads(threads)
