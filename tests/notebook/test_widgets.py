"""The widgets before a browser runs them; tests/browser has what they do there."""

import base64
import json
import re
import shutil
import subprocess
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup
from PIL import Image
from scipy.stats import binom, binomtest

from colorize_lib import color
from colorize_lib.notebook.widgets import COLORS, lab_explorer, turing_test

ROOT = Path(__file__).parents[2]
NAMES = ["A lake", "A cat", "Spices"]


def noise(height=24, width=32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    size = (3, height, width)
    return torch.randint(0, 256, size, generator=generator, dtype=torch.uint8)


def smooth(count=3, height=40, width=40, seed=0):
    """Coarse colors, enlarged: smooth as photographs are, so that JPEG keeps them."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 4, 4, generator=generator)
    large = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")
    return (large * 255).to(torch.uint8)


PHOTO = noise()
REAL, COLORED = smooth(), smooth(seed=1)


def explorer(photo=PHOTO, *, name="A test", **more):
    return lab_explorer(photo, name=name, **more)


def turing(names=NAMES, real=REAL, colored=COLORED, *, model="U-Net", **more):
    return turing_test(names, real, colored, model=model, **more)


either = pytest.mark.parametrize("made", [explorer, turing])


def soup_of(widget):
    return BeautifulSoup(widget.html, "html.parser")


def content(widget):
    """What the script is given."""
    given = re.search(r"^const given = (.*);$", soup_of(widget).script.string, re.M)
    return json.loads(given[1])


def decoded(address):
    kind, text = re.fullmatch(r"data:image/(\w+);base64,(.*)", address).groups()
    image = Image.open(BytesIO(base64.b64decode(text)))
    assert image.format.lower() == kind
    return image


def pixels(image):
    return np.asarray(image.convert("RGB"), float)


def as_array(picture):
    return picture.permute(1, 2, 0).numpy().astype(float)


def without_pictures(html):
    return re.sub(r"data:image/\w+;base64,[\w+/=]+", "", html)


# ------------------------------------------------------------ both


@either
def test_a_notebook_gets_html_and_a_description(made):
    from IPython.core.interactiveshell import InteractiveShell

    widget = made()
    data, _ = InteractiveShell.instance().display_formatter.format(widget)
    assert data == {"text/html": widget.html, "text/plain": repr(widget)}
    assert re.match("(Lab explorer with A|Turing test on 3 pictures)", repr(widget))


@either
def test_nothing_is_loaded(made):
    html = without_pictures(made().html)
    assert "base64" not in html
    elsewhere = r"https?:|//[a-z]|@import|url\(|fetch\(|XMLHttp|\bimport\b"
    assert not re.search(elsewhere, html)
    soup = BeautifulSoup(html, "html.parser")
    assert not soup.find_all(src=True) + soup.find_all(href=True)
    assert not soup.find_all(["link", "iframe", "object", "form"])


@pytest.mark.parametrize(("made", "most"), [(explorer, 27_000), (turing, 15_000)])
def test_what_every_output_stores_is_small(made, most):
    given = json.dumps(content(made())).replace("<", "\\u003c")
    assert len(made().html.replace(given, "")) < most


def test_twelve_photographs_take_less_than_450_kb():
    large = smooth(12, 224, 224), smooth(12, 224, 224, seed=1)
    noisy = [(x.int() + noise(224, 224) // 16).clamp(0, 255).byte() for x in large]
    names = [f"picture {i}" for i in range(12)]
    assert 12 * 2 * 5_000 < len(turing(names, *noisy).html) < 450_000


@either
def test_without_a_script_it_says_what_is_missing(made):
    assert "needs JavaScript" in soup_of(made()).noscript.text


@pytest.mark.parametrize(
    ("made", "changes"),
    [
        (explorer, {"photo": PHOTO.flip(-1), "name": "B", "colors": {}}),
        (turing, {"model": "GAN", "real": REAL.flip(-1), "side": 30}),
    ],
)
def test_the_same_arguments_make_the_same_html_and_others_another_mark(made, changes):
    assert made().html == made().html
    every = [made(), *(made(**{name: value}) for name, value in changes.items())]
    assert len({soup_of(widget).div["data-widget"] for widget in every}) == 4


@either
def test_the_script_finds_its_own_element_and_leaves_no_name_behind(made):
    soup = soup_of(made())
    script = soup.script.string.strip()
    assert f'\'[data-widget="{soup.div["data-widget"]}"]' in script
    assert not re.search(r"window\.|globalThis|\bid=|getElementById|/\*|^ ", script)
    assert not soup.find_all(id=True)
    assert script.startswith('(() => {\n"use strict";')


@either
def test_every_style_is_for_the_widget_alone(made):
    soup = soup_of(made())
    style = re.sub(r"@media[^{]*\{", "", soup.style.string)
    for selector in re.findall(r"([^{}]+)\{", style):
        parts = re.split(r",(?![^(]*\))", selector)
        assert all(f".{soup.div['class'][0]}" in part for part in parts)


@either
@pytest.mark.parametrize("text", ["</script><b>x</b>", "<!--<script>", 'a "b" \\ $c$'])
def test_no_name_ends_the_script(made, text):
    name = {"names": [text, *NAMES[1:]]} if made is turing else {"name": text}
    widget = made(**name)
    assert len(soup_of(widget).find_all("script")) == 1
    assert not soup_of(widget).find_all("b")
    given = content(widget)
    assert text in (given.get("name"), given.get("pictures", [{}])[0].get("name"))


def test_scripts_and_styles_are_formatted_and_without_lint():
    done = subprocess.run(
        [*biome(), "check", "--error-on-warnings", "."],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def biome():
    """The command, without a network: what is not there is not fetched."""
    if found := shutil.which("biome"):
        return [found]
    if npx := shutil.which("npx"):
        command = [npx, "--offline", "--no", "--", "@biomejs/biome@2.6.8"]
        if subprocess.run([*command, "--version"], capture_output=True).returncode == 0:
            return command
    pytest.skip("no biome; `npx @biomejs/biome@2.6.8 check` fetches it once")


# ------------------------------------------------------------ the Lab explorer


@pytest.mark.parametrize("size", [(1, 1), (7, 256), (40, 33)])
def test_the_photograph_is_stored_without_loss(size):
    photo = noise(*size)
    given = content(explorer(photo))
    assert np.array_equal(pixels(decoded(given["photo"])), as_array(photo))
    assert given["size"] == [size[1], size[0]]
    assert torch.equal(photo, noise(*size))


def test_a_part_of_a_photograph_will_do():
    part = noise(200, 200)[:, 10:30, 20:50]  # not contiguous
    stored = pixels(decoded(content(explorer(part))["photo"]))
    assert np.array_equal(stored, as_array(part))


def test_it_starts_at_the_first_spot_or_in_the_middle():
    given = content(explorer(spots={"here": (5, 9), "there": (23, 31)}))
    here = {"at": [9, 5], "codes": PHOTO[:, 5, 9].tolist()}
    there = {"at": [31, 23], "codes": PHOTO[:, 23, 31].tolist()}
    assert given["start"] == here
    assert given["spots"] == [["here", here], ["there", there]]
    middle = {"at": [16, 12], "codes": PHOTO[:, 12, 16].tolist()}
    assert content(explorer())["start"] == middle


def test_colors_can_be_chosen_and_its_own_show_what_their_names_say():
    given = content(explorer(colors={"Teal": (50, -30, -5.5)}))
    assert given["colors"] == [["Teal", [50, -30, -5.5]]]
    assert dict(content(explorer())["colors"]) == {k: [*v] for k, v in COLORS.items()}
    colors = list(COLORS.values())
    lab = torch.tensor(colors, dtype=torch.float64).T[:, None]
    assert color.out_of_gamut(lab)[0].tolist() == [False, False, False, True]
    for name, (L, *_) in COLORS.items():
        assert name.endswith(f", L {L}")
    assert colors[0][0] == colors[1][0]  # red and blue have the same gray
    assert colors[2][1:] == colors[3][1:]  # light and dark, but else the same yellow


def test_every_class_is_its_own():
    # "row" would be Bootstrap's, and so the book's theme's.
    soup = soup_of(explorer())
    classes = re.findall(r'class(?:Name)?(?:=|: )"([^"$]+)"', soup.script.string)
    assert len(classes) > 20
    assert all(name.startswith("lx-") for one in classes for name in one.split())
    used = set(re.findall(r"\.([a-z][\w-]*)", soup.style.string))
    theirs = {"bd-content", "cell_output", "output", "text_html", "lab-explorer"}
    assert {u for u in used - theirs if not u.startswith("lx-")} == set()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"photo": PHOTO.float()}, TypeError, "photo must be .* not torch.float32"),
        ({"photo": PHOTO.numpy()}, TypeError, "photo must be .* of uint8, not uint8"),
        ({"photo": None}, TypeError, "photo must be .* not NoneType"),
        ({"photo": PHOTO[None]}, ValueError, r"shape \(1, 3, 24, 32\); give \(3, H, W"),
        ({"photo": PHOTO[:1]}, ValueError, r"shape \(1, 24, 32\); give \(3, H, W\)"),
        ({"photo": PHOTO[:, :0]}, ValueError, r"shape \(3, 0, 32\); .* none of them 0"),
        ({"photo": noise(8, 257)}, ValueError, r"8 x 257 .* read_photo\(path, 256\)"),
        ({"name": " "}, ValueError, "a name is empty"),
        ({"name": 7}, TypeError, "names are texts; 7 is none"),
        ({"spots": {"": (0, 0)}}, ValueError, "a name is empty"),
        ({"spots": {"x": (24, 0)}}, ValueError, "'x' at row 24, column 0 .* 24 rows"),
        ({"spots": {"x": (0, -1)}}, ValueError, "row 0, column -1 lies beside"),
        (
            {"spots": {"x": (0, 0)}, "colors": {"x": (1, 2, 3)}},
            ValueError,
            "there twice: x",
        ),
        ({"colors": {"x": (101, 0, 0)}}, ValueError, r"'x' is \(101, 0, 0\); L must"),
        ({"colors": {"x": (50, -111, 0)}}, ValueError, "a and b in -110..110"),
        ({"colors": {"x": (float("nan"), 0, 0)}}, ValueError, "L must lie in 0..100"),
    ],
)
def test_an_explorer_refuses_bad_input_with_the_remedy(change, error, message):
    with pytest.raises(error, match=message):
        explorer(**change)


# ------------------------------------------------------------ the Turing test


@pytest.mark.parametrize("count", [1, 3, 12])
def test_every_score_has_its_verdict(count):
    names = [f"picture {i}" for i in range(count)]
    verdicts = content(turing(names, smooth(count), smooth(count, seed=1)))["verdicts"]
    assert len(verdicts) == count + 1
    for right, (score, guessing) in enumerate(verdicts):
        low, high = binomtest(right, count).proportion_ci(0.95, method="wilson")
        assert score.startswith(
            f"{100 * right / count:.0f} % right, with a 95 % interval from "
            f"{100 * low:.0f} % to {100 * high:.0f} %. "
        )
        assert ("above 50 %" in score) == (low > 0.5)
        assert ("below 50 %" in score) == (high < 0.5)
        assert ("may be luck" in score) == (low <= 0.5 <= high)
        assert guessing.startswith(f"Guessing gets {count / 2:g} of {count} on average")
        luck = binom.sf(right - 1, count, 0.5)
        percent = f"{100 * luck:.0f} %" if luck >= 0.01 else "less than 1 %"
        many = f"{right} or more" if right < count else f"all {count}"
        assert guessing.endswith(f", and {many} in {percent} of all tests.")


def test_names_pictures_and_model_stay_together():
    given = content(turing())
    assert given["model"] == "U-Net"
    assert [picture["name"] for picture in given["pictures"]] == NAMES
    for i, picture in enumerate(given["pictures"]):
        for kind, original in (("real", REAL[i]), ("colored", COLORED[i])):
            error = np.abs(pixels(decoded(picture[kind])) - as_array(original)).mean()
            assert error < 4
    assert torch.equal(REAL, smooth())


@pytest.mark.parametrize(
    ("height", "width", "shown", "stored"),
    [
        (448, 300, [150, 224], (150, 224)),
        (32, 64, [224, 112], (64, 32)),
        (1, 2000, [224, 1], (224, 1)),
    ],
)
def test_large_pictures_are_reduced_and_small_ones_shown_enlarged(
    height, width, shown, stored
):
    real, colored = (smooth(3, height, width, seed) for seed in (0, 1))
    given = content(turing(real=real, colored=colored))
    assert given["size"] == shown
    (picture, *_) = given["pictures"]
    assert {decoded(picture[kind]).size for kind in ("real", "colored")} == {stored}


def test_before_the_script_runs_the_page_knows_no_picture():
    soup = soup_of(turing())
    soup.script.extract()
    for secret in (*NAMES, "U-Net", "base64", "<img"):
        assert secret not in str(soup)


def test_nothing_tells_the_two_versions_apart():
    given = content(turing())["pictures"]
    swapped = content(turing(real=COLORED, colored=REAL))["pictures"]
    for one, other in zip(given, swapped, strict=True):
        assert list(one) == ["name", "real", "colored"]
        assert (one["real"], one["colored"]) == (other["colored"], other["real"])
        real, colored = decoded(one["real"]), decoded(one["colored"])
        assert real.quantization == colored.quantization
        assert real.layer == colored.layer
        assert real.info.keys() == colored.info.keys()
        # Colors keep their resolution.
        assert [(across, down) for _, across, down, _ in real.layer] == [(1, 1)] * 3


GRAY = REAL.clone()
GRAY[1] = GRAY[1, :1]
SAME = COLORED.clone()
SAME[2] = REAL[2]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"real": REAL.float()}, TypeError, "real must be .* uint8, not torch.float32"),
        ({"colored": None}, TypeError, "colored must be .* uint8, not NoneType"),
        ({"real": REAL[:, :1]}, ValueError, r"real has the shape \(3, 1, 40, 40\)"),
        ({"real": REAL[:0], "names": []}, ValueError, "none of them 0"),
        ({"colored": COLORED[:2]}, ValueError, r"in shape, .* \(2, 3, 40, 40\); give"),
        ({"names": NAMES[:2]}, ValueError, "3 pictures need as many names, not 2"),
        ({"names": "abc"}, ValueError, "as many names, not one text"),
        ({"names": ["A", "A", "B"]}, ValueError, "names must differ; there twice: A"),
        ({"model": ""}, ValueError, "a name is empty"),
        ({"side": 0}, ValueError, "at least 1 pixel, not 0"),
        ({"real": GRAY}, ValueError, "'A cat' has no color of its own; leave it out"),
        ({"colored": SAME}, ValueError, "'Spices' is the same .* leave it out"),
    ],
)
def test_a_turing_test_refuses_bad_input_with_the_remedy(change, error, message):
    with pytest.raises(error, match=message):
        turing(**change)
