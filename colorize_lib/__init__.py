"""The tested library behind the book Learning to Colorize."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from colorize_lib.inference import colorize as colorize


def __getattr__(name):
    # On demand: `import colorize_lib.color` needs neither pictures nor networks.
    if name == "colorize":
        from colorize_lib.inference import colorize

        return colorize
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
