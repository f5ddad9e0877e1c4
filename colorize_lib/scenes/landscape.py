"""What lies behind the village: sky and balloons, mountains, hills, sea, meadow."""

import torch

from .canvas import Canvas
from .layout import FAR_AWAY, Layout, between, flip, spread
from .shapes import box, coverage, disc, polygon, puffs, ramp, waves, zigzag


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
    x, y = spread(canvas, x), layout.horizon * between(0.22, 0.67, y)
    size, reach = between(0.05, 0.095, size), (-2.1, -1.4, 2.1, 0.15)
    s = canvas.place(there < 0.6, x, y, size, reach=reach, largest=0.095)
    r = [s.of(between(0.8, 1.1, u)) for u in radii]
    heap = [(-1.45, 0.0, 0.50 * r[0]), (-0.75, -0.2, 0.72 * r[1])]
    heap += [(0.15, -0.4, 0.85 * r[2]), (1.0, -0.1, 0.66 * r[3])]
    heap += [(1.6, 0.05, 0.45 * r[4])]
    distance, light = puffs(s.x, s.y, s.pixel, heap)
    L = 92 + 3.5 * light - 5 * ramp(s.y, -0.5, 0.2)
    s.draw(canvas.enlist("cloud", count), torch.maximum(distance, s.y - 0.12), L)
    canvas.stamp(s)


def draw_mountains(canvas: Canvas, layout: Layout) -> None:
    """Triangular peaks, lit on the left; haze takes the contrast from their feet."""
    ridge, beside, below, valley, u = _ridge(canvas, layout)
    rows, layout = canvas.rows(0.15, 0.56), layout.for_layers()
    y = canvas.y[:, rows]
    crest = 0.2 * (y - below) + 0.02 * zigzag((y - below) * 18 + u[0])
    haze = ramp(y, layout.horizon - 0.2 * canvas.down, layout.horizon)
    # No contrast in the valleys: there the next flank begins.
    lit = (0.5 - ramp(beside - crest, -0.004, 0.004)) * (1 - haze**2) * (1 - valley)
    cover = coverage(ridge - y, 1.3 / canvas.unit)
    canvas.layer(canvas.enlist("mountain"), cover, 55 + 10 * lit + 16 * haze, rows)
    snow_line = layout.horizon - 0.125 * canvas.down
    snow_line = snow_line + 0.014 * zigzag(canvas.x * 22 + u[1])
    snow = torch.minimum(cover, coverage(y - snow_line, 1.3 / canvas.unit))
    canvas.layer(canvas.enlist("snow"), snow, 89 + 12 * lit, rows)


def _ridge(canvas, layout):
    """The height of the ridge, and what lights its flanks.

    Returns (n, 1, width) each: the ridge's y; how far right of the peak a column lies;
    the peak's y; 1 in a valley. And two uniform numbers.
    """
    count = max(3, round(4 * canvas.across))
    x, y, steep, jag = canvas.dice("mountains", count, 4).unbind(-1)
    slot = torch.arange(count, device=x.device)
    peak_x = (slot + between(0.15, 0.85, x)) / count * canvas.across
    peak_y = layout.horizon - between(0.05, 0.20, y**1.5) * canvas.down
    there = canvas.dice("mountains there", 1) < 0.75
    peak_x, peak_y = peak_x[..., None], torch.where(there, peak_y, FAR_AWAY)[..., None]
    beside = canvas.x - peak_x
    flanks = peak_y + between(0.55, 0.90, steep)[..., None] * beside.abs()
    # y points down: the flank that is seen in a column is the least of them.
    least, seen = flanks.topk(2, dim=1, largest=False)
    (ridge, behind), seen = least.split(1, dim=1), seen[:, :1]
    beside, below = beside.gather(1, seen), peak_y.expand_as(flanks).gather(1, seen)
    valley = ramp(behind - ridge, 0.05, 0.0)
    jag, x = jag[:, :1, None], x[:, :1, None]
    jags = 0.006 * zigzag(canvas.x * 14 + jag) + 0.003 * zigzag(canvas.x * 37 + x)
    return ridge + jags, beside, below, valley, (jag, x)


def draw_hills(canvas: Canvas, layout: Layout) -> None:
    """Two ridges, the nearer one darker. A sea leaves one, low, as its other shore."""
    layout = layout.for_layers()
    rows = canvas.rows(0.3, 0.66)
    for i, name in enumerate(("far hills", "near hills")):
        u = canvas.dice(name, 6)
        base = layout.horizon + (0.055 * i - 0.015) * canvas.down
        ridge = base - (0.045 - 0.012 * i) * waves(canvas.x, u, 1.1 + 0.6 * i)
        shore = layout.horizon - 0.02 * (waves(canvas.x, u, 0.8) + 0.2)
        shore = shore if i == 0 else FAR_AWAY
        depth = canvas.y[:, rows] - torch.where(layout.has_sea, shore, ridge)
        tilt = 3 * canvas.x * (u[:, :1, None] - 0.5)
        fields = zigzag(depth * (26 - 8 * i) + tilt).clamp_(-0.3, 0.3)
        fields = fields * ramp(depth, 0.0, 0.03)
        trees = canvas.noise(name, 0.012, 0.008, rows)
        L = 76 - 11 * i - 60 * depth + 5 * fields + 2 * trees
        canvas.layer(canvas.enlist("hill"), coverage(-depth, 1 / canvas.unit), L, rows)


