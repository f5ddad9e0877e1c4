"""What a reader plays with on the page: the Lab explorer and the Turing test.

A widget is one piece of HTML with its pictures, styles and script inside: it works in a
notebook, in Colab and on the book's pages, and asks for nothing from anywhere. The
scripts and styles lie beside this file. The same arguments make the same HTML.
"""

import base64
import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from io import BytesIO
from statistics import NormalDist

import torch
from PIL import Image
from torch import Tensor

from colorize_lib.color import AB_SCALE, D65_WHITE, RGB_TO_XYZ, XYZ_TO_RGB
from colorize_lib.photos import is_near_gray, mean_chroma

# Of one lightness, red and blue as the cars of the drawn scenes; then of one hue and
# chroma, which only a light color can have.
COLORS = {
    "Red, L 50": (50, 52, 34),
    "Blue, L 50": (50, 2, -46),
    "Yellow, L 88": (88, -5, 85),
    "Yellow, L 40": (40, -5, 85),
}
# 4:2:0 would take a fifth less, but halve the resolution of what is judged, the colors.
JPEG = {"quality": 80, "subsampling": "4:4:4", "optimize": True, "progressive": True}
# A quarter smaller than PNG. Of a JPEG the pixels are not those that chapter 1 prints.
LOSSLESS = {"lossless": True, "quality": 100, "method": 6}


@dataclass(frozen=True)
class Widget:
    """HTML to play with; a notebook shows it as the last value of a cell.

    Attributes:
        html: all of it: pictures, styles and script.
        description: what a reader sees where no HTML is shown.
    """

    html: str
    description: str

    def _repr_html_(self):
        return self.html

    def __repr__(self):
        shown = "where HTML is shown: in a notebook or on the book's page"
        return f"{self.description}, {shown}."


