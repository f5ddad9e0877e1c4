"""The Lab explorer before a browser runs it; tests/browser has what it does there."""

import base64
import json
import re
from io import BytesIO

import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from colorize_lib import color
from colorize_lib.notebook import explorer
from colorize_lib.notebook.explorer import (
    COLORS,
    LabExplorer,
    color_script,
    lab_explorer,
)
from colorize_lib.photos import find_gallery, read_photo


def picture(height=24, width=32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    size = (3, height, width)
    return torch.randint(0, 256, size, generator=generator, dtype=torch.uint8)


PHOTO = picture()


def made(photo=PHOTO, *, name="A test", **more):
    return lab_explorer(photo, name=name, **more)


def content(made_explorer):
    """What the script is given."""
    script = BeautifulSoup(made_explorer.html, "html.parser").script.string
    start = re.search(r', "[0-9a-f]{12}", (?=\{)', script).end()
    return json.loads(script[start:].removesuffix(");"))


def decoded(made_explorer):
    address = content(made_explorer)["photo"]
    start = "data:image/webp;base64,"
    assert address.startswith(start)
    return Image.open(BytesIO(base64.b64decode(address.removeprefix(start))))


def without_photo(html):
    return re.sub(r"data:image/webp;base64,[\w+/=]+", "", html)


# ------------------------------------------------------------ what is given


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 99))
def test_the_photograph_is_stored_without_loss(height, width, seed):
    photo = picture(height, width, seed)
    stored = np.asarray(decoded(made(photo)).convert("RGB"))
    assert np.array_equal(stored, photo.permute(1, 2, 0).numpy())
    assert content(made(photo))["size"] == [width, height]


def test_a_part_of_a_photograph_will_do_and_is_left_as_it_was():
    large = picture(200, 200)
    before = large.clone()
    part = large[:, 10:30, 20:50]  # not contiguous
    stored = np.asarray(decoded(made(part)).convert("RGB"))
    assert np.array_equal(stored, part.permute(1, 2, 0).numpy())
    assert torch.equal(large, before)


def test_it_starts_at_the_first_spot():
    given = content(made(spots={"here": (5, 9), "there": (23, 31)}))
    here = {"at": [9, 5], "codes": PHOTO[:, 5, 9].tolist()}
    there = {"at": [31, 23], "codes": PHOTO[:, 23, 31].tolist()}
    assert given["start"] == here
    assert given["spots"] == [["here", here], ["there", there]]


def test_without_spots_it_starts_in_the_middle():
    given = content(made())
    assert given["start"] == {"at": [16, 12], "codes": PHOTO[:, 12, 16].tolist()}
    assert given["spots"] == []


def test_colors_can_be_chosen():
    given = content(made(colors={"Teal": (50, -30, -5.5)}))
    assert given["colors"] == [["Teal", [50, -30, -5.5]]]
    assert content(made(colors={}))["colors"] == []
    assert dict(content(made())["colors"]) == {k: list(v) for k, v in COLORS.items()}


def test_its_own_colors_show_what_their_names_say():
    colors = list(COLORS.values())
    lab = torch.tensor(colors, dtype=torch.float64).T[:, None]
    assert color.out_of_gamut(lab)[0].tolist() == [False, False, False, True]
    for name, (L, *_) in COLORS.items():
        assert name.endswith(f", L {L}")
    assert colors[0][0] == colors[1][0]  # red and blue have the same gray
    assert colors[2][1:] == colors[3][1:]  # light and dark, but else the same yellow


def test_the_browser_has_the_constants_of_the_library():
    numbers = [float(x) for x in re.findall(r"\d\.\d{5,}(?:e-\d+)?", color_script())]
    for constant in (color.RGB_TO_XYZ, color.XYZ_TO_RGB, [color.D65_WHITE]):
        for row in constant:
            assert {abs(x) for x in row if x != 1} <= set(numbers)
    assert color_script() in made().html
    assert content(made())["scale"] == color.AB_SCALE


# ------------------------------------------------------------ the page


def test_it_is_shown_as_html_and_described_as_text():
    shown = made()
    assert isinstance(shown, LabExplorer)
    assert shown._repr_html_() == shown.html
    assert repr(shown).startswith("Lab explorer with A test: move L, a and b")


def test_a_notebook_gets_both():
    from IPython.core.interactiveshell import InteractiveShell

    shown = made()
    data, _ = InteractiveShell.instance().display_formatter.format(shown)
    assert data == {"text/html": shown.html, "text/plain": repr(shown)}


def test_it_is_small():
    assert len(without_photo(made().html)) < 27_000
    gallery = find_gallery(download=False, verbose=False)
    astronaut = next((p for p in gallery if p.name == "astronaut"), None)
    if astronaut is None:
        pytest.skip("scikit-image, which ships the photograph, is not installed")
    photo = read_photo(astronaut.path, 256)
    assert len(made(photo).html) < 135_000
    assert len(made(photo[:, :240, :240]).html) < 125_000


def test_nothing_is_loaded():
    html = without_photo(made().html)
    assert "base64" not in html
    assert not re.search(
        r"https?:|//[a-z]|@import|url\(|fetch\(|XMLHttp|import\(", html
    )
    soup = BeautifulSoup(html, "html.parser")
    assert not soup.find_all(src=True) + soup.find_all(href=True)
    assert not soup.find_all(["link", "iframe", "object", "form"])


