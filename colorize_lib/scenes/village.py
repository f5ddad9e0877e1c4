"""The foreground: trees and houses, the road, its cars, and the flowers in front."""

import torch

from .canvas import Canvas
from .layout import FAR_AWAY, MOST_ZOOM, Layout, between, flip, spread
from .shapes import box, coverage, disc, ellipse, polygon, puffs, ramp, sawtooth


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
    there = (there < between(0.5, 0.65, near)) & layout.has_road
    y = layout.road_at(x) + between(-0.036, 0.066, near) * layout.zoom
    size = (between(0.124, 0.140, near) + 0.02 * size) * layout.zoom
    reach = (-1.08, -1.06, 1.08, 0.21)
    s = canvas.place(there, x, y, size, reach=reach, largest=0.16 * MOST_ZOOM)
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


IN_ORDER = (draw_far_trees, draw_near_trees, draw_houses)
IN_ORDER += (draw_road, draw_cars, draw_flowers)
