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
    """The end of a sentence, which asks for the names near it; empty if there are none.

    As ``"; did you mean car or cart?"``.
    """
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


# ------------------------------------------------------------ pictures


def check_picture(x: Any, name: str, channels: int, batch: str = "*") -> None:
    """Refuse what is no tensor of pictures, with the code that makes one of it.

    Args:
        x: should be ``(*, channels, H, W)``.
        name: what the caller calls it.
        channels: how many it should have.
        batch: "*" for any dimensions before the channels, "B" for exactly one.

    Raises:
        TypeError: no tensor, such as a NumPy array or a Pillow image.
        ValueError: another shape.
    """
    wanted = f"({batch}, {channels}, H, W)"
    if not isinstance(x, Tensor):
        given, code = _given(x, name, channels, batch)
        raise TypeError(
            f"{name} must be a tensor of shape {wanted}, not {given}{_give(code)}"
        )
    turned = _turned(x.shape, channels, batch)
    if turned != "":
        code = turned and name + turned
        raise ValueError(
            f"{name} must have shape {wanted}, not {tuple(x.shape)}{_give(code)}"
        )


def check_tensor(x: Any, name: str) -> None:
    """Refuse what is no tensor, where any shape will do; as :func:`check_picture`.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(x, Tensor):
        given, code = _given(x, name, 3, "*")
        raise TypeError(f"{name} must be a tensor, not {given}{_give(code)}")


# ------------------------------------------------------------ parts


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


def _given(x, name, channels, batch):
    """What it is called, and the code that makes the wanted tensor of it, or None."""
    if isinstance(x, np.ndarray):
        turned = _turned(x.shape, channels, batch) or ""
        given = f"a NumPy array of shape {x.shape}"
        return given, f"torch.from_numpy({name}){turned}"
    if hasattr(x, "getbands"):  # needs no import of Pillow
        turned = _turned((8, 8, 3), channels, batch)
        array = f'torch.from_numpy(np.array({name}.convert("RGB")))'
        return "a Pillow image", turned and array + turned
    return type(x).__name__, None


def _turned(shape, channels, batch):
    """The calls after which the shape is wanted: none at all, or None if none help."""
    n = len(shape)
    if n < 3 or (batch == "B" and n > 4) or channels not in (shape[-3], shape[-1]):
        return None
    order = (*range(n - 3), n - 1, n - 3, n - 2)
    turned = "" if shape[-3] == channels else f".permute{order}"
    return turned + ("[None]" if batch == "B" and n == 3 else "")


def _give(code):
    return f"; give {code}" if code else ""