def lab_explorer(
    photo: Tensor,
    *,
    name: str,
    spots: Mapping[str, tuple[int, int]] | None = None,
    colors: Mapping[str, tuple[float, float, float]] = COLORS,
) -> Widget:
    """Make an explorer of Lab colors around a photograph. Used in chapter 1.

    Its reader moves L, a and b, walks through the slice of the gamut at one lightness,
    or picks a pixel, and sees the color, its gray, its sRGB codes and what a network
    has of it. The browser converts as :mod:`colorize_lib.color` does, in float64: what
    sRGB cannot show is shown with less chroma, and said to be.

    Args:
        photo: uint8 ``(3, H, W)``, of at most 256 x 256 pixels, which take 1.5 to
            2 bytes each. Stored without loss.
        name: says what the photograph shows, also to those who cannot see it.
        spots: pixels with a name and a button, as ``(row, column)``. The explorer
            starts at the first, or in the middle of the photograph.
        colors: colors with a name and a button, as ``(L, a, b)``.

    Raises:
        TypeError: a photograph that is no tensor of uint8, or a name that is no text.
        ValueError: a photograph of another shape or too large; a name that is empty or
            there twice; a spot or a color out of reach.
    """
    spots = {} if spots is None else spots
    _check_shape("photo", photo, "(3, H, W)")
    _check_names(name)
    _check_names(*spots, *colors)
    height, width = photo.shape[-2:]
    _check_reach(height, width, spots, colors)

    def spot(row, column):
        return {"at": [column, row], "codes": photo[:, row, column].tolist()}

    given = {
        "name": name,
        "photo": _data_uri(_as_image(photo), "WEBP", LOSSLESS),
        "size": [width, height],
        "start": spot(*next(iter(spots.values()), (height // 2, width // 2))),
        "spots": [[label, spot(*place)] for label, place in spots.items()],
        "colors": [[label, list(lab)] for label, lab in colors.items()],
        "constants": {
            "abScale": AB_SCALE,
            "rgbToXyz": RGB_TO_XYZ,
            "xyzToRgb": XYZ_TO_RGB,
            "white": D65_WHITE,
        },
    }
    html = _page("Lab explorer", given, "lab_color.js", "lab_explorer.js")
    return Widget(html, f"Lab explorer with {name}: move L, a and b, or pick a pixel")


def turing_test(
    names: Sequence[str], real: Tensor, colored: Tensor, *, model: str, side: int = 224
) -> Widget:
    """Make a test: is this picture real, or did a network color it? Used in chapter 9.

    Each picture is shown once, in random order, real or colored by chance, for as long
    as one likes. (Zhang, Isola, Efros 2016 show both versions, a second each.)

    Args:
        names: of the pictures, told after the answer; all different.
        real: uint8 ``(N, 3, H, W)``, the pictures in their own colors. Leave out
            photographs that exist in black and white only.
        colored: uint8 ``(N, 3, H, W)``, the same pictures in the network's colors.
        model: the network's name, for the reader.
        side: pixels of the longer side, as shown; larger pictures are reduced to it. At
            224 pixels a picture takes about 35 kB.

    Raises:
        TypeError: pictures that are no tensors of uint8, or a name that is no text.
        ValueError: pictures or names that do not fit together; a name that is empty or
            there twice; a picture without color, or one that the network left alone.
    """
    _check_pictures(names, real, colored, side)
    _check_names(*names)
    _check_names(model)
    _check_answerable(names, real, colored)
    height, width = real.shape[-2:]
    scale = side / max(height, width)

    def jpeg(picture):
        image = _as_image(picture)
        if scale < 1:
            size = _scaled(image.size, scale)
            image = image.resize(size, Image.Resampling.BICUBIC)
        return _data_uri(image, "JPEG", JPEG)

    given = {
        "model": model,
        "size": _scaled((width, height), scale),
        "pictures": [
            {"name": name, "real": jpeg(own), "colored": jpeg(other)}
            for name, own, other in zip(names, real, colored, strict=True)
        ],
        "verdicts": [_verdict(right, len(names)) for right in range(len(names) + 1)],
    }
    html = _page("Turing test", given, "turing_test.js")
    many = f"{len(names)} picture{'s' if len(names) > 1 else ''}"
    return Widget(html, f"Turing test on {many}, real or colored by {model}: play it")


# ------------------------------------------------------------ HTML


def _page(title, given, *modules):
    """A widget's HTML: an element, its style, and a script that starts in it."""
    kind = title.lower().replace(" ", "-")
    # Without "<" nothing that a name holds can end the script.
    data = json.dumps(given).replace("<", "\\u003c")
    # By its content, not by chance: the script finds its own element among several.
    digest = hashlib.sha256(data.encode()).hexdigest()[:12]
    style = _source(f"{kind.replace('-', '_')}.css")
    code = "".join(_source(module) for module in modules)
    # To JupyterLab letters are commands on a cell, unless the element suppresses them.
    # Two cells may show the same widget: each script takes what none has taken yet.
    return f"""\
<div class="{kind}" data-widget="{digest}" role="group" aria-label="{title}" tabindex="-1"
data-lm-suppress-shortcuts="true"><noscript>Here is a {title}. It needs JavaScript; in a
notebook, run its cell, or trust the notebook.</noscript></div>
<style>
{style}</style>
<script>
(() => {{
"use strict";
{code}const given = {data};
for (const root of document.querySelectorAll('[data-widget="{digest}"]:not([data-state])'))
start(root, given);
}})();
</script>"""


def _source(name):
    """A file of this folder, as short as its lines can be: each output stores it.

    Modules become one script: what they import lies before them.
    """
    text = files(__package__).joinpath(name).read_text("utf-8")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"^ *// .*|^import .*|^export ", "", text, flags=re.MULTILINE)
    return re.sub(r"\n\s+", "\n", text).lstrip()


def _as_image(picture):
    return Image.fromarray(picture.cpu().permute(1, 2, 0).contiguous().numpy())


def _data_uri(image, kind, options):
    """A picture inside the page, so that no file and no request is needed."""
    file = BytesIO()
    image.save(file, kind, **options)
    text = base64.b64encode(file.getvalue()).decode()
    return f"data:image/{kind.lower()};base64,{text}"


def _scaled(size, scale):
    return [max(1, round(length * scale)) for length in size]


# ------------------------------------------------------------ what a score means


def _wilson_interval(right, trials):
    """The 95 % interval of a share (Wilson 1927): within 0..1, never without width."""
    z = NormalDist().inv_cdf(0.975)
    share, weight = right / trials, z * z / trials
    center = (share + weight / 2) / (1 + weight)
    reach = math.sqrt(weight * (share * (1 - share) + weight / 4)) / (1 + weight)
    return max(0.0, center - reach), min(1.0, center + reach)


def _verdict(right, trials):
    """What is said after the last answer: a sentence on the score, one on guessing."""
    low, high = _wilson_interval(right, trials)
    if low > 0.5:
        meaning = "All of it lies above 50 %: you do better than luck explains."
    elif high < 0.5:
        meaning = "All of it lies below 50 %: you took the one for the other."
    else:
        meaning = "50 % lies within: this may be luck."
    as_many = f"{right} or more" if right < trials else f"all {trials}"
    luck = sum(math.comb(trials, k) for k in range(right, trials + 1)) / 2**trials
    by_luck = _percent(luck) if luck >= 0.01 else "less than 1 %"
    return [
        f"{_percent(right / trials)} right, with a 95 % interval from {_percent(low)} "
        f"to {_percent(high)}. {meaning}",
        f"Guessing gets {trials / 2:g} of {trials} on average, and {as_many} in "
        f"{by_luck} of all tests.",
    ]


def _percent(share):
    return f"{100 * share:.0f} %"


# ------------------------------------------------------------ what is refused


def _check_shape(what, pictures, shape):
    if not isinstance(pictures, Tensor) or pictures.dtype != torch.uint8:
        kind = getattr(pictures, "dtype", type(pictures).__name__)
        raise TypeError(f"{what} must be a tensor of uint8, not {kind}")
    size, axes = tuple(pictures.shape), shape.count(",") + 1
    if len(size) != axes or size[-3] != 3 or pictures.numel() == 0:
        raise ValueError(f"{what} has the shape {size}; give {shape}, none of them 0")


def _check_names(*names):
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"names are texts; {name!r} is none")
        if not name.strip():
            raise ValueError("a name is empty; say what is shown")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"names must differ; there twice: {', '.join(twice)}")


