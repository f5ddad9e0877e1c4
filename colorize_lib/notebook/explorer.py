"""Lab by hand: three sliders, the gamut around a color, the gray that it becomes.

Used in chapter 1. It is plain HTML and JavaScript with the photograph inside, so that
it works in a notebook, in Colab and on the static page, and loads nothing from outside.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO

import torch
from PIL import Image
from torch import Tensor

from colorize_lib.color import AB_SCALE, D65_WHITE, RGB_TO_XYZ, XYZ_TO_RGB

# Of one lightness, red and blue as the cars of the drawn scenes; then of one hue and
# chroma, which only a light color can have.
COLORS = {
    "Red, L 50": (50, 52, 34),
    "Blue, L 50": (50, 2, -46),
    "Yellow, L 88": (88, -5, 85),
    "Yellow, L 40": (40, -5, 85),
}


@dataclass(frozen=True)
class LabExplorer:
    """Lab to be explored in a browser, made by :func:`lab_explorer`.

    A notebook shows it where it is the last value of a cell.

    Attributes:
        html: all of it: photograph, texts and script.
        name: of the photograph.
    """

    html: str
    name: str

    def _repr_html_(self):
        return self.html

    def __repr__(self):
        return (
            f"Lab explorer with {self.name}: move L, a and b, or pick a pixel, "
            "where HTML is shown, in a notebook or on the book's page."
        )


def lab_explorer(
    photo: Tensor,
    *,
    name: str,
    spots: Mapping[str, tuple[int, int]] | None = None,
    colors: Mapping[str, tuple[float, float, float]] = COLORS,
) -> LabExplorer:
    """Make an explorer of Lab colors around a photograph.

    Its reader moves L, a and b, walks through the slice of the gamut at one lightness,
    or picks a pixel, and sees the color, its gray, its sRGB codes and what a network
    has of it. What sRGB cannot show is shown with its chroma reduced, as by
    :func:`colorize_lib.color.reduce_chroma`, and said to be.

    The browser converts in float64 with the constants of :mod:`colorize_lib.color`; the
    photograph is stored without loss: its pixels are those of the tensor. The same
    arguments make the same HTML, so stored outputs stay as they are.

    Args:
        photo: uint8 ``(3, H, W)``, of at most 256 x 256 pixels, 1.5 to 2 bytes each in
            the HTML.
        name: says what the photograph shows, also to those who cannot see it.
        spots: pixels with a name and a button, as ``(row, column)``. The explorer
            starts at the first, or in the middle of the photograph.
        colors: colors with a name and a button, as ``(L, a, b)``.

    Returns:
        The explorer.

    Raises:
        TypeError: a photograph that is not a tensor of uint8, or a name that is no
            text.
        ValueError: a photograph of another shape or too large; an empty name, or one
            that is given to a spot and to a color; a spot beside the photograph; a
            color beyond the sliders.
    """
    spots = {} if spots is None else spots
    _check_photo(photo)
    _check_names(name, spots, colors)
    _check_places(photo, spots, colors)
    height, width = photo.shape[-2:]
    given = {
        "name": name,
        "photo": _lossless(photo),
        "size": [width, height],
        "start": _spot(photo, *next(iter(spots.values()), (height // 2, width // 2))),
        "spots": [[spot, _spot(photo, *place)] for spot, place in spots.items()],
        "colors": [[color, list(lab)] for color, lab in colors.items()],
        "scale": AB_SCALE,
    }
    # Without "<" nothing that a name holds can end the script.
    data = json.dumps(given).replace("<", "\\u003c")
    # By its content, not by chance: the script finds its own element among several.
    digest = hashlib.sha256(data.encode()).hexdigest()[:12]
    html = (
        f'<div class="lab-explorer" data-lab-explorer="{digest}" role="group" '
        f'aria-label="Lab explorer" data-lm-suppress-shortcuts="true">'
        f"<noscript>{_WITHOUT_SCRIPT}</noscript></div>\n"
        f"<style>{_flush(_STYLE)}</style>\n"
        f'<script>({_flush(_SCRIPT)})({color_script()}, "{digest}", {data});</script>'
    )
    return LabExplorer(html, name)


def color_script() -> str:
    """The conversions of :mod:`colorize_lib.color` as a JavaScript expression.

    Returns:
        An expression. Its value is an object of functions on arrays of three numbers,
        ``rgbToLab``, ``labToRgb``, ``outOfGamut`` and ``reduceChroma``, with
        ``grayCode`` from L to a number, and ``gamutSlice(L, reach, dots)`` with the
        RGBA bytes of a plane of a and b. sRGB runs from 0 to 1.
    """
    constants = ", ".join(json.dumps(x) for x in (RGB_TO_XYZ, XYZ_TO_RGB, D65_WHITE))
    return f"({_flush(_COLOR)})({constants})"


# ------------------------------------------------------------ before the browser


def _check_photo(photo):
    if not isinstance(photo, Tensor) or photo.dtype != torch.uint8:
        kind = getattr(photo, "dtype", type(photo).__name__)
        raise TypeError(f"photo must be a tensor of uint8, not {kind}")
    shape = tuple(photo.shape)
    if len(shape) != 3 or shape[0] != 3 or photo.numel() == 0:
        raise ValueError(f"photo has the shape {shape}; give (3, H, W)")
    if max(shape) > 256:
        raise ValueError(
            f"photo has {shape[1]} x {shape[2]} pixels; more than 256 x 256 would make "
            "the page heavy: read it smaller, read_photo(path, 256)"
        )


def _check_names(name, spots, colors):
    for text in (name, *spots, *colors):
        if not isinstance(text, str):
            raise TypeError(f"names are texts; {text!r} is none")
        if not text.strip():
            raise ValueError("the photograph, a spot or a color has an empty name")
    twice = sorted(set(spots) & set(colors))
    if twice:
        raise ValueError(f"both a spot and a color: {', '.join(twice)}")


def _check_places(photo, spots, colors):
    height, width = photo.shape[-2:]
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


def _spot(photo, row, column):
    return {"at": [column, row], "codes": photo[:, row, column].tolist()}


def _lossless(photo):
    """A photograph as a data URI, so that no file and no request is needed."""
    file = BytesIO()
    picture = Image.fromarray(photo.cpu().permute(1, 2, 0).contiguous().numpy())
    # A quarter smaller than PNG. JPEG would be a quarter of it, but its pixels are no
    # longer those that the chapter's code prints.
    picture.save(file, "WEBP", lossless=True, quality=100, method=6)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"


def _flush(source):
    """Without indents, a sixth of the script: notebooks store it with every output."""
    return re.sub(r"\n\s+", "\n", source.strip())


# ------------------------------------------------------------ in the browser

_WITHOUT_SCRIPT = (
    "Here is a Lab explorer: sliders for L, a and b, the gamut around a color, a "
    "photograph to pick colors from. It needs JavaScript; in a notebook, run its cell, "
    "or trust the notebook."
)

# As in colorize_lib.color, line by line.
_COLOR = """
(toXyz, toLinear, white) => {
  const times = (matrix, [x, y, z]) =>
    matrix.map((row) => row[0] * x + row[1] * y + row[2] * z);
  const linearOf = (code) =>
    code <= 0.04045 ? code / 12.92 : ((code + 0.055) / 1.055) ** 2.4;
  const codeOf = (linear) =>
    linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055;
  const f = (t) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  const fInverse = (y) => (y > 0.2068966 ? y ** 3 : (y - 16 / 116) / 7.787);

  const rgbToLab = (rgb) => {
    const [fx, fy, fz] = times(toXyz, rgb.map(linearOf)).map((t, i) => f(t / white[i]));
    return [116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)];
  };
  const labToRgb = ([L, a, b]) => {
    const fy = (L + 16) / 116;
    const xyz = [fy + a / 500, fy, fy - b / 200].map((y, i) => white[i] * fInverse(y));
    return times(toLinear, xyz).map(codeOf);
  };
  const grayCode = (L) => codeOf(fInverse((L + 16) / 116));
  const outOfGamut = (lab, tolerance = 1e-3) =>
    labToRgb(lab).some((code) => code < -tolerance || code > 1 + tolerance);
  const reduceChroma = ([L, a, b], tolerance = 1e-4, steps = 16) => {
    if (!outOfGamut([L, a, b], tolerance)) return [L, a, b];
    let [inside, outside] = [0, 1];
    for (let step = 0; step < steps; step++) {
      const factor = (inside + outside) / 2;
      if (outOfGamut([L, factor * a, factor * b], tolerance)) outside = factor;
      else inside = factor;
    }
    return [L, inside * a, inside * b];
  };

  // RGBA of the plane of a and b, b upward; transparent where sRGB has no color. With L
  // fixed X follows from a alone and Z from b alone: 40 times less work than labToRgb.
  const table = Uint8Array.from({ length: 8193 }, (_, i) => Math.round(255 * codeOf(i / 8192)));
  const [least, most] = [-1e-3 / 12.92, linearOf(1.001)];
  const gamutSlice = (L, reach, dots) => {
    const rgba = new Uint8ClampedArray(4 * dots * dots);
    const fy = (L + 16) / 116;
    const along = Array.from({ length: dots }, (_, i) => reach * ((2 * i) / (dots - 1) - 1));
    const X = along.map((a) => white[0] * fInverse(fy + a / 500));
    const Z = along.map((b) => white[2] * fInverse(fy + b / 200));  // -b: the top comes first
    const Y = white[1] * fInverse(fy);
    const [red, green, blue] = toLinear;
    for (let row = 0, place = 0; row < dots; row++)
      for (let column = 0; column < dots; column++, place += 4) {
        const r = red[0] * X[column] + red[1] * Y + red[2] * Z[row];
        const g = green[0] * X[column] + green[1] * Y + green[2] * Z[row];
        const b = blue[0] * X[column] + blue[1] * Y + blue[2] * Z[row];
        if (r < least || g < least || b < least || r > most || g > most || b > most) continue;
        rgba[place] = table[Math.max(0, Math.min(8192, Math.round(8192 * r)))];
        rgba[place + 1] = table[Math.max(0, Math.min(8192, Math.round(8192 * g)))];
        rgba[place + 2] = table[Math.max(0, Math.min(8192, Math.round(8192 * b)))];
        rgba[place + 3] = 255;
      }
    return rgba;
  };
  return { rgbToLab, labToRgb, grayCode, outOfGamut, reduceChroma, gamutSlice };
}
"""

# Lines and letters have the color of the text around: legible on any background.
_STYLE = """
.lab-explorer {
  --faint: color-mix(in srgb, currentColor 55%, transparent);
  --hatch: repeating-linear-gradient(135deg, transparent 0 5px,
    color-mix(in srgb, currentColor 12%, transparent) 5px 6px);
  display: grid; gap: 1.25rem; max-width: 46rem; box-sizing: border-box; padding: 1rem;
  border: 1px solid; border-radius: 0.5rem; line-height: 1.4;
}
.lab-explorer *, .lab-explorer *::before { box-sizing: border-box; }
.lab-explorer .lx-pair {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr));
  gap: 1.25rem 1.5rem; align-items: start;
}
.lab-explorer :is(p, figure, dl, dd, dt) { margin: 0; padding: 0; font-weight: normal; }
.lab-explorer figure { min-width: 0; }
.lab-explorer :is(figcaption, .lx-ends, .lx-under, dt) { font-size: 0.85em; }
.lab-explorer figcaption {
  margin: 0.4rem 0 0; padding: 0; color: inherit; text-align: left;
  font-family: inherit; font-weight: normal; font-style: normal;
}
.lab-explorer .lx-photo + figcaption { min-height: 2.8em; }
.lab-explorer :is(.lx-stage, .lx-patch, .lx-track) { forced-color-adjust: none; }