def test_without_a_script_it_says_what_is_missing():
    soup = BeautifulSoup(made().html, "html.parser")
    missing = soup.select_one(".lab-explorer noscript").text
    assert "Lab explorer" in missing
    assert "needs JavaScript" in missing


def test_the_same_arguments_make_the_same_html():
    assert (
        made(spots={"x": (1, 2)}).html == made(PHOTO.clone(), spots={"x": (1, 2)}).html
    )


@pytest.mark.parametrize(
    "change",
    [
        {"photo": PHOTO.flip(-1)},
        {"name": "Another"},
        {"spots": {"x": (1, 2)}},
        {"colors": {}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_explorer_has_another_mark(change):
    def mark(shown):
        return re.search(r'data-lab-explorer="([0-9a-f]+)"', shown.html)[1]

    assert mark(made(**change)) != mark(made())


def test_the_script_looks_for_its_own_mark_and_leaves_no_name_behind():
    soup = BeautifulSoup(made().html, "html.parser")
    script = soup.script.string
    digest = soup.select_one(".lab-explorer")["data-lab-explorer"]
    assert f', "{digest}", {{' in script
    assert not re.search(r"window\.|globalThis|\bid=|getElementById", script)
    assert not soup.find_all(id=True)
    assert script.startswith("(")  # one function, called at once


def test_every_style_is_for_the_explorer_alone():
    style = BeautifulSoup(made().html, "html.parser").style.string
    style = re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL)
    for selector in re.findall(r"([^{}]+)\{", style):
        parts = re.split(r",(?![^(]*\))", selector)
        assert all(".lab-explorer" in part for part in parts)


def test_every_class_is_its_own():
    # "row" would be Bootstrap's, and so the book's theme's.
    classes = re.findall(r'class(?:Name)?(?:=|: | = )"([^"]+)"', explorer._SCRIPT)
    assert len(classes) > 20
    assert all(name.startswith("lx-") for one in classes for name in one.split())
    style = BeautifulSoup(made().html, "html.parser").style.string
    used = set(re.findall(r"\.([a-z][\w-]*)", style))
    theirs = {"bd-content", "cell_output", "output", "text_html"}
    assert used - theirs - {"lab-explorer"} == {u for u in used if u.startswith("lx-")}


@pytest.mark.parametrize("text", ["</script><b>x</b>", "<!--<script>", 'a "b" \\ $c$'])
def test_no_name_ends_the_script(text):
    shown = made(name=text, spots={text: (0, 0)}, colors={text + "!": (50, 0, 0)})
    soup = BeautifulSoup(shown.html, "html.parser")
    assert len(soup.find_all("script")) == 1
    assert not soup.find_all("b")
    given = content(shown)
    assert given["name"] == given["spots"][0][0] == text
    assert given["colors"][0][0] == text + "!"


# ------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"photo": PHOTO.float()}, TypeError, "photo must be .* not torch.float32"),
        ({"photo": PHOTO.numpy()}, TypeError, "photo must be .* of uint8, not uint8"),
        ({"photo": None}, TypeError, "photo must be .* not NoneType"),
        ({"photo": PHOTO[None]}, ValueError, r"shape \(1, 3, 24, 32\); give \(3, H, W"),
        ({"photo": PHOTO[:1]}, ValueError, r"shape \(1, 24, 32\); give \(3, H, W\)"),
        ({"photo": PHOTO[:, :0]}, ValueError, r"shape \(3, 0, 32\); give \(3, H, W\)"),
        ({"photo": picture(8, 257)}, ValueError, r"8 x 257 .* read_photo\(path, 256\)"),
        ({"name": " "}, ValueError, "an empty name"),
        ({"name": 7}, TypeError, "names are texts; 7 is none"),
        ({"spots": {"": (0, 0)}}, ValueError, "an empty name"),
        ({"spots": {"x": (24, 0)}}, ValueError, "'x' at row 24, column 0 .* 24 rows"),
        ({"spots": {"x": (0, 32)}}, ValueError, "row 0, column 32 .* 32 columns"),
        ({"spots": {"x": (-1, 0)}}, ValueError, "row -1, column 0 lies beside"),
        (
            {"spots": {"x": (0, 0)}, "colors": {"x": (1, 2, 3)}},
            ValueError,
            "both .*: x",
        ),
        ({"colors": {3: (0, 0, 0)}}, TypeError, "names are texts; 3 is none"),
        ({"colors": {"x": (101, 0, 0)}}, ValueError, r"'x' is \(101, 0, 0\); L must"),
        ({"colors": {"x": (50, -111, 0)}}, ValueError, "a and b in -110..110"),
        ({"colors": {"x": (50, 0, 111)}}, ValueError, "a and b in -110..110"),
        ({"colors": {"x": (float("nan"), 0, 0)}}, ValueError, "L must lie in 0..100"),
    ],
)
def test_bad_input_is_refused_with_the_remedy(change, error, message):
    with pytest.raises(error, match=message):
        made(**change)
