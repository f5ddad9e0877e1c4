"""Color laws: which (a, b) a thing may have, how probably; what losses make of it.

A law is the conditional distribution p(ab | kind) of one thing, a :class:`Palette` or a
:class:`HueArc`. It knows the points that the losses of later chapters are drawn to, so
that a trained network can be held against the truth. Everything is in Lab units.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True)
class Palette:
    """Finitely many colors.

    Args:
        names: what to call each color in a legend.
        colors: the (a, b) of each color.
        probabilities: of each, positive, adding up to 1.
    """

    names: tuple[str, ...]
    colors: tuple[tuple[float, float], ...]
    probabilities: tuple[float, ...]

    def __post_init__(self):
        p = self.probabilities
        counts = len(self.names), len(self.colors), len(p)
        if len(set(counts)) > 1:
            raise ValueError(
                f"give one name and one probability per color, not {counts[0]} names, "
                f"{counts[1]} colors and {counts[2]} probabilities"
            )
        if not p or min(p) <= 0 or abs(sum(p) - 1) > 1e-9:
            raise ValueError(f"probabilities must be positive and add up to 1, not {p}")

    def sample(self, u: Tensor) -> Tensor:
        """Turn uniform numbers ``(*)`` in [0, 1) into colors ``(*, 2)``."""
        ends = self._weights.cumsum(0)[:-1].float().to(u.device)
        which = torch.bucketize(u.contiguous(), ends, right=True)
        return self.modes.to(u.device)[which]

    @cached_property
    def modes(self) -> Tensor:
        """Every color ``(K, 2)``, in the order of ``names``."""
        return torch.tensor(self.colors)

    @cached_property
    def mean(self) -> Tensor:
        """The color ``(2,)`` that the L2 loss is drawn to."""
        return (self._weights[:, None] * self._points).sum(0).float()

    @cached_property
    def median(self) -> Tensor:
        """The channel-wise median ``(2,)``, which the L1 loss is drawn to.

        At 50 : 50 every value between the two has the same loss: their midpoint.
        """
        a, b = self._points.T
        medians = [_weighted_median(channel, self._weights) for channel in (a, b)]
        return torch.stack(medians).float()

    @cached_property
    def geometric_median(self) -> Tensor:
        """The point ``(2,)`` of least expected distance to the colors, or the middle
        of several."""
        return _geometric_median(self._points, self._weights).float()

    def distance(self, ab: Tensor) -> Tensor:
        """How far ``(*)`` each color ``(*, 2)`` lies from the nearest of the law."""
        return (ab[..., None, :] - self.modes.to(ab)).norm(dim=-1).amin(-1)

    @cached_property
    def _points(self):
        return torch.tensor(self.colors, dtype=torch.float64)

    @cached_property
    def _weights(self):
        return torch.tensor(self.probabilities, dtype=torch.float64)


@dataclass(frozen=True)
class HueArc:
    """Hue uniform between two angles, chroma fixed: a continuum of colors.

    Args:
        chroma: distance from gray, in Lab units.
        start, end: hue angles in degrees, atan2(b, a), with start < end < start + 360.
    """

    chroma: float
    start: float
    end: float

    def __post_init__(self):
        if not (self.chroma > 0 and self.start < self.end < self.start + 360):
            raise ValueError(
                f"need chroma > 0 and start < end < start + 360 degrees, not {self}"
            )

    def sample(self, u: Tensor) -> Tensor:
        """Turn uniform numbers ``(*)`` in [0, 1) into colors ``(*, 2)``."""
        hue = torch.deg2rad(self.start + (self.end - self.start) * u)
        return self.chroma * torch.stack([hue.cos(), hue.sin()], dim=-1)

    @property
    def modes(self) -> Tensor:
        """The arc, a color a degree ``(K, 2)``, to draw it; every color is a mode."""
        return self.sample(torch.linspace(0, 1, math.ceil(self.end - self.start) + 1))

    @cached_property
    def mean(self) -> Tensor:
        """The color ``(2,)`` that the L2 loss is drawn to, paler than the arc."""
        start, end = math.radians(self.start), math.radians(self.end)
        a, b = math.sin(end) - math.sin(start), math.cos(start) - math.cos(end)
        return torch.tensor([a, b]) * self.chroma / (end - start)

    @cached_property
    def median(self) -> Tensor:
        """The channel-wise median ``(2,)``, which the L1 loss is drawn to, to 1e-4."""
        return self._spread(1_000_001).median(dim=0).values.float()

    @cached_property
    def geometric_median(self) -> Tensor:
        """The point ``(2,)`` of least expected distance to the arc's colors."""
        points = self._spread(4_001)
        weights = torch.full_like(points[:, 0], 1 / len(points))
        return _geometric_median(points, weights).float()

    def distance(self, ab: Tensor) -> Tensor:
        """How far ``(*)`` each color ``(*, 2)`` lies from the arc."""
        hue = torch.rad2deg(torch.atan2(ab[..., 1], ab[..., 0]))
        on_arc = (hue - self.start) % 360 <= self.end - self.start
        tips = self.sample(torch.tensor([0.0, 1.0])).to(ab)
        to_tips = (ab[..., None, :] - tips).norm(dim=-1).amin(-1)
        return torch.where(on_arc, (ab.norm(dim=-1) - self.chroma).abs(), to_tips)

    def _spread(self, count):
        """Middles of equal parts: averages over them err by O(1 / count^2) only."""
        return self.sample((torch.arange(count, dtype=torch.float64) + 0.5) / count)


# ------------------------------------------------------------ parts


def _weighted_median(values, weights):
    values, order = values.sort()
    mass = weights[order].cumsum(0)
    low = values[mass >= 0.5 - 1e-9][0]
    high = values[mass > 0.5 + 1e-9][0]
    return (low + high) / 2


def _geometric_median(points, weights):
    """A data point if one is the minimum (Kuhn 1973), else the better of two steps.

    A point is a minimum if the others, each pulling with its weight, pull it no harder
    than its own weight holds it; of several, the mean is one, too. Otherwise, the step
    of Weiszfeld (1937) always gains but crawls near a point; Newton's may overshoot.
    """
    if len(points) < 100:  # a single color of an arc has no weight of its own
        apart = points[None] - points[:, None]
        distance = apart.norm(dim=-1, keepdim=True)
        rays = weights[:, None] * apart / distance.clamp(min=1e-12)
        pull = rays.sum(1).norm(dim=-1)
        own = (distance[..., 0] < 1e-9).double() @ weights
        heavy = pull <= own + 1e-9
        if heavy.any():
            return points[heavy].mean(0)

    def expected_distance(x):
        return weights @ (points - x).norm(dim=-1)

    x = (weights[:, None] * points).sum(0)
    for _ in range(1000):
        apart = points - x
        distance = apart.norm(dim=-1).clamp(min=1e-12)
        w, rays = weights / distance, apart / distance[:, None]
        downhill = weights @ rays
        curvature = w.sum() * torch.eye(2).double() - rays.T @ (w[:, None] * rays)
        newton = x + torch.linalg.pinv(curvature) @ downhill
        weiszfeld = x + downhill / w.sum()
        x, before = min(newton, weiszfeld, key=expected_distance), x
        if expected_distance(x) >= expected_distance(before):
            return before
    return x