.lab-explorer .lx-stage {
  position: relative; display: block; border: 1px solid var(--faint);
  cursor: crosshair; touch-action: pan-y pinch-zoom; user-select: none;
}
.lab-explorer .lx-stage :is(canvas, .lx-lines) {
  position: absolute; inset: 0; display: block; width: 100%; height: 100%;
}
.lab-explorer .lx-slice { aspect-ratio: 1; background: var(--hatch); }
.lab-explorer .lx-lines {
  overflow: hidden; fill: none; stroke: currentColor; pointer-events: none;
}
.lab-explorer .lx-lines * { vector-effect: non-scaling-stroke; }
.lab-explorer .lx-axes { stroke-opacity: 0.6; stroke-width: 0.75; }
.lab-explorer .lx-edge { stroke-width: 1.5; }
.lab-explorer .lx-way { stroke-width: 1.5; stroke-dasharray: 4 4; }
.lab-explorer .lx-framed {
  display: grid; grid-template-columns: 1.4em 1fr 1.4em; grid-template-rows: auto auto auto;
  font-size: 0.85em; text-align: center; gap: 0.15rem;
}
.lab-explorer .lx-framed .lx-stage { grid-area: 2 / 2; font-size: 1rem; }
.lab-explorer .lx-framed .lx-up { grid-area: 1 / 2; }
.lab-explorer .lx-framed .lx-down { grid-area: 3 / 2; }
.lab-explorer .lx-framed .lx-left { grid-area: 2 / 1; writing-mode: vertical-rl; rotate: 180deg; }
.lab-explorer .lx-framed .lx-right { grid-area: 2 / 3; writing-mode: vertical-rl; }
.lab-explorer .lx-grip {
  position: absolute; width: 44px; height: 44px; translate: -50% -50%;
  cursor: grab; touch-action: none;
}
.lab-explorer .lx-grip::before {
  content: ""; position: absolute; inset: 12px; border: 2px solid #fff; border-radius: 50%;
  background: var(--filling, transparent); box-shadow: 0 0 0 1.5px #000, inset 0 0 0 1px #000;
}
.lab-explorer[data-gamut=outside] .lx-slice .lx-grip:not(.lx-found)::before {
  border-style: dashed; background: none;
}
.lab-explorer .lx-found { display: none; pointer-events: none; }
.lab-explorer[data-gamut=outside] .lx-slice .lx-found { display: block; }
.lab-explorer .lx-slice .lx-found::before { inset: 15px; }
.lab-explorer .lx-photo .lx-grip::before { content: none; }
.lab-explorer .lx-cross { display: block; width: 44px; height: 44px; fill: none; }
.lab-explorer .lx-photo[data-left=true] .lx-cross { opacity: 0.55; }

