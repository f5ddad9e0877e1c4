"""Shapes as signed distances, negative inside, and the windows they are painted in.

A distance, in the unit of the coordinates, is all that painting needs: cut at zero it
is a shape, spread over one pixel an antialiased edge, and minimum and maximum are union
and intersection. y points down, as rows do. x comes as (m, 1, w) and y as (m, h, 1): as
long as possible, work is done on a row or a column instead of a picture.

Source: I. Quilez, "2D distance functions", iquilezles.org/articles/distfunctions2d.
"""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from .kinds import LIGHTNESS

Number = Tensor | float
NOBODY = -1  # owner of a mixed pixel


def coverage(distance: Tensor, pixel: Number) -> Tensor:
    """Share of a pixel inside: exactly 0 or 1 if the edge is half a pixel away."""
    return (0.5 - distance / pixel).clamp_(0, 1)


def ramp(x: Tensor, start: Number, end: Number) -> Tensor:
    """Rise from 0 at start to 1 at end, or fall if end is smaller; flat outside."""
    return ((x - start) / (end - start)).clamp_(0, 1)


def disc(x: Tensor, y: Tensor, radius: Number) -> Tensor:
    """Around the origin."""
    return (x**2 + y**2).sqrt_() - radius


def ellipse(x: Tensor, y: Tensor, rx: float, ry: float) -> Tensor:
    """With half axes rx, ry. To first order: exact on the edge, where it matters."""
    q = ((x / rx) ** 2 + (y / ry) ** 2).sqrt_()
    return (q - 1) * q / ((x / rx**2) ** 2 + (y / ry**2) ** 2).sqrt_().clamp_(min=1e-6)


def box(
    x: Tensor, y: Tensor, half_width: Number, half_height: Number, corner: float = 0.0
) -> Tensor:
    """A rectangle with corners of radius ``corner`` within the given half sizes."""
    u, v = x.abs() - half_width + corner, y.abs() - half_height + corner
    outside = disc(u.clamp(min=0), v.clamp(min=0), corner)
    return outside + torch.maximum(u, v).clamp_(max=0)


def polygon(x: Tensor, y: Tensor, corners: list) -> Tensor:
    """A convex polygon, its corners (x, y) clockwise: the farthest half-plane."""
    distance = None
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        nx, ny = (y1 - y0) / length, (x0 - x1) / length
        side = (x - x0) * nx + (y - y0) * ny
        distance = side if distance is None else torch.maximum(distance, side)
    return distance


def puffs(x: Tensor, y: Tensor, pixel: Tensor, discs: list) -> tuple[Tensor, Tensor]:
    """A heap of discs (x, y, radius): distance, and how far a spot faces the light."""
    distance, light = None, None
    for cx, cy, radius in discs:
        d = disc(x - cx, y - cy, radius)
        shine = (x - cx) * (-0.5 / radius) - (y - cy) * (0.85 / radius)
        if distance is None:
            distance, light = d, shine
        else:
            light = torch.lerp(light, shine, coverage(d - distance, pixel))
            distance = torch.minimum(distance, d)
    return distance, light


def sawtooth(t: Tensor) -> Tensor:
    """Rises from 0 to 1, again and again, with period 1."""
    return t - t.floor()


def zigzag(t: Tensor) -> Tensor:
    """Triangle wave of period 1 in [-1, 1]."""
    return 4 * (sawtooth(t) - 0.5).abs() - 1


def waves(x: Tensor, u: Tensor, frequency: float) -> Tensor:
    """A gentle random curve in about [-1, 1] over x (1, 1, w), for numbers u (n, 6)."""
    u = u[:, :, None, None].unbind(1)
    first = torch.sin(6.283 * (x * frequency * (0.7 + 0.6 * u[0]) + u[1]))
    second = torch.sin(6.283 * (x * frequency * (1.7 + 1.2 * u[2]) + u[3]))
    return first * (0.6 + 0.2 * u[4]) + second * (0.15 + 0.2 * u[5])


