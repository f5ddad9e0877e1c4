"""The canvas: paints things over one another and remembers who owns which pixel.

Lengths are in shorter sides of the picture, from its upper left corner, so a scene is
the same at every resolution. L is decided by the geometry's dice alone. A thing's
(a, b) is drawn from the color dice, and nothing that decides L ever looks at it.
"""

import zlib

import torch
from torch import Tensor

from .kinds import KINDS, LAWS, LIGHTNESS, MIXED
from .shapes import Sprites, Things, noise_tile, pick, take_over

MOST_THINGS = 256

SHADOW_FLOOR = 48.0  # every kind that a shadow may fall on can be shown this dark


class Canvas:
    """n scenes under construction.

    Args:
        scenes: (n,) int64, the numbers of the scenes.
        size: (height, width) in pixels.
        seed, color_seed: of the dice for shapes and for colors.
        paint: "sample", or the point of each law that is painted, such as "mean".
    """

    def __init__(
        self, scenes: Tensor, size: tuple, seed: int, color_seed: int, paint: str
    ):
        device = scenes.device
        self.height, self.width = size
        self.unit = min(size)
        self.across, self.down = self.width / self.unit, self.height / self.unit
        x, y = (torch.arange(k, device=device) + 0.5 for k in (self.width, self.height))
        self.x, self.y = x[None, None, :] / self.unit, y[None, :, None] / self.unit
        self.keys = scene_keys(seed, scenes)
        self.color_dice = uniform(scene_keys(color_seed, scenes), "colors", MOST_THINGS)
        self.paint = paint
        # Owners are floats, too: exact for small integers, and masks are cheap.
        planes = torch.zeros(4, len(scenes), *size, device=device)
        self.L, self.a, self.b, self.owner = planes
        # Of each thing so far: its kind, and its (a, b) in every scene.
        self.cast, self.colors = [], []

    def dice(self, name: str, *shape: int) -> Tensor:
        """Uniform numbers (n, *shape) for shapes and lightness, new ones by name."""
        return uniform(self.keys, name, *shape)

    def enlist(self, kind: str, count: int = 1) -> Things:
        """Add things of a kind to the cast. Each draws its color now, by itself."""
        first, law = len(self.cast), LAWS[kind]
        if self.paint == "sample":
            ab = law.sample(self.color_dice[:, first : first + count])
        else:
            point = getattr(law, self.paint).to(self.L.device)
            ab = point.expand(len(self.L), count, 2)
        self.cast += [KINDS.index(kind)] * count
        self.colors.append(ab)
        return Things(kind, first, ab)

    # -------------------------------------------------- layers: sky, hills, sea ...

    def rows(self, top: float, bottom: float) -> slice:
        """The rows between two shares of the height: few layers need all of them."""
        last = min(self.height, int(bottom * self.height) + 1)
        return slice(int(top * self.height), last)

    def layer(
        self, things: Things, cover: Tensor, L: Tensor, rows: slice = slice(None)
    ) -> None:
        """Paint a thing in each scene; cover and L broadcast to (n, rows, width)."""
        L = L.clamp(*LIGHTNESS[things.kind])
        a, b = things.ab[:, 0, :, None, None].unbind(1)
        for plane, value in ((self.L, L), (self.a, a), (self.b, b)):
            # lerp is exact at both ends: where cover is 1, this very value.
            plane[:, rows].lerp_(value, cover)
        take_over(self.owner[:, rows], L.new_tensor(things.first), cover)

    def noise(
        self, name: str, grain_x: float, grain_y: float, rows: slice = slice(None)
    ) -> Tensor:
        """Texture (n, rows, width) of deviation about 1: a tile, shifted at random."""
        tile = noise_tile(self.unit, grain_x, grain_y, self.L.device)
        shift = (self.dice(name, 2, 1, 1) * self.unit).long()
        i = torch.arange(self.height, device=tile.device)[rows, None] + shift[:, 0]
        j = torch.arange(self.width, device=tile.device) + shift[:, 1]
        return pick(tile, i % self.unit * self.unit + j % self.unit)

    # -------------------------------------------------- sprites: cars, houses ...

    def place(
        self,
        there: Tensor,
        x: Tensor,
        y: Tensor,
        size: Tensor,
        *,
        reach: tuple,
        largest: float,
    ) -> Sprites:
        """Open a window around each thing: a car then costs no more than its pixels.

        Args:
            there: bool (n, count): which of the things exist.
            x, y: (n, count): where the origin of the thing's own coordinates lies.
            size: (n, count): the length of the thing's own unit.
            reach: its (left, top, right, bottom) in its own unit; the rest is cut off.
            largest: the greatest possible ``size``, which fixes the size of the window.
        """
        # Sorted by slot, because they are stamped slot by slot.
        slot, scene = there.T.nonzero(as_tuple=True)
        x, y, size = (t[scene, slot][:, None, None] for t in (x, y, size))
        left, top, right, bottom = reach
        height = min(self.height, int((bottom - top) * largest * self.unit) + 2)
        width = min(self.width, int((right - left) * largest * self.unit) + 2)
        row = ((y + top * size) * self.unit).floor().long()
        column = ((x + left * size) * self.unit).floor().long()
        # No window leaves the picture: it is pushed back, and the frame cuts the thing.
        row = row.clamp(0, self.height - height)
        column = column.clamp(0, self.width - width)
        rows = row + torch.arange(height, device=x.device)[:, None]
        columns = column + torch.arange(width, device=x.device)
        return Sprites(scene, slot, rows, columns, (x, y), size, self.unit)

    def stamp(self, sprites: Sprites) -> None:
        """Put the windows onto the canvas, in all scenes at once, but slot by slot:
        slots may overlap, and one write must not undo another."""
        where = (sprites.scene[:, None, None] * self.height + sprites.rows) * self.width
        where = where + sprites.columns
        counts = torch.bincount(sprites.slot).tolist()
        slots = where.split(counts), sprites.planes.split(counts, dim=1)
        for at, planes in zip(*slots, strict=True):
            at, (L, a, b, alpha, owner, shade) = at.flatten(), planes.flatten(1)
            below = pick(self.L, at)
            below = torch.maximum(below - shade, below.clamp(max=SHADOW_FLOOR))
            through = 1 - alpha
            _put(self.L, at, torch.addcmul(L, through, below))
            _put(self.a, at, torch.addcmul(a, through, pick(self.a, at)))
            _put(self.b, at, torch.addcmul(b, through, pick(self.b, at)))
            _put(self.owner, at, torch.lerp(pick(self.owner, at), owner, alpha.ceil()))

    # -------------------------------------------------- the finished picture

    def lab(self) -> Tensor:
        """The pictures, float32 (n, 3, H, W)."""
        return torch.stack([self.L, self.a, self.b], dim=1)

    def kind(self) -> Tensor:
        """The kind of each pixel's owner, or MIXED, uint8 (n, H, W)."""
        mixed = torch.full((1,), MIXED, dtype=torch.uint8, device=self.L.device)
        kind_of = torch.cat([mixed, self.kinds()])
        return pick(kind_of, (self.owner + 1).int())  # NOBODY is -1

    def kinds(self) -> Tensor:
        """The kind of each thing, uint8 (T,)."""
        return torch.tensor(self.cast, dtype=torch.uint8, device=self.L.device)


