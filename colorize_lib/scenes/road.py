"""The foreground: the road, its cars, and the flowers in front of it."""

import torch

from .canvas import Canvas
from .layout import FAR_AWAY, MOST_ZOOM, Layout, between, flip, spread
from .shapes import box, coverage, disc, ellipse, polygon, ramp, sawtooth


def draw_road(canvas: Canvas, layout: Layout) -> None:
    """A gray band. The lines painted on it have its color too, only lighter."""
    rows, layout = canvas.rows(0.5, 0.96), layout.for_layers()
    middle = torch.where(layout.has_road, layout.road_at(canvas.x), FAR_AWAY)
    y, pixel = canvas.y[:, rows] - middle, 1 / canvas.unit
    away = y.abs()
    dashes = ramp((sawtooth(canvas.x * 7) - 0.5).abs(), 0.30, 0.28)
    lines = 24 * dashes * coverage(away - 0.0055, pixel)
    lines += 17 * coverage((away - layout.road_half + 0.011).abs() - 0.003, pixel)
    L = 62 - 40 * y + 1.2 * canvas.noise("asphalt", 0.006, 0.006, rows) + lines
    cover = coverage(away - layout.road_half, pixel)
    canvas.layer(canvas.enlist("road"), cover, L, rows)


def draw_cars(canvas: Canvas, layout: Layout) -> None:
    """Cars in profile: first the far lane, which drives left, then the near one."""
    count = round(2 * canvas.across)
    x, size, there, side, long, tall = canvas.dice("cars", 2 * count, 6).unbind(-1)
    near = (torch.arange(2 * count, device=x.device) >= count).float()
    lanes = [spread(canvas, lane, jitter=0.4) for lane in x.split(count, dim=1)]
    # The lanes are staggered: near cars seldom hide far ones.
    x = torch.cat(lanes, dim=1) + flip(side[:, :1]) * between(-0.12, 0.12, near)
    s = canvas.place(
        (there < between(0.5, 0.65, near)) & layout.has_road,
        x,
        layout.road_at(x) + between(-0.036, 0.066, near) * layout.zoom,
        (between(0.124, 0.140, near) + 0.02 * size) * layout.zoom,
        reach=(-1.08, -1.06, 1.08, 0.21),
        largest=0.16 * MOST_ZOOM,
    )
    x = s.x * s.of((2 * near - 1).expand_as(there))
    y = s.y - layout.slope[s.scene][..., None] * s.x
    s.cast_shadow(box(x, y, 0.95, 0.04, 0.04), depth=16, softness=0.1)
    cabin = _cabin(x, y, s.of(long), s.of(tall))
    _draw_body(s, canvas.enlist("car", 2 * count), x, y, cabin)
    _draw_glass(s, canvas.enlist("window", 2 * count), x, y, cabin)
    _draw_wheels(s, canvas.enlist("wheel", 2 * count), x, y)
    canvas.stamp(s)


# A car reaches from -1 to 1 along x; its wheels stand on y = 0.


def _cabin(x, y, long, tall):
    roof, rear, front = -0.88 - 0.1 * tall, -0.9 + 0.35 * long, 0.52 + 0.1 * tall
    top = [(rear + 0.12 + 0.25 * long, roof), (front - 0.36, roof)]
    return polygon(x, y, [(rear, -0.5), *top, (front, -0.5)])


def _draw_body(s, cars, x, y, cabin):
    hull = box(x, y + 0.38, 1.0, 0.22, 0.14)
    hood = polygon(x, y, [(0.3, -0.62), (0.93, -0.49), (0.93, -0.3), (0.3, -0.3)])
    body = torch.minimum(torch.minimum(hull, hood), cabin - 0.03)
    shoulder, roof = ramp((y + 0.5).abs(), 0.05, 0.0), ramp(y, -0.6, -0.85)
    sill = ramp(y, -0.55, -0.15)
    gaps = ramp(torch.minimum((x + 0.12).abs(), (x - 0.42).abs()), 0.022, 0.010)
    handle = ramp(box(x - 0.05, y + 0.42, 0.05, 0.015), 0.01, -0.01)
    details = (5 * handle - 6 * gaps * ramp(y, -0.54, -0.5)) * s.fine(0.1)
    s.draw(cars, body, 54 + 7 * shoulder - 8 * sill + 4 * roof + details)


