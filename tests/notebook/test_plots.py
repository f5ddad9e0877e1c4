"""Figures hold exactly what they were given, where and in the colors that they say."""

import sys
from io import BytesIO
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from PIL import Image
from skimage import color as reference

from colorize_lib.color import AB_SCALE, out_of_gamut, rgb_to_lab
from colorize_lib.notebook.plots import (
    WIDTH,
    draw_gamut_slice,
    draw_law,
    draw_spread,
    lab_planes,
    lab_to_picture,
    show_curves,
    show_pictures,
    use_style,
)
from colorize_lib.scenes import LAWS, HueArc, Palette


@pytest.fixture(autouse=True)
def drawing(monkeypatch):
    """Draw on nothing, in the book's style, and leave no figure and no style behind."""
    plt.switch_backend("Agg")
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    with plt.rc_context():
        use_style()
        yield
    plt.close("all")


@pytest.fixture
def axes():
    return plt.subplots()[1]


def pictures(count, channels=3, height=6, width=8):
    random = torch.Generator().manual_seed(0)
    shape = (count, channels, height, width)
    return list(torch.randint(0, 256, shape, dtype=torch.uint8, generator=random))


def shown(axes):
    """The pixels of the one picture in there, or None."""
    assert len(axes.images) <= 1
    return np.asarray(axes.images[0].get_array()) if axes.images else None


# ------------------------------------------------------------ pictures


