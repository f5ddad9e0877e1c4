"""``index.json`` of a prepared set: what each row is, and whether it is intact."""

import json
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from colorize_lib.files import replacing
from colorize_lib.photos.filters import is_near_gray
from colorize_lib.photos.sources import Source

# Of the two files, and of how pixels and flags are made. Raise it when any of that
# changes: old sets are then left alone, and new ones made beside them.
FORMAT = 1


class DamagedSet(ValueError):
    """A prepared set whose files are not what was written.

    ``names`` are the pictures concerned; empty if it is the index itself.
    """

    def __init__(self, message: str, names: tuple[str, ...] = ()):
        super().__init__(message)
        self.names = names


def make_index(source: Source, size: int, fit: str, entries: list[dict]) -> dict:
    """The index of a set, from the entries of its journal.

    Raises:
        ValueError: no photograph could be read.
    """
    read = [entry for entry in entries if "reason" not in entry]
    skipped = [entry for entry in entries if "reason" in entry]
    if not read:
        example = f"; {skipped[0]['name']}: {skipped[0]['reason']}" if skipped else ""
        raise ValueError(
            f"source {source.name}: none of {len(source)} photographs can be read"
            f"{example}"
        )
    first_of, group_of = {}, _joined_groups(read)
    pictures = [
        {
            **entry,
            "group": group_of[entry["group"]],
            "near_gray": is_near_gray(entry["chroma"]),
            "duplicate_of": _first_twin(entry, first_of),
        }
        for entry in read
    ]
    return {
        "format": FORMAT,
        "source": source.name,
        "size": size,
        "fit": fit,
        "pictures": pictures,
        "skipped": skipped,
    }


def _first_twin(entry, first_of):
    first = first_of.setdefault(entry["sha256"], entry["name"])
    return None if first == entry["name"] else first


def _joined_groups(entries):
    """What each group has become: those that share a picture's pixels are one."""
    leader = {entry["group"]: entry["group"] for entry in entries}

    def lead(group):
        while leader[group] != group:
            group = leader[group]
        return group

    group_with = {}
    for entry in entries:
        twin = group_with.setdefault(entry["sha256"], entry["group"])
        # The name that sorts first leads: the order of the pictures does not matter.
        first, second = sorted((lead(entry["group"]), lead(twin)))
        leader[second] = first
    return {group: lead(group) for group in leader}


# ------------------------------------------------------------ on the disk


def write_index(folder: Path, index: dict) -> None:
    """Write ``index.json``, with a checksum of itself."""
    with replacing(folder / "index.json") as file:
        file.write(
            json.dumps({"checksum": _checksum(index), **index}, indent=1).encode()
        )


def read_index(folder: Path) -> dict:
    """Read ``index.json``.

    Raises:
        FileNotFoundError: there is none.
        DamagedSet: its checksum is wrong.
    """
    path = folder / "index.json"
    try:
        index = json.loads(path.read_bytes())
        intact = index.pop("checksum") == _checksum(index)
    except (ValueError, KeyError, TypeError, AttributeError):
        intact = False
    if not intact:
        raise DamagedSet(f"{path} is damaged; delete {folder} and call prepare again")
    return index


def damaged_names(folder: Path, index: dict) -> tuple[str, ...]:
    """The names of the pictures whose pixels do not match their checksum."""
    pictures, size = index["pictures"], index["size"]
    with (folder / "pixels.bin").open("rb") as file:
        wrong = [
            p["name"]
            for p in pictures
            if sha256(file.read(3 * size * size)).hexdigest() != p["sha256"]
        ]
        too_long = bool(file.read(1))
    return tuple(wrong) or ((pictures[-1]["name"],) if too_long else ())


def shape_of(index: dict) -> tuple[int, int, int, int]:
    return len(index["pictures"]), 3, index["size"], index["size"]


def listed(names: Iterable[str], most: int = 5) -> str:
    """Names for a message: the first few, and how many more."""
    names = list(names)
    return ", ".join(names[:most]) + (
        f" and {len(names) - most} more" if len(names) > most else ""
    )


def _checksum(index):
    return sha256(json.dumps(index, sort_keys=True).encode()).hexdigest()
