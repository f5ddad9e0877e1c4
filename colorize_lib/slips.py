"""What a slip is told: what was wanted, what was given, and the names near it."""

import difflib
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

LOOKED_THROUGH = 10_000  # files of a folder: the names of more take seconds to compare


# ------------------------------------------------------------ names


class UnknownName(KeyError):
    """A KeyError that prints its sentence; a plain one prints it quoted and escaped."""

    def __str__(self) -> str:
        return str(self.args[0])


class Named(dict):
    """A dictionary that answers an unknown name with the names near it.

    Args:
        entries: as of a dictionary.
        called: what its readers call it.

    Raises:
        UnknownName: by ``[]``; ``get`` and ``in`` are those of any dictionary.
    """

    def __init__(self, entries: Any = (), called: str = "this dictionary"):
        super().__init__(entries)
        self.called = called

    def __missing__(self, name):
        raise UnknownName(
            f"{self.called} has no {name!r}; list({self.called}) names all"
            f"{did_you_mean(name, self)}"
        )


def near_names(name: Any, names: Iterable[Any]) -> list[str]:
    """Up to three of the other names, the nearest first, whatever their case."""
    others = (str(each) for each in names if str(each) != str(name))
    known = {each.casefold(): each for each in others}
    near = difflib.get_close_matches(str(name).casefold(), known)
    return [known[each] for each in near]


def did_you_mean(name: Any, names: Iterable[Any]) -> str:
    """The end of a sentence, as ``"; did you mean car or cart?"``; may be empty."""
    return _question(near_names(name, names))


def missing_file(path: str | Path, said: str | None = None) -> FileNotFoundError:
    """The error for a path at which there is nothing, with the paths near it.

    Args:
        path: what was looked for. Of a relative one, the error says in which folder.
        said: what the error begins with; by default, that the path does not exist.
    """
    path = Path(path)
    where = "" if path.is_absolute() else f" (looked in {Path.cwd()})"
    said = said or f"{path} does not exist"
    return FileNotFoundError(f"{said}{where}{_question(_near_paths(path))}")


# ------------------------------------------------------------ tensors


def check_picture(x: Any, name: str, channels: int, batch: str = "*") -> None:
    """Refuse what is no tensor of images, with the code that makes one of it.

    Args:
        x: should be ``(*, channels, H, W)``.
        name: what the caller calls it.
        channels: how many it should have.
        batch: "*" for any dimensions before the channels, "B" for exactly one.

    Raises:
        TypeError: no tensor, such as a NumPy array or a Pillow image.
        ValueError: another shape.
    """
    check_tensor(x, name, channels, batch)
    turned = _turned(x.shape, channels, batch)
    if turned != "":
        wanted = f"({batch}, {channels}, H, W)"
        code = f"; give {name}{turned}" if turned else ""
        raise ValueError(f"{name} must have shape {wanted}, not {tuple(x.shape)}{code}")


def check_tensor(x: Any, name: str, channels: int = 3, batch: str = "*") -> None:
    """Refuse what is no tensor with a TypeError, as :func:`check_picture` does."""
    if isinstance(x, Tensor):
        return
    given, code, turned = type(x).__name__, "", None
    if isinstance(x, np.ndarray):
        given, code = f"a NumPy array of shape {x.shape}", f"torch.from_numpy({name})"
        turned = _turned(x.shape, channels, batch) or ""
    elif hasattr(x, "getbands"):  # needs no import of Pillow
        given = "a Pillow image"
        code = f'torch.from_numpy(np.array({name}.convert("RGB")))'
        turned = _turned((8, 8, 3), channels, batch)
    give = "" if turned is None else f"; give {code}{turned}"
    shape = f"({batch}, {channels}, H, W)"
    raise TypeError(f"{name} must be a tensor of shape {shape}, not {given}{give}")


def _turned(shape, channels, batch):
    """The calls after which the shape is wanted: none at all, or None if none help."""
    n = len(shape)
    if n < 3 or (batch == "B" and n > 4) or channels not in (shape[-3], shape[-1]):
        return None
    order = (*range(n - 3), n - 1, n - 3, n - 2)
    turned = "" if shape[-3] == channels else f".permute{order}"
    return turned + ("[None]" if batch == "B" and n == 3 else "")


# ------------------------------------------------------------ questions


def _question(near):
    *others, last = near or [""]
    listed = f"{', '.join(others)} or {last}" if others else last
    return f"; did you mean {listed}?" if near else ""


def _near_paths(path):
    """Near the path or, where folders of it are missing, near the first of those."""
    with suppress(OSError):  # a folder that may not be listed tells no names
        here = (each for each in (path, *path.parents) if each.parent.is_dir())
        missing = next(here, path)
        names = islice(missing.parent.iterdir(), LOOKED_THROUGH)
        near = near_names(missing.name, (each.name for each in names))
        return [str(missing.with_name(name)) for name in near]
    return []