def _draw_glass(s, windows, x, y, cabin):
    """Two side windows with a pillar between them, and a headlight."""
    pillar = 0.035 - (x + 0.08).abs()
    panes = torch.maximum(torch.maximum(cabin + 0.075, y + 0.57), pillar)
    glare = ramp(torch.sin(9 * x + 5.4 * y), 0.7, 0.8)
    s.draw(windows, panes, 38 - 40 * (y + 0.72) + 16 * glare)
    s.draw(windows, ellipse(x - 0.91, y + 0.42, 0.07, 0.055), 83.0)


def _draw_wheels(s, wheels, x, y):
    """Two at once, as mirror images: a dark tire, a bright hub."""
    tire = disc((x - 0.01).abs() - 0.57, y + 0.2, 0.215)
    hub, nut = ramp(tire, -0.10, -0.13), ramp(tire, -0.17, -0.19)
    s.draw(wheels, tire, 16 + 54 * hub - 30 * nut)


def draw_flowers(canvas: Canvas, layout: Layout) -> None:
    """Flowers of five to eight petals, the higher ones behind the lower ones."""
    count = round(7 * canvas.across * canvas.down)
    x, jitter, y, size, there, *shape = canvas.dice("flowers", count, 8).unbind(-1)
    lean, petals, turn = shape
    slot = torch.arange(count, device=x.device)
    # Steps of the golden section: neighbors in depth stand far apart.
    x = (sawtooth(slot * 0.618 + x[:, :1]) + 0.08 * (jitter - 0.5)) * canvas.across
    roadside = layout.road_at(x) + layout.road_half
    top = torch.where(layout.has_road, roadside, canvas.down - 0.25) + 0.03
    depth = (slot + y) / count
    y = top + (canvas.down - 0.02 - top) * depth
    size = 0.040 + 0.022 * depth + 0.014 * size
    reach = (-1.16, -1.12, 1.16, 2.1)
    s = canvas.place(there < 0.75, x, y, size, reach=reach, largest=0.076)
    _draw_stem(s, canvas.enlist("stem", count), lean)
    _draw_petals(s, canvas.enlist("flower", count), petals, turn)
    dots = torch.sin(s.x * 34) * torch.sin(s.y * 34) * s.fine(0.18)
    L = 50 - 22 * (s.x + s.y) + 6 * dots
    s.draw(canvas.enlist("eye", count), disc(s.x, s.y, 0.25), L)
    canvas.stamp(s)


def _draw_stem(s, stems, lean):
    """A stem with two leaves, mirror images."""
    x = s.x - 0.25 * (s.of(lean) - 0.5) * s.y
    stem, x, y = box(x, s.y - 1, 0.075, 1.0), x.abs(), s.y - 1.5
    along, over = 0.8 * x + 0.6 * y, 0.8 * y - 0.6 * x
    leaves = ellipse(along - 0.3, over + 0.35, 0.5, 0.16)
    s.draw(stems, torch.minimum(stem, leaves), 47 + 25 * over.clamp(-0.6, 0.3))


def _draw_petals(s, flowers, petals, turn):
    r = disc(s.x, s.y, 0.0)
    petals = 5 + (3.99 * s.of(petals)).floor()
    # atan2(y, x) without the slow path that atan2 takes for broadcast tensors.
    angle = torch.copysign(torch.acos((s.x / r.clamp(min=1e-6)).clamp_(-1, 1)), s.y)
    angle = (angle + 6.283 * s.of(turn)) * (petals / 2)
    bulge = angle.cos().abs()  # 1 along the middle of a petal, 0 between two
    grooves = ramp(bulge, 0.5, 0.0) * ramp(r, 0.2, 0.5)
    streaks = torch.cos(angle * 10).clamp(min=0.6) * ramp(r, 0.8, 0.3) * s.fine(0.12)
    L = 58 + 15 * r - 8 * grooves - 3 * streaks - 3 * (s.x + s.y)
    s.draw(flowers, (r - 0.6 - 0.4 * bulge.sqrt()) * 0.75, L)