def _check_reach(height, width, spots, colors):
    if max(height, width) > 256:
        raise ValueError(
            f"photo has {height} x {width} pixels, more than 256 x 256, which would "
            "make the page heavy; read it smaller: read_photo(path, 256)"
        )
    for spot, (row, column) in spots.items():
        if not (0 <= row < height and 0 <= column < width):
            raise ValueError(
                f"{spot!r} at row {row}, column {column} lies beside the photograph, "
                f"which has {height} rows and {width} columns"
            )
    for color, (L, a, b) in colors.items():
        if not (0 <= L <= 100 and abs(a) <= AB_SCALE and abs(b) <= AB_SCALE):
            raise ValueError(
                f"{color!r} is ({L}, {a}, {b}); L must lie in 0..100, "
                f"a and b in -{AB_SCALE:g}..{AB_SCALE:g}"
            )


def _check_pictures(names, real, colored, side):
    for what, pictures in {"real": real, "colored": colored}.items():
        _check_shape(what, pictures, "(N, 3, H, W)")
    if real.shape != colored.shape:
        shapes = f"{tuple(real.shape)} and {tuple(colored.shape)}"
        raise ValueError(f"real and colored differ in shape, {shapes}; give pairs")
    if isinstance(names, str) or len(names) != len(real):
        given = "one text" if isinstance(names, str) else len(names)
        raise ValueError(f"{len(real)} pictures need as many names, not {given}")
    if side < 1:
        raise ValueError(f"side must be at least 1 pixel, not {side}")


def _check_answerable(names, real, colored):
    for name, own, other in zip(names, real, colored, strict=True):
        if is_near_gray(float(mean_chroma(own))):
            raise ValueError(f"{name!r} has no color of its own; leave it out")
        if torch.equal(own, other):
            raise ValueError(f"{name!r} is the same in real and colored; leave it out")
