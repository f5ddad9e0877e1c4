"""Above the horizon: sky, sun, clouds, balloons."""

import torch

from .canvas import Canvas
from .layout import FAR_AWAY, Layout, between, spread
from .shapes import box, coverage, disc, polygon, puffs, ramp


def draw_sky(canvas: Canvas, layout: Layout) -> None:
    """Paler toward the horizon and around the sun, which four scenes in ten hide."""
    u = canvas.dice("sky", 3, 1, 1).unbind(1)
    layout = layout.for_layers()
    x, y = canvas.x - layout.light, canvas.y - between(0.10, 0.26, u[0]) * canvas.down
    glow = torch.exp(x**2 * -12) * torch.exp(y**2 * -12)
    zenith = between(68, 72, u[1])
    down = (canvas.y / layout.horizon).clamp(max=1) ** 1.3
    L = zenith + (85 - zenith) * down + 5 * glow
    canvas.layer(canvas.enlist("sky"), L.new_ones(1, 1, 1), L)

    rows = canvas.rows(0.0, 0.34)
    sun = disc(x, torch.where(u[2] < 0.6, y, FAR_AWAY)[:, rows], 0.065)
    cover = coverage(sun, 1 / canvas.unit)
    canvas.layer(canvas.enlist("sun"), cover, 92 + 60 * sun, rows)


def draw_clouds(canvas: Canvas, layout: Layout) -> None:
    """Five puffs in a row over a flat base."""
    count = round(3 * canvas.across)
    x, y, size, there, *radii = canvas.dice("clouds", count, 9).unbind(-1)
    s = canvas.place(
        there < 0.6,
        spread(canvas, x),
        layout.horizon * between(0.22, 0.67, y),
        between(0.05, 0.095, size),
        reach=(-2.1, -1.4, 2.1, 0.15),
        largest=0.095,
    )
    r = [s.of(between(0.8, 1.1, u)) for u in radii]
    heap = [
        (-1.45, 0.0, 0.50 * r[0]),
        (-0.75, -0.2, 0.72 * r[1]),
        (0.15, -0.4, 0.85 * r[2]),
        (1.0, -0.1, 0.66 * r[3]),
        (1.6, 0.05, 0.45 * r[4]),
    ]
    distance, light = puffs(s.x, s.y, s.pixel, heap)
    L = 92 + 3.5 * light - 5 * ramp(s.y, -0.5, 0.2)
    s.draw(canvas.enlist("cloud", count), torch.maximum(distance, s.y - 0.12), L)
    canvas.stamp(s)


def draw_balloons(canvas: Canvas, layout: Layout) -> None:
    """A drop of gores or bands above a wicker basket."""
    count = round(3 * canvas.across)
    x, y, size, there, bands, gores, turn = canvas.dice("balloons", count, 7).unbind(-1)
    s = canvas.place(
        there < 0.6,
        spread(canvas, x),
        0.14 + (layout.horizon - 0.26) * y,
        between(0.06, 0.115, size),
        reach=(-1.02, -1.02, 1.02, 2.1),
        largest=0.115,
    )
    _draw_basket(s, canvas.enlist("wood", count))

    # Below y = 0.6 the unit circle goes over into a cone that touches it there.
    x, y, touch, run = s.x, s.y, 0.6, 0.8
    cone = torch.maximum(run * x.abs() + touch * y - 1, touch - y)
    distance = torch.maximum(torch.minimum(disc(x, y, 1.0), cone), y - 1.32)
    circle_half, cone_half = (1 - y.clamp(-1, touch) ** 2).sqrt(), (1 - touch * y) / run
    half = torch.where(y < touch, circle_half, cone_half).clamp(min=0.05)
    across = (x / half).clamp_(-1, 1)

    turn, gores = 6.283 * s.of(turn), 6 + 2 * (3 * s.of(gores)).floor()
    in_gores = torch.sin(torch.asin(across) * gores + turn)
    in_bands = torch.sin(y * 7 + turn + 0.8 * across**2)
    pattern = torch.lerp(in_gores, in_bands, (s.of(bands) < 0.3).float())
    L = 60 + 4.5 * (3 * pattern).clamp_(-1, 1) - 4.5 * across - 2.5 * (y - 0.2)
    s.draw(canvas.enlist("balloon", count), distance, L)
    canvas.stamp(s)


def _draw_basket(s, wood):
    rope = [(0.26, 1.2), (0.32, 1.2), (0.24, 1.75), (0.18, 1.75)]
    ropes = polygon(s.x.abs(), s.y, rope)
    basket = box(s.x, s.y - 1.86, 0.27, 0.22, 0.08)
    weave = torch.sin(s.x * 40) * torch.sin(s.y * 40) * s.fine(0.16)
    L = 44 - 16 * s.x + 4 * weave + 12 * ramp(s.y, 1.76, 1.70)
    s.draw(wood, torch.minimum(ropes, basket), L)
