"""Between the meadow's edge and the road: trees and houses."""

import torch

from .canvas import Canvas
from .layout import MOST_ZOOM, Layout, between, flip, spread
from .shapes import box, coverage, disc, polygon, puffs, ramp, sawtooth


def draw_far_trees(canvas: Canvas, layout: Layout) -> None:
    """Small ones along the meadow's edge."""
    count = round(5 * canvas.across)
    u = canvas.dice("far trees", count, 9)
    x, y, size, there = u[..., :4].unbind(-1)
    y = layout.meadow + between(0.02, 0.04, y)
    x, there = spread(canvas, x), there < 0.6
    size = between(0.05, 0.075, size) * layout.zoom
    _draw_trees(canvas, u, there, x, y, size, 0.075 * MOST_ZOOM, L=48)


def draw_near_trees(canvas: Canvas, layout: Layout) -> None:
    """Larger ones near the road."""
    count = round(3 * canvas.across)
    u = canvas.dice("near trees", count, 9)
    x, y, size, there = u[..., :4].unbind(-1)
    x = spread(canvas, x)
    y = layout.road_at(x) - layout.road_half - between(0.05, 0.08, y)
    size = between(0.09, 0.14, size) * layout.zoom
    there = there < 0.5
    _draw_trees(canvas, u, there, x, y, size, 0.14 * MOST_ZOOM, L=43)


def _draw_trees(canvas, u, there, x, y, size, largest, L):
    count = there.shape[1]
    trunks, crowns = canvas.enlist("wood", count), canvas.enlist("tree", count)
    is_fir, radii = u[..., 4] < 0.4, u[..., 5:]
    for here, crown in ((there & is_fir, _fir), (there & ~is_fir, _round_crown)):
        reach = (-1.12, -2.22, 1.12, 0.21)
        s = canvas.place(here, x, y, size, reach=reach, largest=largest)
        s.cast_shadow(box(s.x - 0.2, s.y, 0.75, 0.07, 0.07), depth=14, softness=0.13)
        s.draw(trunks, box(s.x, s.y + 0.3, 0.10 - 0.05 * s.y, 0.32), 36 - 70 * s.x)
        distance, light = crown(s, radii)
        s.draw(crowns, distance, L + 8 * light + 2.2 * s.noise(0.008))
        canvas.stamp(s)


def _fir(s, _):
    """Three skirts, each wider than the one above."""
    tiers = (s.y + 2.2).clamp(min=0) * 1.6
    skirt = 0.23 * tiers.clamp(max=3) + 0.26 * sawtooth(tiers)
    ends = torch.maximum(-2.2 - s.y, s.y + 0.33)
    distance = torch.maximum((s.x.abs() - skirt) * 0.8, ends)
    return distance, 0.9 * sawtooth(tiers) - 1.1 * s.x - 0.5


def _round_crown(s, radii):
    r = [s.of(between(0.85, 1.10, u)) for u in radii.unbind(-1)]
    top, left = (0.0, -1.5, 0.62 * r[0]), (-0.5, -1.0, 0.55 * r[1])
    right, middle = (0.5, -1.05, 0.58 * r[2]), (0.05, -0.75, 0.5 * r[3])
    return puffs(s.x, s.y, s.pixel, [top, left, right, middle])


