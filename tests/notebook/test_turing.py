"""The Turing test: fair, self-contained, and honest about a score."""

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
from scipy.stats import binom, binomtest

from colorize_lib.notebook.turing import TuringTest, turing_test, wilson_interval
from colorize_lib.photos import find_gallery, read_photo

NAMES = ["A lake", "A cat", "Spices"]


def pictures(count=3, height=40, width=40, seed=0):
    """Coarse colors, enlarged: smooth as photographs are, so that JPEG keeps them."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 4, 4, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")
    return (smooth * 255).to(torch.uint8)


REAL, COLORED = pictures(), pictures(seed=1)


def made(names=NAMES, real=REAL, colored=COLORED, *, model="U-Net", **more):
    return turing_test(names, real, colored, model=model, **more)


def content(test):
    """What the script is given."""
    soup = BeautifulSoup(test.html, "html.parser")
    start = re.search(r'\)\("[0-9a-f]+", (?=\{)', soup.script.string).end()
    return json.loads(soup.script.string[start:].removesuffix(");"))


def decoded(address):
    start = "data:image/jpeg;base64,"
    assert address.startswith(start)
    return Image.open(BytesIO(base64.b64decode(address.removeprefix(start))))


def as_array(picture):
    return picture.permute(1, 2, 0).numpy().astype(float)


# ------------------------------------------------------------ the numbers


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_is_that_of_scipy(counts):
    right, trials = counts
    theirs = binomtest(right, trials).proportion_ci(0.95, method="wilson")
    assert wilson_interval(right, trials) == pytest.approx(tuple(theirs), abs=1e-12)


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.999])
def test_wilson_interval_of_another_confidence(confidence):
    theirs = binomtest(9, 12).proportion_ci(confidence, method="wilson")
    assert wilson_interval(9, 12, confidence) == pytest.approx(tuple(theirs), abs=1e-12)


@pytest.mark.parametrize(("right", "trials"), [(0, 0), (-1, 3), (4, 3)])
def test_a_count_that_cannot_be_is_refused(right, trials):
    with pytest.raises(ValueError, match=f"{right} right answers of {trials}"):
        wilson_interval(right, trials)


@pytest.mark.parametrize("confidence", [0, 1, 95])
def test_a_confidence_that_cannot_be_is_refused(confidence):
    with pytest.raises(ValueError, match=f"between 0 and 1, not at {confidence}"):
        wilson_interval(1, 2, confidence)


@pytest.mark.parametrize("count", [1, 3, 12])
def test_every_score_has_its_verdict(count):
    names = [f"picture {i}" for i in range(count)]
    verdicts = content(made(names, pictures(count), pictures(count, seed=1)))[
        "verdicts"
    ]
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


# ------------------------------------------------------------ the pictures


def test_names_pictures_and_model_stay_together():
    given_test = content(made())
    assert given_test["model"] == "U-Net"
    assert [picture["name"] for picture in given_test["pictures"]] == NAMES
    for i, picture in enumerate(given_test["pictures"]):
        for kind, original in (("real", REAL[i]), ("colored", COLORED[i])):
            photo = decoded(picture[kind])
            assert photo.format == "JPEG"
            error = np.abs(np.asarray(photo, float) - as_array(original)).mean()
            assert error < 4


def test_colors_keep_their_resolution():
    photo = decoded(content(made())["pictures"][0]["real"])
    assert [(across, down) for _, across, down, _ in photo.layer] == [(1, 1)] * 3


@pytest.mark.parametrize(
    ("height", "width", "shown", "stored"),
    [
        (300, 300, [224, 224], (224, 224)),
        (150, 300, [224, 112], (224, 112)),
        (448, 300, [150, 224], (150, 224)),
        (32, 64, [224, 112], (64, 32)),
        (1, 2000, [224, 1], (224, 1)),
    ],
)
def test_large_pictures_are_reduced_and_small_ones_shown_enlarged(
    height, width, shown, stored
):
    real, colored = (pictures(3, height, width, seed) for seed in (0, 1))
    given_test = content(made(real=real, colored=colored))
    assert given_test["size"] == shown
    sizes = {
        decoded(picture[kind]).size
        for picture in given_test["pictures"]
        for kind in ("real", "colored")
    }
    assert sizes == {stored}


def test_the_side_can_be_chosen():
    assert content(made(side=20))["size"] == [20, 20]


def test_pictures_are_left_as_they_were():
    real, colored = REAL.clone(), COLORED.clone()
    made(real=real, colored=colored)
    assert torch.equal(real, REAL)
    assert torch.equal(colored, COLORED)


def test_twelve_photographs_take_less_than_450_kb():
    gallery = [p for p in find_gallery(download=False, verbose=False) if p.color]
    if not gallery:
        pytest.skip("none of the packages that ship photographs is installed")
    real = torch.stack([read_photo(picture.path, 256) for picture in gallery])
    names = [picture.name for picture in gallery]
    whole = len(made(names, real, real.flip(1)).html.encode())
    one = len(made(names[:1], real[:1], real[:1].flip(1)).html.encode())
    script = whole - sum(
        len(picture[kind])
        for picture in content(made(names, real, real.flip(1)))["pictures"]
        for kind in ("real", "colored")
    )
    assert script < 15_000 < one
    assert script + 12 * (whole - script) / len(names) < 450_000


# ------------------------------------------------------------ the page


def test_it_is_shown_as_html_and_described_as_text():
    test = made()
    assert isinstance(test, TuringTest)
    assert test._repr_html_() == test.html
    assert repr(test).startswith("Turing test on 3 pictures, real or colored by U-Net")
    single = made(NAMES[:1], REAL[:1], COLORED[:1])
    assert repr(single).startswith("Turing test on 1 picture,")


def test_a_notebook_gets_both():
    from IPython.core.interactiveshell import InteractiveShell

    test = made()
    data, _ = InteractiveShell.instance().display_formatter.format(test)
    assert data == {"text/html": test.html, "text/plain": repr(test)}


def test_nothing_is_loaded():
    html = re.sub(r"data:image/jpeg;base64,[\w+/=]+", "", made().html)
    assert "base64" not in html
    assert not re.search(
        r"https?:|//[a-z]|@import|url\(|fetch\(|XMLHttp|import\(", html
    )
    soup = BeautifulSoup(html, "html.parser")
    assert not soup.find_all(src=True) + soup.find_all(href=True)
    assert not soup.find_all(["link", "iframe", "object", "form"])


def test_before_the_script_runs_the_page_knows_no_picture():
    soup = BeautifulSoup(made().html, "html.parser")
    (script,) = soup.find_all("script")
    script.extract()
    for secret in (*NAMES, "U-Net", "base64", "<img"):
        assert secret not in str(soup)
    root = soup.select_one(".turing-test")
    assert set(root.attrs) == {
        "class", "data-turing-test", "role", "aria-label", "tabindex",
    }  # fmt: skip


def test_the_source_orders_pictures_as_given_and_kinds_always_alike():
    for picture in content(made())["pictures"]:
        assert list(picture) == ["name", "real", "colored"]
    swapped = content(made(real=COLORED, colored=REAL))["pictures"]
    for one, other in zip(content(made())["pictures"], swapped, strict=True):
        assert (one["real"], one["colored"]) == (other["colored"], other["real"])


def test_both_versions_are_made_alike():
    for picture in content(made())["pictures"]:
        real, colored = decoded(picture["real"]), decoded(picture["colored"])
        assert real.quantization == colored.quantization
        assert real.layer == colored.layer
        assert real.info.keys() == colored.info.keys()
        assert not real.getexif()


def test_without_a_script_it_says_what_is_missing():
    soup = BeautifulSoup(made().html, "html.parser")
    assert "needs JavaScript" in soup.select_one(".turing-test noscript").text


def test_the_same_arguments_make_the_same_html():
    assert made().html == made().html


@pytest.mark.parametrize(
    "change",
    [
        {"model": "GAN"},
        {"names": ["A lake", "A cat", "Salt"]},
        {"real": REAL.flip(-1)},
        {"colored": COLORED.flip(-1)},
        {"side": 30},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_test_has_another_mark(change):
    def mark(test):
        return re.search(r'data-turing-test="([0-9a-f]+)"', test.html)[1]

    assert mark(made(**change)) != mark(made())


def test_the_script_looks_for_its_own_mark_and_leaves_no_name_behind():
    soup = BeautifulSoup(made().html, "html.parser")
    script = soup.script.string
    digest = soup.select_one(".turing-test")["data-turing-test"]
    assert f')("{digest}", {{' in script
    assert not re.search(r"window\.|globalThis|\bid=|getElementById", script)
    assert not soup.find_all(id=True)
    assert script.startswith("(")  # one function, called at once


def test_every_style_is_for_the_test_alone():
    style = BeautifulSoup(made().html, "html.parser").style.string
    style = re.sub(r"/\*.*?\*/|@media[^{]*\{", "", style, flags=re.DOTALL)
    for selector in re.findall(r"([^{}]+)\{", style):
        parts = re.split(r",(?![^(]*\))", selector)
        assert all(".turing-test" in part for part in parts)


@pytest.mark.parametrize("text", ["</script><b>x</b>", "<!--<script>", 'a "b" \\ $c$'])
def test_no_name_ends_the_script(text):
    test = made([text, *NAMES[1:]], model=text)
    soup = BeautifulSoup(test.html, "html.parser")
    assert len(soup.find_all("script")) == 1
    assert not soup.find_all("b")
    given_test = content(test)
    assert given_test["model"] == given_test["pictures"][0]["name"] == text


# ------------------------------------------------------------ what is refused

GRAY = REAL.clone()
GRAY[1] = GRAY[1, :1]
SAME = COLORED.clone()
SAME[2] = REAL[2]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"real": REAL.float()}, TypeError, "real must be .* uint8, not torch.float32"),
        ({"colored": REAL.numpy()}, TypeError, "colored must be .* uint8, not uint8"),
        ({"colored": None}, TypeError, "colored must be .* uint8, not NoneType"),
        ({"real": REAL[0]}, ValueError, r"real has the shape \(3, 40, 40\); give"),
        ({"real": REAL[:, :1]}, ValueError, r"real has the shape \(3, 1, 40, 40\)"),
        ({"real": REAL[:0], "names": []}, ValueError, "at least one picture"),
        ({"colored": COLORED[:2]}, ValueError, r"colored \(2, 3, 40, 40\); give the"),
        ({"names": NAMES[:2]}, ValueError, "3 pictures need as many names, not 2"),
        ({"names": "abc"}, ValueError, "as many names, not one text"),
        ({"names": ["A", "A", "B"]}, ValueError, "names must differ; there twice: A"),
        ({"names": ["A", " ", "B"]}, ValueError, "an empty name"),
        ({"names": ["A", 7, "B"]}, TypeError, "names are texts; 7 is none"),
        ({"model": ""}, ValueError, "an empty name"),
        ({"side": 0}, ValueError, "at least 1 pixel, not 0"),
        ({"real": GRAY}, ValueError, "'A cat' has no color of its own .* leave it out"),
        ({"colored": SAME}, ValueError, "'Spices' is the same .* leave it out"),
    ],
)
def test_bad_input_is_refused_with_the_remedy(change, error, message):
    with pytest.raises(error, match=message):
        made(**change)
