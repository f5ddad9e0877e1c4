"""Sprites: windows in which things are painted before they go onto the canvas."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .kinds import LIGHTNESS
from .shapes import coverage, noise_tile, ramp

NOBODY = -1  # owner of a mixed pixel


@dataclass(frozen=True)
class Things:
    """Things of one kind, numbered from ``first``; ``ab`` (n, count, 2)."""

    kind: str
    first: int
    ab: Tensor


class Sprites:
    """m windows (m, h, w).

    ``x`` (m, 1, w) and ``y`` (m, h, 1) are the thing's own coordinates; ``pixel``, of
    shape (m, 1, 1), is the size of a pixel in them. L, a, b are premultiplied by alpha
    (Porter and Duff 1984): what shows through is added when the windows are stamped.

    Args:
        scene, slot: (m,), which thing of which scene each window shows.
        rows, columns: (m, h, 1) and (m, 1, w), the canvas's pixels that it covers.
        center: (x, y) of the origin of the thing's own coordinates, (m, 1, 1) each.
        size: (m, 1, 1), the length of the thing's own unit.
        unit: pixels in the shorter side of the picture.
    """

    def __init__(
        self,
        scene: Tensor,
        slot: Tensor,
        rows: Tensor,
        columns: Tensor,
        center: tuple,
        size: Tensor,
        unit: int,
    ):
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