def _put(plane, at, values):
    plane.view(-1).scatter_(0, at, values)


# ------------------------------------------------------------ dice by address

# An ordinary generator hands out one long sequence, so scene 100 depends on how much
# the 99 before it used up. Here every number is a hash of its address: seed, scene,
# stream, position. Scene 100 is the same alone and among a thousand, and the dice for
# colors cannot feel those for shapes. On integers all devices agree to the bit. Steele,
# Lea and Flood, "Fast splittable pseudorandom number generators", 2014.

_GOLDEN = 0x9E3779B97F4A7C15


def scene_keys(seed: int, scenes: Tensor) -> Tensor:
    """One int64 key for each scene number (n,) of the world with this seed."""
    root = _mix(torch.tensor(_signed(seed + _GOLDEN), device=scenes.device))
    return _mix(root + scenes * _signed(_GOLDEN))


def uniform(keys: Tensor, stream: str, *shape: int) -> Tensor:
    """Uniform float32 (n, *shape) in [0, 1) for keys (n,), others for each stream."""
    count = torch.Size(shape).numel()
    key = _mix(keys + _signed(zlib.crc32(stream.encode()) * _GOLDEN))
    position = torch.arange(1, count + 1, device=keys.device) * _signed(_GOLDEN)
    bits = _mix(key[:, None] + position)
    # float32 holds 24 bits: take the upper ones. More would round up to 1.0 at times.
    return (_shift(bits, 40).float() / 2**24).view(len(keys), *shape)


def _mix(z):
    z = (z ^ _shift(z, 30)) * _signed(0xBF58476D1CE4E5B9)
    z = (z ^ _shift(z, 27)) * _signed(0x94D049BB133111EB)
    return z ^ _shift(z, 31)


def _shift(z, bits):
    # torch has no unsigned 64-bit shift: >> would drag the sign along.
    return (z >> bits) & ((1 << (64 - bits)) - 1)


def _signed(value):
    """The int64 with the same 64 bits."""
    value %= 1 << 64
    return value - (1 << 64) if value >= 1 << 63 else value
