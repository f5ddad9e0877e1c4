"""The book's figures: rows of pictures, planes, slices of the gamut, curves."""

import sys
from collections.abc import Mapping, Sequence
from io import BytesIO

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from colorize_lib.color import (
    AB_SCALE,
    lab_to_rgb,
    out_of_gamut,
    reduce_chroma,
    rgb_to_lab,
    rgb_to_uint8,
)
from colorize_lib.scenes import HueArc, Palette

WIDTH = 8.0  # inches: what a page shows without scrolling
# Okabe and Ito 2008: color-blind readers tell them apart. Line styles change, too.
LINE_COLORS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"
)  # fmt: skip
LINE_STYLES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))


def use_style() -> None:
    """Make figures look alike on every page: on white, in the dark mode too."""
    cycle = plt.cycler(color=LINE_COLORS) + plt.cycler(linestyle=LINE_STYLES)
    plt.rcParams.update(
        {
            "figure.dpi": 100,
            "figure.facecolor": "white",
            "savefig.facecolor": "white",
            "figure.constrained_layout.use": True,
            "font.size": 10,
            "axes.titlesize": 10,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": cycle,
            "image.interpolation": "antialiased",
        }
    )


def show_pictures(
    pictures: Sequence[Tensor],
    titles: Sequence[str] = (),
    *,
    columns: int | None = None,
    rows: Sequence[str] = (),
    width: float = WIDTH,
) -> Figure:
    """Show pictures in a grid.

    Args:
        pictures: uint8 ``(3, H, W)``, or ``(1, H, W)`` for grays, in reading order.
        titles: of each picture; or of the columns, if there are as many.
        columns: pictures a row; all in one row by default.
        rows: a label for each row.
        width: of the figure, in inches.
    """
    columns = columns or len(pictures)
    count = -(-len(pictures) // columns)
    height, wide = pictures[0].shape[-2:]
    title_height = 0.3 * max([title.count("\n") + 1 for title in titles], default=0)
    titled_rows = count if len(titles) > columns else 1
    tall = count * width / columns * height / wide + titled_rows * title_height + 0.1
    figure, grid = plt.subplots(count, columns, squeeze=False, figsize=(width, tall))
    for i, axes in enumerate(grid.flat):
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        if i < len(pictures):
            axes.imshow(_as_image(pictures[i]), cmap="gray", vmin=0, vmax=255)
        if i < len(titles):
            axes.set_title(titles[i])
        if i % columns == 0 and i // columns < len(rows):
            axes.set_ylabel(rows[i // columns])
    _show(figure)
    return figure


def lab_planes(picture: Tensor) -> list[Tensor]:
    """A picture's L, a and b as pictures: L in gray, a and b in their own colors.

    Args:
        picture: uint8 ``(3, H, W)``.

    Returns:
        Three of uint8 ``(3, H, W)``; a and b are shown at L = 70.
    """
    lab = rgb_to_lab(picture)
    planes = lab.new_tensor([70, 0, 0]).view(3, 1, 1).repeat(3, 1, *lab.shape[-2:])
    planes[range(3), range(3)] = lab
    return [*lab_to_picture(planes)]


def lab_to_picture(lab: Tensor) -> Tensor:
    """Lab ``(*, 3, H, W)`` to 8-bit sRGB, less vivid where sRGB ends."""
    return rgb_to_uint8(lab_to_rgb(reduce_chroma(lab)))


def draw_gamut_slice(axes: Axes, L: float) -> None:
    """Draw the colors of one lightness L, 0..100, over the plane of a and b.

    White is what sRGB cannot show.
    """
    span = torch.linspace(-AB_SCALE, AB_SCALE, 331)
    b, a = torch.meshgrid(span, span, indexing="ij")
    lab = torch.stack([torch.full_like(a, L), a, b])
    rgb = torch.where(out_of_gamut(lab), 1.0, lab_to_rgb(lab))
    extent = (-AB_SCALE, AB_SCALE, -AB_SCALE, AB_SCALE)
    axes.imshow(_as_image(rgb_to_uint8(rgb)), origin="lower", extent=extent)
    _draw_axes_of_ab(axes, color="black", linewidth=0.5)
    axes.set(title=f"L = {L:g}")


def draw_law(axes: Axes, law: Palette | HueArc, title: str) -> None:
    """Draw the colors that a kind of thing may have, and the answers of each loss.

    Args:
        axes: where to draw.
        law: of a kind of thing in the drawn scenes.
        title: names the kind.
    """
    edge = {"edgecolors": "black"}
    modes = _paint(law.modes)
    _draw_axes_of_ab(axes, color="0.8", linewidth=0.8, zorder=0)
    axes.scatter(*law.modes.T, s=160, c=modes, label="true", **edge)
    # Larger ones below: where answers coincide, all of them stay visible.
    for label, answer, marker, size in (
        ("mean (L2)", law.mean, "s", 190),
        ("median (L1)", law.median, "D", 100),
        ("geometric median", law.geometric_median, "^", 36),
    ):
        paint = _paint(answer[None])
        axes.scatter(*answer, s=size, c=paint, marker=marker, label=label, **edge)
    above = {"xytext": (0, 11), "textcoords": "offset points", "ha": "center"}
    for name, color in zip(getattr(law, "names", ()), law.modes, strict=False):
        axes.annotate(name, color.tolist(), **above)
    axes.set(title=title, xlim=(-75, 75), ylim=(-75, 75), aspect="equal")


def draw_spread(axes: Axes, colors: Tensor, *, color: str, label: str) -> None:
    """Draw where many answers lie: their median, and lines over the middle 80 %.

    Args:
        axes: over the plane of a and b, as of :func:`draw_law`.
        colors: ``(n, 2)`` of a and b, in Lab units.
        color: of the marker.
        label: for the legend.
    """
    levels = torch.tensor([0.1, 0.5, 0.9])
    # Of more than 16 million values torch refuses to compute quantiles.
    low, middle, high = colors[:: 1 + len(colors) // 10**6].quantile(levels, dim=0)
    x_error, y_error = torch.stack([middle - low, high - middle]).T[:, :, None]
    look = {"fmt": "o", "markersize": 5, "color": color, "elinewidth": 1.5, "zorder": 4}
    axes.errorbar(*middle[:, None], xerr=x_error, yerr=y_error, label=label, **look)


def show_curves(
    curves: Mapping[str, Sequence[float]],
    *,
    xlabel: str,
    ylabel: str,
    x: Sequence | None = None,
) -> Figure:
    """Draw named curves that differ in color and in line style, with a legend below."""
    figure, axes = plt.subplots(figsize=(WIDTH, 3.5))
    for name, values in curves.items():
        axes.plot(range(1, len(values) + 1) if x is None else x, values, label=name)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    if x is None:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))  # there is no half step
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    plt.show()
    return figure


def _draw_axes_of_ab(axes, **look):
    axes.axhline(0, linestyle="-", **look)
    axes.axvline(0, linestyle="-", **look)
    axes.set(xlabel="a", ylabel="b")


def _paint(colors, L=60):
    """(n, 2) of a and b as (n, 3) for matplotlib, shown at one lightness."""
    lab = torch.cat([torch.full((len(colors), 1), float(L)), colors], dim=1)
    rgb = lab_to_rgb(reduce_chroma(lab[:, :, None, None]))
    return rgb.flatten(1).clamp(0, 1).numpy()


def _show(figure):
    """Show photographs. In a notebook as JPEG: a page of PNGs takes many megabytes."""
    if "ipykernel" not in sys.modules:
        plt.show()
        return
    from IPython.display import Image, display

    file = BytesIO()
    figure.savefig(file, format="jpeg", pil_kwargs={"quality": 90})
    plt.close(figure)
    display(Image(file.getvalue()))


def _as_image(picture):
    picture = picture.detach().cpu()
    return picture[0].numpy() if len(picture) == 1 else picture.permute(1, 2, 0).numpy()
