"""The entry point, :func:`draw_scenes`, and what it returns."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from colorize_lib.slips import near_names

from . import landscape, village
from .canvas import Canvas
from .kinds import KINDS
from .layout import plan

SMALLEST, LARGEST, MOST_ELONGATED = 32, 1024, 3
PAINTS = ("sample", "mean", "median", "geometric_median")

# Drawn at a time: enough to hide what starting each operation costs, and few enough to
# need no more than 160 MB beside the result in each worker.
_PIXELS_AT_ONCE = 2**20
_MOST_WORKERS = 8


@dataclass(frozen=True)
class Scenes:
    """n drawn scenes, each with its truth.

    Attributes:
        lab: float32 (n, 3, H, W), L in 0..100.
        kind: uint8 (n, H, W), an index into ``KINDS``, or ``MIXED`` where an
            antialiased edge mixes things.
        thing: int16 (n, H, W), the number of the thing that owns the pixel, such as one
            car body or the sky; -1 where mixed.
        cast: uint8 (T,), the kind of each thing, the same in every scene; each shows
            some.
        colors: float32 (n, T, 2), the (a, b) of each thing. Where ``thing`` is not -1,
            ab is ``colors[scene, thing]``, bit for bit.
    """

    lab: Tensor
    kind: Tensor
    thing: Tensor
    cast: Tensor
    colors: Tensor

    def mask(self, kind: str) -> Tensor:
        """bool (n, H, W): where a kind is seen, unmixed; a ValueError if unknown."""
        if kind not in KINDS:
            near = near_names(kind, KINDS)
            listed = ", ".join(dict.fromkeys([*near, *KINDS]))
            raise ValueError(f"no kind {kind!r}; there are {listed}")
        return self.kind == KINDS.index(kind)


def draw_scenes(
    n: int,
    size: int | tuple[int, int] = 64,
    *,
    seed: int = 0,
    color_seed: int | None = None,
    start: int = 0,
    paint: str = "sample",
    device: torch.device | str = "cpu",
) -> Scenes:
    """Draw landscapes in which the color of a pixel, given L, follows ``LAWS[kind]``.

    Every kind can be told from L. All of L depends on ``seed`` only, which color each
    thing got on ``color_seed`` only: L is the same, bit for bit, under every
    ``color_seed`` and cannot carry a clue. Scene i depends on (seed, i) and, but for
    rounding, not on what is drawn beside it: keep training and test scenes apart with
    ``start``. At another size, the same scene is finer or coarser. Taught in chapter 1.

    Args:
        n: how many scenes.
        size: pixels, one number for a square or (height, width); each 32 to 1024, one
            at most 3 times the other. At 32 the small things (stems, sails) are mostly
            mixed edges; 64 and more show every kind.
        seed: which world.
        color_seed: which coloring of it; the seed itself if not given.
        start: the number of the first scene.
        paint: "sample" paints every thing in a color drawn from its law; "mean",
            "median" or "geometric_median" in that point of the law: what the best
            network would paint under a loss drawn to it (in mixed pixels, only the mean
            is exactly that).
        device: where to draw. Random numbers agree on every device, the drawing to
            rounding. A CPU uses ``torch.get_num_threads()`` threads, at most 8, and
            their number changes no bit.

    Returns:
        The scenes, in floating-point Lab that has never been through 8 bits. Rounding
        moves the L of a red and of a blue differently, by up to 0.18, and from that
        alone a simple classifier names the color of 99 % of the cars.

    Raises:
        ValueError: n, start, size or paint outside these limits.
    """
    height, width = _check(n, size, start, paint)
    color_seed = seed if color_seed is None else color_seed

    def draw_chunk(numbers):
        canvas = _draw(Canvas(numbers, (height, width), seed, color_seed, paint))
        colors = torch.cat(canvas.colors, dim=1)
        return canvas.lab(), canvas.kind(), canvas.owner, canvas.kinds(), colors

    lab = torch.empty(n, 3, height, width, device=device)
    kind = torch.empty(n, height, width, dtype=torch.uint8, device=device)
    thing = torch.empty(n, height, width, dtype=torch.int16, device=device)
    colors = []
    chunk = max(1, _PIXELS_AT_ONCE // (height * width))
    chunks = torch.arange(start, start + n, device=device).split(chunk)
    with _workers(lab.device) as side_by_side:
        for i, drawn in enumerate(side_by_side(draw_chunk, chunks)):
            here = slice(i * chunk, (i + 1) * chunk)
            lab[here], kind[here], thing[here], cast, of_chunk = drawn
            colors.append(of_chunk)
    return Scenes(lab, kind, thing, cast, torch.cat(colors))


@contextmanager
def _workers(device):
    """A ``map`` that draws several chunks at a time on a CPU, each in one thread.

    torch's own threads meet after every operation, and here there are hundreds, all
    short: where another program holds one core, the other spends its time waiting.
    """
    if device.type != "cpu":
        yield map
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # threads that start from now on have it, too
    try:
        with ThreadPoolExecutor(min(threads, _MOST_WORKERS)) as pool:
            yield pool.map
    finally:
        torch.set_num_threads(threads)


def _draw(canvas):
    """Painter's order: from the sky to the flowers, each over what is there."""
    layout = plan(canvas)
    for draw in (*landscape.IN_ORDER, *village.IN_ORDER):
        draw(canvas, layout)
    return canvas


def _check(n, size, start, paint):
    height, width = (size, size) if isinstance(size, int) else size
    if n < 1 or start < 0:
        raise ValueError(
            f"n must be at least 1 and start at least 0, not {n} and {start}"
        )
    if min(height, width) < SMALLEST or max(height, width) > LARGEST:
        raise ValueError(
            f"size must be {SMALLEST} to {LARGEST} pixels each way, "
            f"not {height} x {width}; draw at the nearest size within and resize"
        )
    if max(height, width) > MOST_ELONGATED * min(height, width):
        raise ValueError(
            f"one side may be at most {MOST_ELONGATED} times the other, "
            f"not {height} x {width}; draw a wider or taller one and crop"
        )
    if paint not in PAINTS:
        raise ValueError(f"paint must be one of {', '.join(PAINTS)}, not {paint!r}")
    return height, width