def draw_houses(canvas: Canvas, layout: Layout) -> None:
    """A gable with a door, a side with windows, and a tiled roof over both."""
    count = round(2 * canvas.across)
    x, y, size, there, *shape = canvas.dice("houses", count, 9).unbind(-1)
    x = spread(canvas, x, jitter=0.4)
    y = layout.road_at(x) - layout.road_half - between(0.015, 0.045, y)
    size = between(0.13, 0.17, size) * layout.zoom
    reach = (-1.1, -1.42, 1.1, 0.12)
    s = canvas.place(there < 0.75, x, y, size, reach=reach, largest=0.17 * MOST_ZOOM)
    s.cast_shadow(box(s.x - 0.05, s.y - 0.02, 1.0, 0.07, 0.05), depth=16, softness=0.1)

    # The walls run from x = -0.95 over their corner to 0.95, up from y = 0.
    side, eave, ridge, corner, paint = (s.of(u) for u in shape)
    x, corner = s.x * flip(side), between(-0.20, -0.05, corner)
    eave, ridge = between(-0.52, -0.64, eave), between(-1.05, -1.21, ridge)
    paint = between(80, 88, paint)
    _draw_walls(s, canvas.enlist("wall", count), x, corner, eave, ridge, paint)
    windows, doors = canvas.enlist("window", count), canvas.enlist("wood", count)
    _draw_openings(s, windows, doors, x, corner, eave)
    _draw_roof(s, canvas.enlist("roof", count), x, corner, eave, ridge)
    canvas.stamp(s)


def _draw_walls(s, walls, x, corner, eave, ridge, paint):
    """The chimney, the side in the shade, the gable in the light."""
    y, middle = s.y, (corner + 0.95) / 2
    paint = paint - 2.5 * sawtooth(y * 11) * s.fine(0.09)  # planks
    chimney = box(x - 0.5, y - ridge - 0.02, 0.09, 0.2)
    s.draw(walls, chimney, paint - 22 - 110 * (x - 0.5))
    side = box(x - middle, y - eave / 2, 0.95 - middle, -eave / 2)
    s.draw(walls, side, paint - 13 - 9 * ramp(y - eave, 0.16, 0.02))
    apex = ((corner - 0.95) / 2, ridge)
    corners = [(-0.95, 0.0), (-0.95, eave), apex, (corner, eave), (corner, 0.0)]
    s.draw(walls, polygon(x, y, corners), paint)


def _draw_openings(s, windows, doors, x, corner, eave):
    """Two windows in the side, mirror images; in the gable one above the door."""
    apex, middle = x - (corner - 0.95) / 2, x - (corner + 0.95) / 2
    _draw_window(s, windows, (middle - 0.01).abs() - 0.21, s.y - eave * 0.52, 0.14)
    _draw_window(s, windows, apex, s.y - eave - 0.02, 0.10)
    knob = coverage(disc(apex - 0.06, s.y + 0.17, 0.025), s.pixel)
    s.draw(doors, box(apex, s.y + 0.18, 0.11, 0.19, 0.03), 42 - 60 * apex + 14 * knob)


def _draw_window(s, windows, x, y, half):
    glass = 44 - 60 * (x + y) + 20 * ramp((x + y).abs(), 0.04, 0.02)
    bars = ramp(torch.minimum(x.abs(), y.abs()), 0.02, 0.012) * s.fine(0.06)
    L = torch.lerp(glass, glass.new_tensor(82.0), bars)
    s.draw(windows, box(x, y, half, half * 1.15, 0.02), L)


def _draw_roof(s, roofs, x, corner, eave, ridge):
    """Six courses of tiles from the ridge to the eave, and the edge over the gable."""
    y, apex, low = s.y, (corner - 0.95) / 2, eave + 0.07
    shift = corner - apex  # the ridge begins at the apex, the eave at the corner
    course = (y - ridge) / (low - ridge) * 6
    joint = sawtooth((x - shift / 6 * course) * 9 + 0.5 * course.floor())
    tiles = (4 * sawtooth(course) - 2 + 3 * ramp(joint, 0.16, 0.12)) * s.fine(0.12)
    top = [(apex - 0.02, ridge - 0.04), (1.09 - shift, ridge - 0.04)]
    face = polygon(x, y, [*top, (1.03, low), (corner + 0.03, low)])
    s.draw(roofs, face, 53 - 1.3 * course - tiles)
    end = [(apex, ridge - 0.05), (apex, ridge + 0.11)]
    edge = polygon(x, y, [(-1.03, low), *end, (-0.95, low + 0.04)])
    s.draw(roofs, edge, 43.0)
