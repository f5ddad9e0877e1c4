"""Train what the chapters show at full scale; store outputs, weights and results.

    make full                           # on COCO sample, which fastai downloads
    COLORIZE_PHOTOS=photos/ make full   # on a folder of yours

Meant for Linux and a GPU; on a CPU it takes days. Interrupted, the same command goes
on: what is finished is not done again. What was done is noted in runs/full.json; remove
it, and runs/, to start afresh."""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import torch

from colorize_lib.files import replacing

ROOT = Path(__file__).parent.parent
# What each chapter shows, in the order in which one builds on another.
CHAPTERS = {
    "03-autoencoder": ["train autoencoder-l1", "train residual-autoencoder"],
    "04-fusion": [
        "compare fusion",
        "train fusion-efficientnet-lite",
        "train fusion-silenced",
    ],
    # The third is shown on the page of attempts.
    "05-unet": [
        "compare unet",
        "train unet-squeezenet",
        "compare ideas",
        "train unet-efficientnet-lite",
    ],
    "06-patchgan": [],
    "07-pix2pix": ["land", "compare games", "train pix2pix"],
    "08-wgan-gp": ["train wgan-gp"],
    # The next chapter's model belongs into the table of this one.
    "09-evaluation": ["train unet-squeezenet-classes", "evaluate"],
    "10-why-brown": [
        "compare losses",
        "count colors",
        "find odds",
        "read odds",
        "try answers",  # for the page of attempts
    ],
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--trial",
        action="store_true",
        help="one epoch at 32 pixels and one seed: to see in a copy of the repository "
        "that all goes through",
    )
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print("no GPU is seen: this will take days", file=sys.stderr)
    record = Record(ROOT / "runs" / "full.json")
    for chapter, pieces in CHAPTERS.items():
        for piece in [*pieces, f"run {chapter}"]:
            if record.is_done(piece):
                continue
            print(f"\n{chapter}: {piece}", flush=True)
            try:
                for command in commands(piece, options.trial):
                    record.run(piece, command)
            except subprocess.CalledProcessError as error:
                print(f"{piece}: failed; make full goes on here", file=sys.stderr)
                return error.returncode
            except KeyboardInterrupt:
                print(f"{piece}: stopped; make full goes on here", file=sys.stderr)
                return 1
            record.finish(piece)
        print(record.summary(chapter, [*pieces, f"run {chapter}"]))
    return 0


def commands(piece: str, trial: bool) -> list[list[str]]:
    """What a piece of work runs, by the Python of this environment."""
    kind, _, name = piece.partition(" ")
    data = os.environ.get("COLORIZE_PHOTOS", "")
    data = [
        word for path in data.split(os.pathsep) if path for word in ("--data", path)
    ]
    seeds = ["--seeds", "1"] if trial else []
    if kind == "train":
        small = ["--at-most-size", "32", "--at-most-epochs", "1"] if trial else []
        train = ["-m", "colorize_lib.cli", "train", name, "--folder", f"runs/{name}"]
        return [[*train, *data, *small], ["tools/store_model.py", f"runs/{name}"]]
    if kind == "compare":
        return [["tools/compare_networks.py", name, *data, *seeds]]
    if kind == "land":
        return [["tools/land_on_scenes.py", *seeds]]
    if kind == "find":
        return [["tools/odds_on_scenes.py", *seeds]]
    if kind == "count":
        return [["tools/count_colors.py", *data]]
    if kind == "read":
        return [["tools/read_odds.py", *data]]
    if kind == "try":
        return [["tools/try_after_training.py", *data]]
    if kind == "evaluate":
        return [["tools/evaluate_models.py", *data]]
    return [["tools/run_chapters.py", f"book/{name}.ipynb"]]


class Record:
    """What is done, in how many minutes and with how much memory, kept in a file."""

    def __init__(self, path: Path):
        self.path = path
        self.pieces = json.loads(path.read_text()) if path.exists() else {}

    def is_done(self, piece: str) -> bool:
        """Whether it was finished, by this call or an earlier one."""
        return self.pieces.get(piece, {}).get("done", False)

    def finish(self, piece: str) -> None:
        """Note that all its commands went through."""
        self.pieces[piece]["done"] = True
        self._write()

    def run(self, piece: str, command: list[str]) -> None:
        """Run a command of a piece; what it took counts, even if it is cut off.

        Raises:
            subprocess.CalledProcessError: it failed.
        """
        started, gpu = time.monotonic(), GpuMemory()
        environment = os.environ | {
            "COLORIZE_SCALE": "full",
            "COLORIZE_LOAD": "1",
            "COLORIZE_RUNS": str(ROOT / "runs"),  # chapter 4 looks into its networks
        }
        process = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=environment
        )
        try:
            with gpu:
                _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        except KeyboardInterrupt:  # sent to the command, too, which saves and stops
            process.wait()
            raise
        else:
            self._add(piece, memory=usage.ru_maxrss * 1024)
        finally:
            self._add(piece, minutes=(time.monotonic() - started) / 60, gpu=gpu.peak)
            self._write()
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)

    def summary(self, chapter: str, pieces: list[str]) -> str:
        """A line: the minutes of a chapter and the peaks of its memory."""
        done = [self.pieces[piece] for piece in pieces]
        minutes = sum(piece.get("minutes", 0) for piece in done)
        memory = max(piece.get("memory", 0) for piece in done) / 2**30
        gpu = max(piece.get("gpu", 0) for piece in done) / 2**30
        line = f"{chapter}: {minutes:.0f} minutes, at most {memory:.1f} GiB of memory"
        return f"{line} and {gpu:.1f} GiB on the GPU" if gpu else line

    def _add(self, piece, minutes=0.0, memory=0, gpu=0):
        known = self.pieces.setdefault(piece, {"done": False})
        known["minutes"] = known.get("minutes", 0) + minutes
        known["memory"] = max(known.get("memory", 0), memory)
        known["gpu"] = max(known.get("gpu", 0), gpu)

    def _write(self):
        with replacing(self.path) as file:
            file.write((json.dumps(self.pieces, indent=1) + "\n").encode())


class GpuMemory:
    """Watches how much of the GPU's memory is in use, by whatever process."""

    def __init__(self):
        self.peak, self._over = 0, threading.Event()

    def __enter__(self) -> None:
        if torch.cuda.is_available():
            threading.Thread(target=self._watch, daemon=True).start()

    def __exit__(self, *error: object) -> None:
        self._over.set()

    def _watch(self):
        while not self._over.wait(1):
            free, total = torch.cuda.mem_get_info()
            self.peak = max(self.peak, total - free)


if __name__ == "__main__":
    sys.exit(main())