@pytest.mark.parametrize(("count", "columns"), [(1, None), (3, None), (7, 3)])
def test_a_grid_in_reading_order(count, columns):
    given_pictures = pictures(count)
    figure = show_pictures(given_pictures, columns=columns)
    wide = columns or count
    rows = -(-count // wide)
    assert len(figure.axes) == rows * wide
    for i, axes in enumerate(figure.axes):
        place = axes.get_subplotspec()
        assert (place.rowspan.start, place.colspan.start) == divmod(i, wide)
        if i < count:
            expected = given_pictures[i].permute(1, 2, 0).numpy()
            assert np.array_equal(shown(axes), expected)
        else:
            assert shown(axes) is None


def test_the_height_follows_the_pictures_and_leaves_room_for_titles():
    def height(*arguments, count=4, tall=6, **more):
        given_pictures = pictures(count, height=tall, width=6)
        return show_pictures(given_pictures, *arguments, **more).get_figheight()

    assert height() == pytest.approx(WIDTH / 4, abs=0.2)
    assert height(tall=12) == pytest.approx(WIDTH / 2, abs=0.2)
    assert height(columns=2) == pytest.approx(WIDTH, abs=0.2)
    one, two = height(["x"] * 4), height(["x\ny"] * 4)
    assert 0.1 < one - height() < 0.5
    assert two - height() == pytest.approx(2 * (one - height()))


def test_grays_are_shown_as_they_are():
    picture = torch.tensor([[[100, 120], [110, 130]]], dtype=torch.uint8)
    image = show_pictures([picture]).axes[0].images[0]
    assert np.array_equal(image.get_array(), picture[0])
    shades = image.to_rgba(image.get_array())[..., :3] * 255
    # Not stretched from black to white: 100 stays 100.
    assert np.allclose(shades, picture[0].numpy()[..., None])


def test_titles_of_each_picture_or_of_the_columns_and_labels_of_the_rows():
    figure = show_pictures(pictures(4), ["a", "b"], columns=2, rows=["one", "two"])
    assert [axes.get_title() for axes in figure.axes] == ["a", "b", "", ""]
    assert [axes.get_ylabel() for axes in figure.axes] == ["one", "", "two", ""]
    figure = show_pictures(pictures(4), ["a", "b", "c", "d"], columns=2)
    assert [axes.get_title() for axes in figure.axes] == ["a", "b", "c", "d"]
    assert [axes.get_ylabel() for axes in figure.axes] == [""] * 4


def test_a_notebook_gets_one_jpeg_and_no_second_copy(monkeypatch):
    sent = []
    monkeypatch.setitem(sys.modules, "ipykernel", object())
    monkeypatch.setattr("IPython.display.display", sent.append)
    figure = show_pictures(pictures(2), ["a", "b"])
    assert not plt.fignum_exists(figure.number), "or the notebook would show it again"
    (jpeg,) = sent
    with Image.open(BytesIO(jpeg.data)) as image:
        assert image.format == "JPEG"
        assert image.width == pytest.approx(100 * WIDTH, abs=1)


# ------------------------------------------------------------ Lab


def test_planes_by_their_definition():
    picture = pictures(1, height=32, width=32)[0]
    L, a, b = rgb_to_lab(picture)
    gray, of_a, of_b = lab_planes(picture)
    assert all(plane.dtype == torch.uint8 for plane in (gray, of_a, of_b))
    assert all(plane.shape == picture.shape for plane in (gray, of_a, of_b))
    seen = rgb_to_lab(gray)
    assert (seen[0] - L).abs().max() < 0.5
    assert seen[1:].abs().max() < 1  # a code of one channel at most

    for plane, own, other, true in ((of_a, 1, 2, a), (of_b, 2, 1, b)):
        seen = rgb_to_lab(plane)
        assert (seen[0] - 70).abs().max() < 0.5
        assert seen[other].abs().max() < 1.5
        # What sRGB can show at L = 70 is shown; the rest is paler, of the same sign.
        lab = torch.stack([torch.full_like(true, 70), *torch.zeros(2, *true.shape)])
        lab[own] = true
        outside = out_of_gamut(lab)
        assert 0 < outside.float().mean() < 1
        assert (seen[own] - true)[~outside].abs().max() < 1.5
        assert (seen[own].abs() < true.abs() + 1)[outside].all()
        assert (seen[own] * true > 0)[outside].all()


def test_a_picture_comes_back_from_lab():
    picture = torch.stack(pictures(2, height=64, width=64))
    assert torch.equal(lab_to_picture(rgb_to_lab(picture)), picture)


def test_where_srgb_ends_lightness_and_hue_stay():
    lab = torch.tensor([80.0, 60.0, -60.0])[:, None, None]
    assert out_of_gamut(lab).all()
    L, a, b = rgb_to_lab(lab_to_picture(lab)).flatten().tolist()
    assert abs(L - 80) < 0.3
    assert 10 < a < 60
    assert abs(a + b) < 1.5


# ------------------------------------------------------------ the gamut


@pytest.mark.filterwarnings("ignore:Conversion from CIE-LAB")
@pytest.mark.parametrize("L", [50, 74.5])
def test_a_slice_is_white_outside_the_gamut_and_true_inside(axes, L):
    side = 331
    draw_gamut_slice(axes, L)
    image = axes.images[0]
    assert (image.origin, image.get_extent()) == ("lower", [-110, 110, -110, 110])
    assert axes.get_title() == f"L = {L:g}"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("a", "b")

    span = np.linspace(-AB_SCALE, AB_SCALE, side)
    lab = np.stack([np.full((side, side), L), *np.meshgrid(span, span)], axis=-1)
    linear = reference.lab2xyz(lab) @ reference.colorconv.rgb_from_xyz.T
    inside = ((linear > 0) & (linear < 1)).all(-1)
    # Not on the edge, where rounding decides.
    outside = ((linear < -1e-3) | (linear > 1.01)).any(-1)
    pixels = shown(axes)
    white = (pixels == 255).all(-1)
    assert inside.sum() > 500
    assert (inside | outside).mean() > 0.99
    assert white[outside].all()
    assert not white[inside].any()
    expected = 255 * reference.lab2rgb(lab)
    assert abs(pixels - expected)[inside].max() <= 0.51


# ------------------------------------------------------------ laws


def points(axes):
    """By their labels in the legend."""
    return {x.get_label(): x for x in axes.collections}


def drawn_colors(scatter):
    return reference.rgb2lab(scatter.get_facecolors()[None, :, :3])[0]


@pytest.mark.parametrize("kind", LAWS)
def test_a_law_is_drawn_with_its_colors_and_its_answers(axes, kind):
    law = LAWS[kind]
    draw_law(axes, law, kind)
    assert axes.get_title() == kind
    drawn = points(axes)
    answers = {
        "true": law.modes,
        "mean (L2)": law.mean[None],
        "median (L1)": law.median[None],
        "geometric median": law.geometric_median[None],
    }
    assert list(drawn) == list(answers)
    for label, expected in answers.items():
        assert np.allclose(drawn[label].get_offsets(), expected, atol=1e-5)
        low, high = axes.get_xlim()
        assert low < expected.min()
        assert expected.max() < high
    assert axes.get_xlim() == axes.get_ylim()
    assert axes.get_aspect() == 1
    names = [text.get_text() for text in axes.texts]
    assert names == list(getattr(law, "names", ()))


def test_points_have_the_color_that_they_stand_for(axes):
    draw_law(axes, HueArc(20, 0, 90), "x")
    for scatter in points(axes).values():
        expected = np.insert(np.asarray(scatter.get_offsets()), 0, 60, axis=1)
        assert np.allclose(drawn_colors(scatter), expected, atol=0.05)


def test_where_answers_coincide_all_of_them_can_be_seen(axes):
    draw_law(axes, Palette(("green",), ((-30, 30),), (1.0,)), "lawn")
    answers = list(points(axes).values())[1:]
    sizes = [scatter.get_sizes()[0] for scatter in answers]
    assert sizes == sorted(sizes, reverse=True)
    assert min(one / two for one, two in pairwise(sizes)) > 1.5


def test_a_spread_is_the_median_and_the_middle_eighty_percent(axes):
    # 0, 1 ... 100 in a, shuffled against -50, -48 ... 150 in b.
    steps = torch.arange(101.0)
    order = torch.randperm(101, generator=torch.Generator().manual_seed(0))
    colors = torch.stack([steps, 2 * steps[order] - 50], dim=1)
    draw_spread(axes, colors, color="red", label="answers")
    (container,) = axes.containers
    line, _, (across, along) = container.lines
    assert container.get_label() == "answers"
    assert to_rgb(line.get_color()) == (1, 0, 0)
    assert np.allclose(line.get_xydata(), [[50, 50]])
    assert np.allclose(across.get_segments(), [[[10, 50], [90, 50]]])
    assert np.allclose(along.get_segments(), [[[50, -30], [50, 130]]])


# ------------------------------------------------------------ curves


def test_curves_are_named_and_counted_from_one():
    curves = {"training": [3.0, 2.0, 1.0], "validation": [3.5, 2.5]}
    figure = show_curves(curves, xlabel="epoch", ylabel="loss")
    (axes,) = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "loss")
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == list(curves)
    assert all(float(tick).is_integer() for tick in axes.get_xticks())
    for line, (name, values) in zip(axes.lines, curves.items(), strict=True):
        assert line.get_label() == name
        assert line.get_ydata().tolist() == values
        assert line.get_xdata().tolist() == list(range(1, len(values) + 1))


# ------------------------------------------------------------ style


def test_figures_are_white_in_the_dark_mode_too():
    with plt.style.context("dark_background"):
        use_style()
        figure = show_curves({"a": [1, 2]}, xlabel="x", ylabel="y")
        assert figure.get_facecolor() == (1, 1, 1, 1)