def draw_sea(canvas: Canvas, layout: Layout) -> None:
    """Ripples that grow toward the beach, glitter below the sun."""
    rows, layout = canvas.rows(0.36, 0.66), layout.for_layers()
    y = canvas.y[:, rows]
    depth = y - torch.where(layout.has_sea, layout.horizon, FAR_AWAY)
    near = ramp(depth, 0.0, 0.15 * canvas.down)
    ripples = canvas.noise("ripples", 0.06, 0.008, rows)
    glitter = torch.exp(-(((canvas.x - layout.light) / (0.04 + 0.06 * near)) ** 2))
    L = 70 - 16 * near + (2 + 3 * near) * ripples
    L = L + glitter * (5 + 9 * ripples.clamp(min=0))
    canvas.layer(canvas.enlist("sea"), coverage(-depth, 1 / canvas.unit), L, rows)

    bays = waves(canvas.x, canvas.dice("beach", 6), 1.3)
    shore = layout.meadow - 0.022 + 0.012 * bays
    depth = y - torch.where(layout.has_sea, shore, FAR_AWAY)
    grains = canvas.noise("sand", 0.008, 0.008, rows)
    L = 84 - 14 * ramp(depth, 0.012, 0.0) + 1.5 * grains
    canvas.layer(canvas.enlist("sand"), coverage(-depth, 1 / canvas.unit), L, rows)


def draw_boats(canvas: Canvas, layout: Layout) -> None:
    """Two sails over a wooden hull, out on the sea."""
    count = round(2 * canvas.across)
    x, y, size, there, side = canvas.dice("boats", count, 5).unbind(-1)
    there = (there < 0.6) & layout.has_sea
    x, y = spread(canvas, x), layout.horizon + between(0.02, 0.055, y) * canvas.down
    size, reach = between(0.06, 0.095, size), (-1.1, -2.5, 1.1, 0.3)
    s = canvas.place(there, x, y, size, reach=reach, largest=0.095)
    x, y = s.x * flip(s.of(side)), s.y
    belly = 0.18 * torch.sin((y + 1.9) * 1.6)
    main = polygon(x - belly, y, [(0.02, -1.9), (0.68, -0.15), (0.02, -0.15)])
    jib = polygon(x + 0.5 * belly, y, [(-0.06, -1.6), (-0.06, -0.2), (-0.66, -0.2)])
    s.draw(canvas.enlist("sail", count), torch.minimum(main, jib), 90 - 7 * x)
    mast = box(x + 0.02, y + 0.95, 0.035, 1.0)
    hull = polygon(x, y, [(-0.85, -0.08), (0.95, -0.08), (0.6, 0.24), (-0.6, 0.24)])
    L = 42 - 40 * (y + 0.08).clamp(0, 1)
    s.draw(canvas.enlist("wood", count), torch.minimum(mast, hull), L)
    canvas.stamp(s)


def draw_meadow(canvas: Canvas, layout: Layout) -> None:
    """Grass: mown stripes in the distance, blades in front."""
    u = canvas.dice("meadow", 6)
    rows, layout = canvas.rows(0.36, 1.0), layout.for_layers()
    edge = layout.meadow - 0.018 * waves(canvas.x, u, 1.0)
    depth = (canvas.y[:, rows] - edge) / (canvas.down - layout.meadow)
    tilt = 0.6 * (canvas.x - 0.5) * (u[:, :1, None] - 0.5)
    stripes = zigzag(9 * depth.clamp(min=0).sqrt_() + tilt).mul_(4).clamp_(-1, 1)
    blades = canvas.noise("blades", 0.006, 0.03, rows)
    L = 72 - 16 * depth + 1.8 * stripes * ramp(depth, 0.7, 0.3)
    L = L + (0.8 + 2.2 * depth) * blades
    canvas.layer(canvas.enlist("grass"), coverage(-depth, 1.6 / canvas.unit), L, rows)


def draw_balloons(canvas: Canvas, layout: Layout) -> None:
    """A drop of gores or bands above a wicker basket."""
    count = round(3 * canvas.across)
    x, y, size, there, bands, gores, turn = canvas.dice("balloons", count, 7).unbind(-1)
    x, y = spread(canvas, x), 0.14 + (layout.horizon - 0.26) * y
    size, reach = between(0.06, 0.115, size), (-1.02, -1.02, 1.02, 2.1)
    s = canvas.place(there < 0.6, x, y, size, reach=reach, largest=0.115)
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


IN_ORDER = (draw_sky, draw_clouds, draw_mountains, draw_hills)
IN_ORDER += (draw_sea, draw_boats, draw_meadow, draw_balloons)
