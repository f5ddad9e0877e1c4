"""Reading many photographs with several processes, in order."""

import multiprocessing
import os
import threading
import zipfile
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from hashlib import sha256
from typing import NamedTuple

import numpy as np
import torch

from colorize_lib.photos.filters import mean_chroma
from colorize_lib.photos.reading import Fit, UnreadablePhoto, read_photo
from colorize_lib.photos.sources import Photo

CHUNK = 16  # photographs a task: it must cost more than its way to another process


class Reading(NamedTuple):
    """What became of a photograph.

    Its pixels, their SHA-256 and mean chroma; or the reason why there are none.
    """

    pixels: np.ndarray | None
    sha256: str = ""
    chroma: float = 0.0
    reason: str = ""


def read_all(
    photos: Sequence[Photo], size: int, fit: Fit, workers: int
) -> Iterator[Reading]:
    """One Reading for each photograph, in order.

    Other processes read; where they fail or do not pay, this one does.

    Raises:
        RuntimeError: called while a worker process is starting, from a script without a
            main guard.
        OSError: the disk or the network failed (a picture that is merely damaged
            becomes a reason).
    """
    chunks = [photos[i : i + CHUNK] for i in range(0, len(photos), CHUNK)]
    done = 0
    if workers > 1 and len(chunks) > 1:
        try:
            for readings in _in_processes(chunks, size, fit, workers):
                yield from readings
                done += 1
            return
        except BrokenProcessPool:
            print("the worker processes ended; reading in one process", flush=True)
    for chunk in chunks[done:]:
        yield from _read_chunk(chunk, size, fit)


def usual_workers(count: int) -> int:
    """How many processes pay.

    They need two seconds to start: time for several hundred pictures.
    """
    if count < 1000:
        return 1
    # Those that we may use, where the system tells: a container has not all of them.
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


# ------------------------------------------------------------ parts


def _in_processes(chunks, size, fit, workers):
    # Never by fork: torch has threads by now, and the copy of a locked lock stays
    # locked for ever.
    forkserver = "forkserver" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if forkserver else "spawn")
    if forkserver:
        # Import torch once, not once a process.
        context.set_forkserver_preload(["colorize_lib.photos.workers"])
    with ProcessPoolExecutor(
        workers, mp_context=context, initializer=_start_worker
    ) as pool:
        pending = deque()
        try:
            for chunk in chunks:
                pending.append(pool.submit(_read_chunk, chunk, size, fit))
                # No further ahead, or the pixels pile up in memory.
                if len(pending) > 2 * workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def _start_worker():
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    # A parent that is killed outright cannot stop its workers: they would wait for work
    # for ever.
    multiprocessing.parent_process().join()
    os._exit(1)


def _read_chunk(chunk, size, fit):
    # One picture keeps one thread busy; with more, the threads take turns at nothing
    # and everything takes up to four times as long.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [_read_one(photo, size, fit) for photo in chunk]
    finally:
        torch.set_num_threads(threads)


def _read_one(photo, size, fit):
    try:
        with photo.open() as file:
            pixels = read_photo(file, size, fit=fit, name=photo.name)
    except UnreadablePhoto as error:
        return Reading(None, reason=f"{error.reason}; {error.remedy}")
    except (zipfile.BadZipFile, NotImplementedError, PermissionError) as error:
        reason = f"cannot be taken out of where it lies ({error})"
        return Reading(None, reason=f"{reason}; unpack it or allow reading")
    pixels_hash = sha256(pixels.numpy()).hexdigest()
    return Reading(pixels.numpy(), pixels_hash, round(float(mean_chroma(pixels)), 3))
