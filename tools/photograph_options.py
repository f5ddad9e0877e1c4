"""The options of scripts that score on photographs: which ones, and on which device."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from colorize_lib.photos import Source, coco_sample, from_path


def parser(doc: str) -> argparse.ArgumentParser:
    """With ``--data``, ``--prepared`` and ``--device``.

    Args:
        doc: of the script, whose first line says what it does.
    """
    made = argparse.ArgumentParser(description=doc.splitlines()[0])
    made.add_argument("--data", type=Path, action="append", default=[])
    made.add_argument("--prepared", type=Path)
    gpu = torch.cuda.is_available()
    made.add_argument("--device", default="cuda" if gpu else "cpu")
    return made


def sources(data: Sequence[Path]) -> list[Source]:
    """The photographs given; without any, COCO sample."""
    return [from_path(path) for path in data] or [coco_sample()]


def names(data: Sequence[Path]) -> str:
    """As result files name them: without the folders of this machine."""
    return ", ".join(path.resolve().name for path in data) or "coco_sample"
