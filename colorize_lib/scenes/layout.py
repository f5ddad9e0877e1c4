"""Where the parts of a scene lie."""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from .canvas import Canvas

FAR_AWAY = 99.0  # what a scene does not have is put out of the picture
LEAST_ZOOM, MOST_ZOOM = 0.82, 1.18


@dataclass(frozen=True)
class Layout:
    """One value a scene, (n, 1); lengths from the upper left, in shorter sides."""

    horizon: Tensor
    meadow: Tensor  # the average height of the meadow's edge
    road: Tensor  # the height of the middle of the road at x = 0
    slope: Tensor  # of the road
    zoom: Tensor  # how near the village, the road and the cars are
    light: Tensor  # x of the sun
    has_sea: Tensor  # bool
    has_road: Tensor  # bool

    def road_at(self, x: Tensor) -> Tensor:
        """The height of the middle of the road at x."""
        return self.road + self.slope * x

    @property
    def road_half(self) -> Tensor:
        """Half the width of the road."""
        return 0.082 * self.zoom

    def for_layers(self) -> "Layout":
        """The same values as (n, 1, 1), to go with x (1, 1, W) and y (1, H, 1)."""
        names = [field.name for field in fields(self)]
        return Layout(**{name: getattr(self, name)[..., None] for name in names})


def plan(canvas: Canvas) -> Layout:
    """Draw lots for where everything lies."""
    u = canvas.dice("layout", 8, 1).unbind(1)
    horizon = between(0.37, 0.48, u[0]) * canvas.down
    meadow = horizon + between(0.08, 0.14, u[1]) * canvas.down
    road = between(0.70, 0.78, u[2]) * canvas.down
    slope = between(-0.06, 0.06, u[3]) / canvas.across
    zoom = between(LEAST_ZOOM, MOST_ZOOM, u[7])
    room = road - 0.19 * zoom  # for a village between the meadow's edge and the road
    return Layout(
        horizon=horizon,
        meadow=torch.maximum(torch.minimum(meadow, room), horizon + 0.04),
        road=road - slope * canvas.across / 2,
        slope=slope,
        zoom=zoom,
        light=between(0.1, 0.9, u[6]) * canvas.across,
        has_sea=u[4] < 0.4,
        has_road=u[5] < 0.9,
    )


def between(low: float, high: float, u: Tensor) -> Tensor:
    """From low, where u is 0, to high, where u is 1."""
    return low + (high - low) * u


def spread(canvas: Canvas, u: Tensor, jitter: float = 0.8) -> Tensor:
    """An x for each slot (n, count), which moves in its own stretch of the width."""
    count = u.shape[1]
    slot = torch.arange(count, device=u.device)
    return (slot + 0.5 + jitter * (u - 0.5)) / count * canvas.across


def flip(u: Tensor) -> Tensor:
    """-1 or 1 from a uniform number: half of the houses look the other way."""
    return 1 - 2 * (u < 0.5).float()
