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
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
)
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
    title_rows = count if len(titles) > columns else 1
    figure, grid = plt.subplots(
        count, columns, squeeze=False,
        figsize=(width, count * width / columns * height / wide + title_rows * title_height + 0.1),
    )  # fmt: skip
    for i, axes in enumerate(grid.flat):
        _bare(axes)
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
    planes = []
    for channel in range(3):
        plane = torch.zeros_like(lab)
        plane[0] = 70
        plane[channel] = lab[channel]
        planes.append(lab_to_picture(plane))
    return planes


def lab_to_picture(lab: Tensor) -> Tensor:
    """Lab ``(*, 3, H, W)`` to 8-bit sRGB, less vivid where sRGB ends."""
    return rgb_to_uint8(lab_to_rgb(reduce_chroma(lab)))


def draw_gamut_slice(axes: Axes, L: float, side: int = 331) -> None:
    """Draw the colors that sRGB can show at one lightness, over the plane of a and b.

    Args:
        axes: where to draw; white is what sRGB cannot show.
        L: lightness, 0..100.
        side: pixels of the slice.
    """
    span = torch.linspace(-AB_SCALE, AB_SCALE, side)
    b, a = torch.meshgrid(span, span, indexing="ij")
    lab = torch.stack([torch.full_like(a, L), a, b])
    rgb = torch.where(out_of_gamut(lab), 1.0, lab_to_rgb(lab))
    extent = (-AB_SCALE, AB_SCALE, -AB_SCALE, AB_SCALE)
    axes.imshow(_as_image(rgb_to_uint8(rgb)), origin="lower", extent=extent)
    axes.axhline(0, color="black", linewidth=0.5, linestyle="-")
    axes.axvline(0, color="black", linewidth=0.5, linestyle="-")
    axes.set(title=f"L = {L:g}", xlabel="a", ylabel="b")


def draw_law(axes: Axes, law: Palette | HueArc, title: str, L: float = 60) -> None:
    """Draw the colors that a law allows, and the answers that losses are drawn to.

    Args:
        axes: where to draw.
        law: of a kind of thing in the drawn scenes.
        title: names the kind.
        L: the lightness at which the colors are shown.
    """
    answers = {
        "mean (L2)": (law.mean, "s"),
        "median (L1)": (law.median, "D"),
        "geometric median": (law.geometric_median, "^"),
    }
    axes.axhline(0, color="0.8", linewidth=0.8, linestyle="-", zorder=0)
    axes.axvline(0, color="0.8", linewidth=0.8, linestyle="-", zorder=0)
    axes.scatter(
        *law.modes.T, s=160, c=_paint(law.modes, L), edgecolors="black", label="true"
    )
    # Larger ones below: where answers coincide, all of them stay visible.
    for (label, (answer, marker)), size in zip(
        answers.items(), (190, 100, 36), strict=True
    ):
        color = _paint(answer[None], L)
        axes.scatter(
            *answer, s=size, c=color, marker=marker, edgecolors="black", label=label
        )
    for name, color in zip(getattr(law, "names", ()), law.modes, strict=False):
        axes.annotate(
            name,
            color.tolist(),
            xytext=(0, 11),
            textcoords="offset points",
            ha="center",
        )
    axes.set(
        title=title,
        xlabel="a",
        ylabel="b",
        xlim=(-75, 75),
        ylim=(-75, 75),
        aspect="equal",
    )


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
    axes.errorbar(
        *middle[:, None],
        xerr=[[middle[0] - low[0]], [high[0] - middle[0]]],
        yerr=[[middle[1] - low[1]], [high[1] - middle[1]]],
        fmt="o",
        markersize=5,
        color=color,
        elinewidth=1.5,
        label=label,
        zorder=4,
    )


def _paint(colors, L):
    """(n, 2) of a and b as (n, 3) for matplotlib."""
    lab = torch.cat([torch.full((len(colors), 1), float(L)), colors], dim=1)
    return (
        lab_to_rgb(reduce_chroma(lab[:, :, None, None]))[..., 0, 0].clamp(0, 1).numpy()
    )


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


def _bare(axes):
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)