.lab-explorer .lx-patches { display: grid; grid-template-columns: 1fr 1fr; }
.lab-explorer .lx-patch { height: 5.5rem; border: 1px solid var(--faint); }
.lab-explorer .lx-patch + .lx-patch { border-left: none; }
.lab-explorer .lx-under { padding: 0.3rem 0.5rem 0 0; }
.lab-explorer .lx-under > * { display: block; }
.lab-explorer :is(.lx-under, dd) { font-variant-numeric: tabular-nums; }
.lab-explorer .lx-said { margin: 0.6rem 0; min-height: 4.2em; }

.lab-explorer .lx-slider {
  display: grid; grid-template-columns: 1.1em 1fr 4.6em; align-items: center; gap: 0 0.5rem;
}
.lab-explorer .lx-slider label { display: contents; }
.lab-explorer .lx-letter { font-weight: bold; }
.lab-explorer .lx-rail { position: relative; display: block; height: 44px; }
.lab-explorer .lx-track {
  position: absolute; inset: 14px 0; border: 1px solid var(--faint); border-radius: 8px;
  background: var(--paint, none), var(--hatch);
}
.lab-explorer input {
  font: inherit; color: inherit; background: transparent;
  margin: 0; min-height: 44px; max-width: none;
}
.lab-explorer input[type=number] {
  width: 100%; padding: 0 0.25rem; text-align: right; border: 1px solid var(--faint);
  border-radius: 0.3rem; appearance: textfield; font-variant-numeric: tabular-nums;
}
.lab-explorer input[type=number]::-webkit-inner-spin-button { appearance: none; }
.lab-explorer input[type=range] {
  position: absolute; inset: 0; width: 100%; height: 44px; padding: 0; border: none;
  appearance: none; cursor: pointer; touch-action: pan-y pinch-zoom;
}
.lab-explorer input[type=range]::-webkit-slider-runnable-track { height: 44px; background: none; }
.lab-explorer input[type=range]::-moz-range-track { height: 44px; background: none; }
.lab-explorer input[type=range]::-webkit-slider-thumb {
  appearance: none; width: 24px; height: 24px; margin-top: 10px; border-radius: 50%;
  background: #fff; border: 2px solid #000; box-shadow: 0 0 0 1px #fff;
}
.lab-explorer input[type=range]::-moz-range-thumb {
  box-sizing: border-box; width: 24px; height: 24px; border-radius: 50%;
  background: #fff; border: 2px solid #000; box-shadow: 0 0 0 1px #fff;
}
.lab-explorer .lx-ends {
  grid-column: 2; display: grid; grid-template-columns: 1fr auto 1fr; margin-top: -0.35rem;
}
.lab-explorer .lx-ends > :last-child { text-align: right; }
.lab-explorer dl { display: grid; gap: 0.7rem; }
.lab-explorer .lx-buttons { display: flex; flex-wrap: wrap; gap: 0.4rem; }
.lab-explorer .lx-buttons:empty { display: none; }
.lab-explorer button {
  min-height: 44px; padding: 0.3rem 0.6rem; font: inherit; font-size: 0.9em; color: inherit;
  cursor: pointer; background: transparent; border: 1px solid; border-radius: 0.4rem;
}
.lab-explorer .lx-dot {
  display: inline-block; width: 0.9em; height: 0.9em; margin-right: 0.5em; border-radius: 50%;
  vertical-align: -0.1em; box-shadow: 0 0 0 1px var(--faint); forced-color-adjust: none;
}
.lab-explorer .lx-help { margin-top: 1.25rem; font-size: 0.85em; }
.lab-explorer button:hover { text-decoration: underline; }
.lab-explorer :focus-visible { outline: 3px solid; outline-offset: 3px; }
.lab-explorer .lx-aloud {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap;
}
/* Jupyter Book puts HTML on a pale ground in its dark mode. */
html[data-theme=dark] .bd-content div.cell_output .output.text_html:has(> .lab-explorer) {
  padding: 0; color: inherit; background: none;
}
"""

_SCRIPT = """
(color, digest, given) => {
  const [width, height] = given.size;
  const reach = given.scale;  // how far the sliders of a and b go
  const dots = 4 * reach + 1;  // two a unit
  const slider = (letter, name, low, ends) => `
    <div class="lx-slider">
      <label><span class="lx-letter">${letter}</span>
        <span class="lx-rail"><span class="lx-track"></span>
          <input type="range" min="${low}" max="${low < 0 ? -low : 100}" step="1"
            aria-label="${letter}, ${name}"></span></label>
      <input type="number" min="${low}" max="${low < 0 ? -low : 100}" step="any"
        inputmode="${low < 0 ? "text" : "decimal"}" aria-label="${letter} as a number">
      <div class="lx-ends">${ends.map((end) => `<span>${end}</span>`).join("")}</div>
    </div>`;
  const stage = (kind, inside) => `
    <div class="lx-stage lx-${kind}" tabindex="0" role="slider"
      aria-roledescription="slider in two directions"><canvas></canvas>${inside}</div>`;
  const arms = 'd="M22 2V15M22 29V42M2 22H15M29 22H42"';
  const markup = `
    <div class="lx-buttons" role="group" aria-label="Colors to start from"></div>
    <div class="lx-pair">
      <figure>${stage("photo", `<span class="lx-grip"><svg class="lx-cross" viewBox="0 0 44 44"
        aria-hidden="true"><path ${arms} stroke="#000" stroke-width="5"/>
        <path ${arms} stroke="#fff" stroke-width="2"/></svg></span>`)}
        <figcaption></figcaption></figure>
      <div>
        <div class="lx-patches">
          <div class="lx-patch"></div><div class="lx-patch"></div>
          <p class="lx-under"><b></b><span></span><span></span></p>
          <p class="lx-under"><b>its gray</b><span></span><span></span></p>
        </div>
        <p class="lx-said"></p>
        ${slider("L", "lightness", 0, ["black", "", "white"])}
        ${slider("a", "from greenish to reddish", -reach, ["greenish", "0", "reddish"])}
        ${slider("b", "from bluish to yellowish", -reach, ["bluish", "0", "yellowish"])}
      </div>
    </div>
    <div class="lx-pair">
      <figure>
        <div class="lx-framed">
          <span class="lx-up">b: yellowish</span><span class="lx-left">greenish</span>
          ${stage("slice", `<svg class="lx-lines" aria-hidden="true"
            viewBox="${[-reach, -reach, 2 * reach, 2 * reach]}">
            <path class="lx-axes" d="M-999 0H999M0-999V999"/>
            <path class="lx-edge"/><path class="lx-way"/></svg>
            <span class="lx-grip lx-found"></span><span class="lx-grip"></span>`)}
          <span class="lx-right">a: reddish</span><span class="lx-down">bluish</span>
        </div>
        <figcaption></figcaption>
      </figure>
      <div><dl></dl><p class="lx-help"></p></div>
    </div>
    <p class="lx-aloud" role="status"></p>`;

  const text = (x, digits = 1) =>
    x.toFixed(digits).replace(/^-(?=[0.]*$)/, "").replace("-", "\\u2212");
  const limited = (x, low, high) => Math.min(high, Math.max(low, x));
  const codesOf = (rgb) => rgb.map((code) => Math.round(255 * limited(code, 0, 1)));
  const css = (codes) => `rgb(${codes})`;
  const hex = (codes) => "#" + codes.map((c) => c.toString(16).padStart(2, "0")).join("");
  const named = (codes, digits = 0) =>
    codes.map((code, i) => `${"RGB"[i]}\\u00a0${text(code, digits)}`).join(", ");
  // Just outside, a code of -0.3 is not to be told as 0.
  const needed = (rgb) => {
    const near = rgb.every((code) => code > -0.5 / 255 && code < 255.5 / 255);
    return named(rgb.map((code) => 255 * code), near ? 1 : 0);
  };
  const chroma = ([, a, b]) => Math.hypot(a, b);

  const explore = (root) => {
    root.innerHTML = markup;
    const all = (selector) => [...root.querySelectorAll(selector)];
    const [photo, slice] = all(".lx-stage");
    const [patch, grayPatch] = all(".lx-patch");
    const [heading, codes, hexCode, , grayCodes, grayHex] = all(".lx-under > *");
    const [said, help, aloud] = [".lx-said", ".lx-help", ".lx-aloud[role]"].map((s) => all(s)[0]);
    const [caption, sliceCaption] = all("figcaption");
    const [ranges, numbers, tracks] =
      ["[type=range]", "[type=number]", ".lx-track"].map((s) => all(s));

    let lab, at, picked;  // a color; a pixel, and whether the color is that pixel's
    let pixels = null;    // once the photograph is decoded
    let painted = null;   // the lightness that the slice shows
    let due = false, dragged = null, timer = null;

    // ---------------------------------------------------------- what happens

    const set = (next, pixel = null) => {
      lab = next.map((x, i) => limited(x, i ? -reach : 0, i ? reach : 100));
      picked = pixel !== null;
      if (picked) at = pixel;
      if (!due) requestAnimationFrame(show);  // several moves, one picture
      due = true;
      speakLater();
    };
    const setCodes = (codes, pixel) => set(color.rgbToLab(codes.map((c) => c / 255)), pixel);
    const pick = (x, y) => {
      if (!pixels) return;
      const pixel = [limited(x, 0, width - 1), limited(y, 0, height - 1)];
      const start = 4 * (pixel[1] * width + pixel[0]);
      setCodes([...pixels.subarray(start, start + 3)], pixel);
    };

    // ---------------------------------------------------------- what is shown

    const show = () => {
      due = false;
      const rgb = color.labToRgb(lab);
      const outside = color.outOfGamut(lab);
      const shown = outside ? color.reduceChroma(lab) : lab;
      const own = codesOf(outside ? color.labToRgb(shown) : rgb);
      const gray = Array(3).fill(codesOf([color.grayCode(lab[0])])[0]);
      root.dataset.gamut = outside ? "outside" : "inside";
      root.style.setProperty("--filling", css(own));
      patch.style.background = css(own);
      grayPatch.style.background = css(gray);
      heading.textContent = outside ? "less chroma" : "this color";
      codes.textContent = named(own);
      hexCode.textContent = hex(own);
      grayCodes.textContent = named(gray);
      grayHex.textContent = hex(gray);
      said.textContent = outside
        ? `\\u2717 Outside the gamut: it would take ${needed(rgb)}. Shown: same L and hue, ` +
          `${text((100 * chroma(shown)) / chroma(lab), 0)}\\u00a0% of the chroma.`
        : "\\u2713 In the gamut: sRGB has this color. Move a or b, and its gray stays.";
      showSliders(outside);
      showSlice(outside, shown);
      showPhoto();
      showNumbers(outside, shown);
    };

    const showSliders = (outside) => {
      const sides = [["", ""], ["greenish", "reddish"], ["bluish", "yellowish"]];
      lab.forEach((value, i) => {
        ranges[i].value = value;
        const side = i && Math.abs(value) >= 0.05 ? `, ${sides[i][+(value > 0)]}` : "";
        ranges[i].setAttribute("aria-valuetext",
          `${text(value)}${side}${outside ? ", outside the gamut" : ""}`);
        // What is being typed stays as it is typed.
        if (numbers[i] !== document.activeElement) numbers[i].value = +value.toFixed(1);
        tracks[i].style.setProperty("--paint", paint(i));
      });
    };

    // The colors along a slider; none where there are none.
    const paint = (i) => {
      const [low, high] = [+ranges[i].min, +ranges[i].max];
      const stops = [];
      for (let step = 0; step <= 100; step++) {
        const along = [...lab];
        along[i] = low + (step / 100) * (high - low);
        const name = color.outOfGamut(along)
          ? "transparent" : css(codesOf(color.labToRgb(along)));
        // The thumb's middle stays 12 px from either end.
        const place = `calc(12px + ${step / 100} * (100% - 24px))`;
        // A sharp edge, where a gradient would mix a color with nothing.
        const last = stops.at(-1);
        if (last && (last.name === "transparent") !== (name === "transparent"))
          stops.push({ name: last.name, place });
        stops.push({ name, place });
      }
      return `linear-gradient(90deg, ${stops.map((s) => `${s.name} ${s.place}`)})`;
    };

    const showSlice = (outside, shown) => {
      const [grip, found] = [slice.lastElementChild, slice.querySelector(".lx-found")];
      const put = (element, [, a, b]) => {
        element.style.left = `${50 + (50 * a) / reach}%`;
        element.style.top = `${50 - (50 * b) / reach}%`;
      };
      put(grip, lab);
      put(found, shown);
      root.querySelector(".lx-way").setAttribute("d", outside ? `M0 0L${lab[1]} ${-lab[2]}` : "");
      slice.setAttribute("aria-valuetext",
        `a ${text(lab[1])}, b ${text(lab[2])}${outside ? ", outside the gamut" : ""}`);
      slice.setAttribute("aria-valuenow", Math.round(lab[1]));
      sliceCaption.textContent = `Every color of L = ${text(lab[0]).replace(/\\.0$/, "")} that ` +
        "sRGB has. Where it is hatched, there is none.";
      if (painted === lab[0]) return;
      painted = lab[0];
      paintSlice(lab[0]);
    };

    const paintSlice = (L) => {
      const canvas = slice.querySelector("canvas");
      canvas.width = canvas.height = dots;
      const image = new ImageData(color.gamutSlice(L, reach, dots), dots, dots);
      canvas.getContext("2d").putImageData(image, 0, 0);
      const edge = Array.from({ length: 720 }, (_, i) => {
        const way = [Math.cos((i * Math.PI) / 360), Math.sin((i * Math.PI) / 360)];
        const [, a, b] = color.reduceChroma([L, 2 * reach * way[0], 2 * reach * way[1]], 1e-3, 12);
        return `${a.toFixed(1)} ${(-b).toFixed(1)}`;
      });
      root.querySelector(".lx-edge").setAttribute("d", `M${edge.join("L")}Z`);
    };

    const showPhoto = () => {
      const [column, row] = at;
      const grip = photo.lastElementChild;
      grip.style.left = `${(100 * (column + 0.5)) / width}%`;
      grip.style.top = `${(100 * (row + 0.5)) / height}%`;
      photo.dataset.left = !picked;
      photo.setAttribute("aria-valuenow", column);
      photo.setAttribute("aria-valuetext", `row ${row}, column ${column}` +
        (picked ? `, ${codes.textContent}` : ", no longer the color shown"));
      caption.textContent = `${given.name}. ` + (picked
        ? `Row ${row}, column ${column}.` : "The color is no longer that of the pixel.");
    };

    const showNumbers = (outside, shown) => {
      const entries = [
        ["What a network is given", `L / 50 \u2212 1 = ${text(lab[0] / 50 - 1, 3)}`],
        ["What it must predict", `a / ${reach} = ${text(lab[1] / reach, 3)}`,
          `b / ${reach} = ${text(lab[2] / reach, 3)}`],
        ["Chroma, the distance from gray", text(chroma(lab)), ...(!outside ? [] : [
          `shown with ${text(chroma(shown))}`, `a ${text(shown[1])}`, `b ${text(shown[2])}`])],
      ];
      root.querySelector("dl").replaceChildren(...entries.map(([term, ...values]) => {
        const value = values.map((v) => v.replaceAll(" ", "\\u00a0")).join(", ");
        const entry = document.createElement("div");
        for (const [tag, content] of [["dt", term], ["dd", value]])
          entry.append(Object.assign(document.createElement(tag), { textContent: content }));
        return entry;
      }));
    };

    // What is seen, in a sentence, once the color has come to rest.
    const speakLater = () => {
      clearTimeout(timer);
      timer = setTimeout(() => (dragged ? speakLater() : speak()), 900);
    };
    const speak = () => {
      const [L, a, b] = lab.map((x) => text(x));
      const where = color.outOfGamut(lab) ? "Outside the gamut, shown as" : "In the gamut,";
      aloud.textContent = `L ${L}, a ${a}, b ${b}. ${where} ${codes.textContent}.`;
    };

    // ---------------------------------------------------------- who moves it

    const follow = (stage, go, step) => {
      const to = (event) => {
        const box = stage.querySelector("canvas").getBoundingClientRect();
        go((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
      };
      stage.addEventListener("pointerdown", (event) => {
        // A finger beside the grip may be about to scroll; a tap comes as a click.
        const scrolls = event.pointerType === "touch" && !event.target.closest(".lx-grip");
        if (event.button || scrolls) return;
        dragged = stage;
        stage.setPointerCapture(event.pointerId);
        to(event);
      });
      stage.addEventListener("pointermove", (event) => dragged === stage && to(event));
      for (const end of ["pointerup", "pointercancel"])
        stage.addEventListener(end, () => (dragged = null));
      // Without detail no place was clicked: a screen reader's "activate".
      stage.addEventListener("click", (event) => event.detail && to(event));
      stage.addEventListener("keydown", (event) => {
        const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
        if (!way[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
        event.preventDefault();
        step(...way[event.key].map((x) => (event.shiftKey ? 10 : 1) * x));
      });
    };
    follow(photo, (x, y) => pick(Math.floor(x * width), Math.floor(y * height)),
      (x, y) => pick(at[0] + x, at[1] + y));
    const whole = (a, b) => set([lab[0], Math.round(a), Math.round(b)]);
    follow(slice, (x, y) => whole(reach * (2 * x - 1), reach * (1 - 2 * y)),
      (x, y) => whole(Math.round(lab[1]) + x, Math.round(lab[2]) - y));

    [ranges, numbers].forEach((inputs) => inputs.forEach((input, i) =>
      input.addEventListener("input", () => {
        const next = [...lab];
        next[i] = input.valueAsNumber;
        if (!Number.isNaN(next[i])) set(next);
      })));
    numbers.forEach((input, i) =>
      input.addEventListener("change", () => (input.value = +lab[i].toFixed(1))));
    const describe = (stage, label, least, most) => {
      stage.setAttribute("aria-label", label);
      stage.setAttribute("aria-valuemin", least);
      stage.setAttribute("aria-valuemax", most);
    };
    const button = (name, codes, go) => {
      const dot = Object.assign(document.createElement("span"), { className: "lx-dot" });
      dot.style.background = css(codes);
      const button = Object.assign(document.createElement("button"), { type: "button" });
      button.append(dot, name);
      button.addEventListener("click", go);
      root.querySelector(".lx-buttons").append(button);
    };
    for (const [name, { at, codes }] of given.spots)
      button(name, codes, () => setCodes(codes, at));
    for (const [name, lab] of given.colors)
      button(name, codesOf(color.labToRgb(color.reduceChroma(lab))), () => set(lab));
    root.addEventListener("keydown", (event) => {
      // To Jupyter, letters and arrows are commands on the cell. (JupyterLab looks at them
      // before they come here, but not where data-lm-suppress-shortcuts stands.)
      if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
    });

    // ---------------------------------------------------------- and it begins

    const canvas = photo.querySelector("canvas");
    photo.style.aspectRatio = `${width} / ${height}`;
    Object.assign(canvas, { width, height });
    describe(photo, `Photograph: ${given.name}. Arrow keys go to other pixels`, 0, width - 1);
    describe(slice, "Slice of the gamut. Arrow keys change a and b", -reach, reach);
    help.textContent = "Click, tap or drag in the photograph and in the slice, " +
      "or use the arrow keys there (with Shift: ten steps).";
    const image = new Image();
    image.onload = () => {
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(image, 0, 0);
      pixels = context.getImageData(0, 0, width, height).data;
      root.dataset.state = "ready";
    };
    image.src = given.photo;
    setCodes(given.start.codes, given.start.at);
    show();
    clearTimeout(timer);  // nothing has moved yet: nothing to tell
    root.dataset.state = "begun";
  };

  // Two cells may show the same explorer: each script takes what none has taken yet.
  const waiting = `[data-lab-explorer="${digest}"]:not([data-state])`;
  document.querySelectorAll(waiting).forEach(explore);
}
"""
