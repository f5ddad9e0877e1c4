"""Making a prepared set so that a kill at any moment costs at most one block of work.

The work is done in a folder that ends in ``.partial``: pixels are appended to one file,
and after each block of photographs a line is added to a journal. The next call keeps
what the journal vouches for, cuts off the rest and goes on. When all is there the
folder is renamed, which happens at once or not at all.
"""

import json
import os
import shutil
from contextlib import suppress
from hashlib import sha256
from itertools import islice
from pathlib import Path

from tqdm import tqdm

from colorize_lib.photos.index import make_index, write_index
from colorize_lib.photos.reading import Fit
from colorize_lib.photos.sources import Source
from colorize_lib.photos.workers import read_all

BLOCK = 128  # photographs a journal line; at most so many are read again after a kill


def make(
    home: Path, source: Source, size: int, fit: Fit, workers: int, verbose: bool
) -> None:
    """Make the folder ``home`` of a prepared set, or go on with what was begun."""
    partial = partial_folder(home)
    partial.mkdir(parents=True, exist_ok=True)
    if not (partial / "index.json").exists():  # written last: where it is, all is
        try:
            entries = _kept(partial, source, size)
            _append(partial, source, size, fit, workers, entries, verbose)
            write_index(partial, _index(partial, source, size, fit, entries))
        except BaseException:
            # Give back the bytes of a block cut short. Whole blocks wait for a call.
            with suppress(OSError):
                if not _kept(partial, source, size):
                    shutil.rmtree(partial)
            raise
    (partial / "progress.jsonl").unlink(missing_ok=True)
    partial.rename(home)


def partial_folder(home: Path) -> Path:
    """Where a set is made, before it gets its name."""
    return home.with_name(f"{home.name}.partial")


def _append(partial, source, size, fit, workers, entries, verbose):
    rest = source.photos[len(entries) :]
    readings = zip(rest, read_all(rest, size, fit, workers), strict=True)
    shown = {"desc": source.name, "unit": "photo", "disable": not verbose}
    with (
        (partial / "pixels.bin").open("ab") as pixels,
        (partial / "progress.jsonl").open("ab") as journal,
        tqdm(total=len(source), initial=len(entries), **shown) as bar,
    ):
        while pairs := list(islice(readings, BLOCK)):
            block = [_entry(photo, reading, pixels, bar) for photo, reading in pairs]
            # In this order: a journal line must not vouch for pixels still in memory.
            _to_disk(pixels)
            journal.write(json.dumps(block).encode() + b"\n")
            _to_disk(journal)
            entries += block


def _entry(photo, reading, pixels, bar):
    bar.update()
    if reading.pixels is None:
        return {"name": photo.name, "reason": reading.reason}
    pixels.write(reading.pixels.tobytes())
    return {
        "name": photo.name,
        "group": photo.group,
        "sha256": reading.sha256,
        "chroma": reading.chroma,
    }


def _kept(partial, source, size):
    """What earlier calls finished; what the journal does not vouch for is cut off."""
    pixels_path, journal_path = partial / "pixels.bin", partial / "progress.jsonl"
    pixels_path.touch()
    journal_path.touch()
    entries, good_pixels, good_journal = [], 0, 0
    with pixels_path.open("r+b") as pixels, journal_path.open("r+b") as journal:
        for line in journal:
            block = _intact_block(line, pixels, source.names[len(entries) :], size)
            if block is None:
                break
            entries += block
            good_pixels, good_journal = pixels.tell(), good_journal + len(line)
        pixels.truncate(good_pixels)
        journal.truncate(good_journal)
    return entries


def _index(partial, source, size, fit, entries):
    try:
        return make_index(source, size, fit, entries)
    except ValueError:
        # Not one photograph can be read: there is nothing to keep.
        shutil.rmtree(partial)
        raise


def _intact_block(line, pixels, names, size):
    try:
        block = json.loads(line) if line.endswith(b"\n") else []
    except ValueError:
        return None
    for entry, name in zip(block, names, strict=False):
        read = (
            "reason" in entry
            or sha256(pixels.read(3 * size * size)).hexdigest() == entry["sha256"]
        )
        if entry["name"] != name or not read:
            return None
    return block or None


def _to_disk(file):
    file.flush()
    os.fsync(file.fileno())