@lru_cache(maxsize=32)
def noise_tile(
    cells: int, grain_x: float, grain_y: float, device: torch.device
) -> Tensor:
    """Smooth random texture (cells, cells) that repeats without a seam.

    A tile is a unit long, its deviation about 1. It is made of the same waves at every
    resolution, less those too fine for the pixels. ``grain`` is the size of a blob.
    """
    most = 128  # waves per unit length
    fy, fx = torch.arange(-most, most + 1.0)[:, None], torch.arange(most + 1.0)
    strength = torch.exp(-2 * ((fx * grain_x) ** 2 + (fy * grain_y) ** 2))
    strength[most, 0] = 0  # the constant
    strength /= (2 * strength.square().sum()).sqrt()
    generator = torch.Generator().manual_seed(1)
    wave = torch.randn(strength.shape, generator=generator, dtype=torch.complex64)
    wave *= strength
    keep = min(most, (cells - 1) // 2)
    rows = torch.arange(-keep, keep + 1)
    spectrum = torch.zeros(cells, cells // 2 + 1, dtype=torch.complex64)
    spectrum[rows % cells, : keep + 1] = wave[rows + most, : keep + 1]
    return (torch.fft.irfft2(spectrum, s=(cells, cells)) * cells**2).to(device)


# ------------------------------------------------------------ windows


@dataclass(frozen=True)
class Things:
    """Things of one kind, numbered from ``first``; ``ab`` (n, count, 2)."""

    kind: str
    first: int
    ab: Tensor


class Sprites:
    """m windows (m, h, w), in which things are painted before they are stamped.

    ``x`` (m, 1, w) and ``y`` (m, h, 1) are the thing's own coordinates; ``pixel``, of
    shape (m, 1, 1), is the size of a pixel in them. L, a, b are premultiplied by alpha
    (Porter and Duff 1984).

    Each shows thing ``slot`` (m,) of ``scene`` (m,) on the canvas's ``rows`` (m, h, 1)
    and ``columns`` (m, 1, w); ``center`` and ``size`` (m, 1, 1) are the thing's origin
    and unit, ``unit`` is the shorter side of the picture in pixels.
    """

    def __init__(self, scene, slot, rows, columns, center, size, unit: int):
        self.scene, self.slot, self.unit = scene, slot, unit
        self.rows, self.columns = rows, columns
        self.x = ((columns + 0.5) / unit - center[0]) / size
        self.y = ((rows + 0.5) / unit - center[1]) / size
        self.pixel = 1 / (size * unit)
        self.planes = self.x.new_zeros(6, len(scene), rows.shape[1], columns.shape[2])
        self.L, self.a, self.b, self.alpha, self.owner, self.shade = self.planes

    def of(self, values: Tensor) -> Tensor:
        """The windows' own values (m, 1, 1) from those of all things (n, count)."""
        return values[self.scene, self.slot][:, None, None]

    def draw(self, things: Things, distance: Tensor, L: Tensor | float) -> None:
        """Paint a part over what is there. The distance is in the thing's own unit."""
        cover = coverage(distance, self.pixel)
        L = L if isinstance(L, Tensor) else self.x.new_tensor(L)
        L = L.clamp(*LIGHTNESS[things.kind])
        a, b = things.ab[self.scene, self.slot][:, :, None, None].unbind(1)
        values = L, a, b, torch.ones_like(a)
        for plane, value in zip(self.planes[:4], values, strict=True):
            plane.lerp_(value, cover)
        take_over(self.owner, (things.first + self.slot.float())[:, None, None], cover)

    def cast_shadow(self, distance: Tensor, depth: float, softness: float) -> None:
        """Darken what lies below by up to depth. A shadow changes L, never a or b."""
        self.shade += depth * ramp(distance, softness, -softness)

    def noise(self, grain: float) -> Tensor:
        """Texture (m, h, w) of deviation about 1."""
        tile = noise_tile(self.unit, grain, grain, self.x.device)
        return pick(tile, self.rows % self.unit * self.unit + self.columns % self.unit)

    def fine(self, period: float) -> Tensor:
        """0 where details of this period would alias at this size, 1 where not."""
        return ramp(period / self.pixel, 1.5, 4.0)


def take_over(owner: Tensor, number: Tensor, cover: Tensor) -> None:
    """What covers a pixel wholly, owns it; in part, it leaves it to nobody."""
    owner.lerp_(owner.new_tensor(NOBODY), cover.ceil())
    owner.lerp_(number, cover.floor())


def pick(plane: Tensor, at: Tensor) -> Tensor:
    """Values at flat indices. On a CPU, ``plane[at]`` takes three times as long."""
    return plane.view(-1).index_select(0, at.flatten()).view(at.shape)
