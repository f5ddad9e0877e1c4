"""Figures of networks, drawn from the networks: what is shown is what runs.

Used in chapters 4 to 6.
"""

from dataclasses import dataclass, field

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from colorize_lib.notebook.plots import LINE_COLORS, WIDTH

CONVOLUTIONS = (torch.conv2d, F.conv2d, torch.conv_transpose2d, F.conv_transpose2d)
RESIZING = (F.interpolate, F.pixel_shuffle, torch.pixel_shuffle, F.max_pool2d)
RESIZING += (torch.max_pool2d, F.avg_pool2d, F.adaptive_avg_pool2d)
FROZEN_COLOR, TRAINED_COLOR = "0.85", "#bcd9ee"


@dataclass
class Maps:
    """Feature maps of one size that follow one another in a network.

    Attributes:
        size: (H, W) of all of them; of an input that is a list of numbers, (0, 0).
        channels: of the input, then of what each convolution made.
        made_from: index, in the list of all, of the maps that these are made from.
        carried_from: likewise, of the maps that are concatenated to these: skips.
        convolutions: how many made them.
        frozen: its convolutions are not trained.
    """

    size: tuple[int, int]
    channels: list[int] = field(default_factory=list)
    made_from: int | None = None
    carried_from: list[int] = field(default_factory=list)
    convolutions: int = 0
    frozen: bool = False


def trace_maps(network: nn.Module, *inputs: Tensor) -> list[Maps]:
    """Run a network once and list its feature maps in order, inputs first.

    Args:
        network: of convolutions, pooling, resizing and concatenation.
        inputs: as it is called, for example l of zeros ``(1, 1, 64, 64)``.
    """
    recorder = _Recorder(inputs)
    network.eval()
    with torch.no_grad(), recorder:
        network(*inputs)
    return recorder.maps


def draw_network(network: nn.Module, *inputs: Tensor) -> Figure:
    """Draw a network as its inputs see it: size downward, time to the right.

    A box stands for all maps of one size that follow one another; in it the most and
    the last channels, under it how many convolutions made them. Boxes without any are
    white, frozen ones gray. Dashed arrows are skips. Arguments as of
    :func:`trace_maps`.
    """
    maps = trace_maps(network, *inputs)
    widths = [0.45 + 0.08 * len(_channels(m)) for m in maps]
    left = [sum(widths[:i]) + 0.25 * i for i in range(len(maps))]
    right = left[-1] + widths[-1] + 0.1
    sides = sorted({m.size[0] for m in maps}, reverse=True)
    level = {side: -row for row, side in enumerate(sides)}

    # Of many boxes each gets less room, and so does what is written in it.
    letters = 10 * min(1, WIDTH / (right + 0.9))
    figure, axes = plt.subplots(figsize=(WIDTH, 0.62 * len(sides) + 0.7))
    for m, x, width in zip(maps, left, widths, strict=True):
        end = (x, level[m.size[0]])
        _draw_box(axes, m, *end, width, letters)
        sources = [(m.made_from, "-"), *((j, "--") for j in m.carried_from)]
        for j, style in sources:
            if j is not None:
                start = (left[j] + widths[j], level[maps[j].size[0]])
                _draw_arrow(axes, start, end, style)
    for side in sides:
        name = f"{side} px" if side else "a list"
        axes.text(-0.2, level[side], name, ha="right", va="center")
    axes.set(xlim=(-0.9, right), ylim=(min(level.values()) - 0.6, 0.5))
    axes.axis("off")
    plt.show()
    return figure


# ------------------------------------------------------------ parts


class _Recorder(TorchFunctionMode):
    """Follows every tensor to the maps that it belongs to."""

    def __init__(self, inputs):
        super().__init__()
        self.maps, self.place_of, self.alive = [], {}, []
        for x in inputs:
            self.maps.append(Maps(tuple(x.shape[2:]) or (0, 0), [x.shape[1]]))
            self._remember(x, len(self.maps) - 1)

    def __torch_function__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        known = [id(x) for x in _tensors(args) if id(x) in self.place_of]
        if isinstance(out, Tensor) and known and id(out) not in self.place_of:
            sources = [self.place_of[x] for x in known]
            self._remember(out, self._place(func, args, out, sources))
        return out

    def _place(self, func, args, out, sources):
        """Where ``out`` belongs: to its latest source, or to new maps."""
        place = max(sources)
        if func is torch.cat:
            self._concatenate(place, sources, out)
        if func not in CONVOLUTIONS + RESIZING:
            return place
        convolves = func in CONVOLUTIONS
        frozen = convolves and not args[1].requires_grad
        thaws = self.maps[place].frozen and convolves and not frozen
        place = self._maps_for(tuple(out.shape[2:]), place, thaws)
        maps = self.maps[place]
        maps.channels.append(out.shape[1])
        if convolves:
            maps.convolutions += 1
            maps.frozen = frozen
        return place

    def _concatenate(self, place, sources, out):
        maps = self.maps[place]
        others = [s for s in sources if s != place]
        maps.carried_from += [s for s in others if s not in maps.carried_from]
        if not others and maps.made_from is not None:  # branches of one block
            maps.channels.append(out.shape[1])

    def _maps_for(self, size, place, thaws):
        """Index of the maps, known or new, for what is made from those at ``place``."""
        # The latest, too: a residual block's shortcut is made from the maps before.
        for known in (place, len(self.maps) - 1):
            maps = self.maps[known]
            if maps.size == size and maps.made_from is not None and not thaws:
                return known
        source, maps = self.maps[place], Maps(size, made_from=place)
        if source.made_from is None:  # two inputs, concatenated
            maps.carried_from, source.carried_from = source.carried_from, []
        self.maps.append(maps)
        return len(self.maps) - 1

    def _remember(self, x, place):
        # Kept alive: the id of a tensor that is gone would be given to another.
        self.alive.append(x)
        self.place_of[id(x)] = place


def _tensors(args):
    for arg in args:
        if isinstance(arg, Tensor):
            yield arg
        elif isinstance(arg, list | tuple):
            yield from _tensors(arg)


def _channels(maps):
    most, last = max(maps.channels), maps.channels[-1]
    return f"{last}" if most == last else f"{most} → {last}"


def _draw_box(axes, maps, x, y, width, letters):
    color = FROZEN_COLOR if maps.frozen else TRAINED_COLOR
    look = {"facecolor": color if maps.convolutions else "white", "edgecolor": "black"}
    axes.add_patch(Rectangle((x, y - 0.22), width, 0.44, zorder=2, **look))
    middle, center = x + width / 2, {"ha": "center", "va": "center", "zorder": 3}
    axes.text(middle, y, _channels(maps), fontsize=letters, **center)
    if maps.convolutions:
        under = f"{maps.convolutions} conv" + ("\nfrozen" if maps.frozen else "")
        small = {"ha": "center", "va": "top", "fontsize": 8, "linespacing": 0.9}
        axes.text(middle, y - 0.25, under, **small)


def _draw_arrow(axes, start, end, style):
    color = "0.3" if style == "-" else LINE_COLORS[1]
    look = {"linestyle": style, "color": color, "shrinkA": 0, "shrinkB": 0}
    arrow = {"arrowstyle": "->", **look}
    axes.annotate("", end, start, arrowprops=arrow, zorder=1)
