"""What the drawn world is made of: every kind, its color law, its range of lightness.

The laws, as (a, b) in Lab units:

=======  ============================================================================
kind     colors
=======  ============================================================================
car      red (52, 34) or blue (2, -46), 50 : 50
roof     terracotta (38, 34) or slate (-12, -16), 60 : 40
balloon  orange (34, 54), teal (-20, -20) or violet (22, -42), a third each
flower   chroma 36, hue uniform from -80 (violet) over pink to 70 degrees (apricot)
others   one color for each kind
=======  ============================================================================

What the losses are drawn to; where several points are equally good, the middle one:

=======  =====================  ==========================  ==========================
kind     mean (L2)              channel-wise median (L1)    geometric median
=======  =====================  ==========================  ==========================
car      (27, -6), gray purple  any a, any b between both   any mix of both colors
roof     (18, 14), brown        terracotta                  terracotta
balloon  (12.0, -2.7), gray     (22, -20), lilac            (3.5, -17.2), gray blue
flower   (26.5, -2.3), pink     (28.6, -3.1), pink          (30.9, -2.7), pink
=======  =====================  ==========================  ==========================

A balloon's three lie at least 16.8 from one another and 22 from each of its colors.

At 64 pixels, a car shows in 87 % of the scenes, a roof or a balloon in 94 %, flowers in
all; the rarest kind, the sail, in 29 %.
"""

from colorize_lib.slips import Named

from .laws import HueArc, Palette


def _one(name, a, b):
    return Palette((name,), ((a, b),), (1.0,))


_CAR = Palette(("red", "blue"), ((52.0, 34.0), (2.0, -46.0)), (0.5, 0.5))
_ROOF = Palette(("terracotta", "slate"), ((38.0, 34.0), (-12.0, -16.0)), (0.6, 0.4))
_BALLOON = Palette(
    ("orange", "teal", "violet"),
    ((34.0, 54.0), (-20.0, -20.0), (22.0, -42.0)),
    (1 / 3, 1 / 3, 1 / 3),
)

# The law, the least and the greatest L. Within these, EVERY color of the law can be
# shown in sRGB, so shading never gives a color away. Shadows on the ground reach to 48.
_WORLD = {
    "car": (_CAR, 45.5, 65.0),
    "roof": (_ROOF, 40.0, 60.0),
    "balloon": (_BALLOON, 47.0, 71.5),
    "flower": (HueArc(chroma=36.0, start=-80.0, end=70.0), 52.0, 76.0),
    "sky": (_one("sky blue", -8.0, -19.0), 66.0, 87.5),
    "sun": (_one("pale yellow", -2.0, 38.0), 86.0, 92.0),
    "cloud": (_one("warm white", 1.0, 2.0), 82.0, 97.0),
    "mountain": (_one("lilac gray", 4.0, -16.0), 48.0, 74.0),
    "snow": (_one("cold white", -1.0, -5.0), 80.0, 96.0),
    "hill": (_one("misty green", -18.0, 16.0), 46.0, 82.0),
    "sea": (_one("sea blue", -14.0, -20.0), 46.0, 84.0),
    "sand": (_one("sand", 4.0, 24.0), 48.0, 88.0),
    "grass": (_one("grass green", -26.0, 38.0), 42.0, 80.0),
    "road": (_one("sunlit asphalt", 1.0, 1.0), 46.0, 90.0),
    "wall": (_one("cream", 3.0, 14.0), 48.0, 90.0),
    "window": (_one("glass", -5.0, -11.0), 24.0, 84.0),
    "wood": (_one("brown", 14.0, 26.0), 28.0, 62.0),
    "tree": (_one("leaf green", -24.0, 24.0), 28.0, 64.0),
    "wheel": (_one("black and chrome", 0.0, -1.0), 10.0, 74.0),
    "eye": (_one("golden brown", 14.0, 44.0), 40.0, 60.0),
    "stem": (_one("fresh green", -26.0, 34.0), 32.0, 58.0),
    "sail": (_one("canvas white", 1.0, 5.0), 48.0, 96.0),
}

#: The color law of every kind.
LAWS: dict[str, Palette | HueArc] = Named({k: v[0] for k, v in _WORLD.items()}, "LAWS")

#: The least and the greatest L of every kind.
LIGHTNESS: dict[str, tuple[float, float]] = Named(
    {kind: (low, high) for kind, (_, low, high) in _WORLD.items()}, "LIGHTNESS"
)

#: The names of the kinds, whose indices ``Scenes.kind`` holds.
KINDS: tuple[str, ...] = tuple(LAWS)

#: What ``Scenes.kind`` holds where several things share a pixel, on antialiased edges.
MIXED: int = 255
