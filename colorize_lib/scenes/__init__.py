"""Drawn scenes whose color distribution given lightness is known exactly.

Colorization has many right answers, but a photograph has one. Here every car is red or
blue at 50 : 50, and nothing in its L says which: so it is known what each loss should
make of it. Taught in chapter 1.

To read from the top: ``draw`` (the entry point), ``kinds`` and ``laws`` (what has which
colors), ``landscape`` and ``village`` (how things look), then ``layout``, ``canvas``
and ``shapes`` (what that rests on).
"""

from .draw import Scenes, draw_scenes
from .kinds import KINDS, LAWS, LIGHTNESS, MIXED
from .laws import HueArc, Palette

__all__ = ["KINDS", "LAWS", "LIGHTNESS", "MIXED"]
__all__ += ["HueArc", "Palette", "Scenes", "draw_scenes"]
