"""The Lab explorer in Chromium: its numbers, and by mouse, keyboard and finger."""

import json
import re
from importlib import resources

import pytest
import torch
from browser_helpers import Tab
from playwright.sync_api import expect

from colorize_lib import color
from colorize_lib.notebook.widgets import lab_explorer

SITE = "http://book.test/"
PHOTO = torch.randint(
    0, 256, (3, 48, 64), generator=torch.Generator().manual_seed(7), dtype=torch.uint8
)
HTML = lab_explorer(PHOTO, name="Noise", spots={"A spot": (10, 20)}).html
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Test</title>
<meta name="viewport" content="width=device-width"><style>
body {{ font: 16px sans-serif; margin: 1rem; background: #fff; color: #222; }}
@media (prefers-color-scheme: dark) {{ body {{ background: #121212; color: #ced6dd; }} }}
</style></head><body>{}<p style="height: 150vh">below</p></body></html>"""
PHONE = {"width": 360, "has_touch": True, "is_mobile": True}


@pytest.fixture
def explorer_page(browser):
    """A function that opens a page with explorers on it.

    What the page reports as an error, or asks for from elsewhere, fails the test.
    """
    tabs = []

    def open_page(*, html=HTML, **options):
        tab = Tab(browser, SITE, **options)
        tabs.append(tab)
        body = {"body": PAGE.format(html), "content_type": "text/html"}
        tab.context.route("**", lambda route: route.fulfill(**body))
        page = tab.open("")
        unread = page.locator(".lab-explorer:not([data-state=ready])")
        expect(unread).to_have_count(0)
        return page

    yield open_page
    for tab in tabs:
        tab.close()
        assert tab.problems == []


def shown(page, n=0):
    """What the reader sees, once it is drawn."""
    page.evaluate(
        "new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
    )
    return page.evaluate(
        """(n) => {
          const root = document.querySelectorAll(".lab-explorer")[n];
          const text = (selector) => [...root.querySelectorAll(selector)]
            .map((e) => e.textContent.replaceAll("\\u00a0", " ").replaceAll("\\u2212", "-"));
          return {
            lab: [...root.querySelectorAll("[type=number]")].map((e) => +e.value),
            ranges: [...root.querySelectorAll("[type=range]")].map((e) => +e.value),
            headings: text(".lx-under b"), codes: text(".lx-under span"),
            patches: [...root.querySelectorAll(".lx-patch")].map(
              (e) => getComputedStyle(e).backgroundColor),
            said: text(".lx-said")[0], captions: text("figcaption"),
            numbers: text("dd"), aloud: text("[role=status]")[0],
            gamut: root.dataset.gamut,
          };
        }""",
        n,
    )


def type_lab(page, *lab):
    for letter, value in zip("Lab", lab, strict=True):
        page.get_by_label(f"{letter} as a number").fill(str(value))
    page.keyboard.press("Tab")


def codes_of(text):
    match = re.fullmatch(r"R (\d+), G (\d+), B (\d+)", text)
    return [int(code) for code in match.groups()]


def as_planes(colors):
    return torch.tensor(colors, dtype=torch.float64).T[:, :, None]


# ------------------------------------------------------------ its numbers

MODULE = resources.files("colorize_lib.notebook").joinpath("lab_color.js").read_text()
CONSTANTS = {
    "rgbToXyz": color.RGB_TO_XYZ,
    "xyzToRgb": color.XYZ_TO_RGB,
    "white": color.D65_WHITE,
}
LAB_COLOR = f"""{MODULE.replace("export ", "")}
const library = labColor({json.dumps(CONSTANTS)});"""


def check_like_the_library(page, function, colors, theirs):
    every = f"colors.map((color) => library.{function}(color))"
    ours = page.evaluate(f"(colors) => {{ {LAB_COLOR} return {every}; }}", colors)
    ours = torch.tensor(ours, dtype=torch.float64)
    torch.testing.assert_close(ours, theirs.double(), atol=1e-9, rtol=0)


def test_colors_are_converted_as_by_the_library(explorer_page):
    page = explorer_page()
    codes = torch.arange(0, 256, 51) / 255
    rgb = torch.cartesian_prod(codes, codes, codes).double()
    rgb = torch.cat([rgb, torch.tensor([[0.02, 0.04, 0.041], [0.001, 0, 0]])]).tolist()
    theirs = color.rgb_to_lab(as_planes(rgb))[:, :, 0].T
    check_like_the_library(page, "rgbToLab", rgb, theirs)

    L, ab = torch.arange(0, 101, 20.0), torch.arange(-110, 111, 20.0)
    lab = torch.cartesian_prod(L, ab, ab).tolist()
    planes = as_planes(lab)
    outside = color.out_of_gamut(planes)[:, 0]
    assert 0.2 < outside.double().mean() < 0.98
    fitted = color.reduce_chroma(planes)[:, :, 0].T
    check_like_the_library(page, "labToRgb", lab, color.lab_to_rgb(planes)[:, :, 0].T)
    check_like_the_library(page, "outOfGamut", lab, outside)
    check_like_the_library(page, "reduceChroma", lab, fitted)

    L = torch.arange(0, 100.5, 0.5, dtype=torch.float64)
    gray = color.lightness_to_gray(L[None, :, None])[0, :, 0]
    check_like_the_library(page, "grayCode", L.tolist(), gray)


def test_the_slice_has_the_colors_of_the_library(explorer_page):
    page, dots = explorer_page(), 111
    span = torch.linspace(-color.AB_SCALE, color.AB_SCALE, dots, dtype=torch.float64)
    b, a = torch.meshgrid(-span, span, indexing="ij")
    for L in (3, 36.5, 97):
        rgba = page.evaluate(
            f"() => {{ {LAB_COLOR}"
            f"return [...library.gamutSlice({L}, {color.AB_SCALE}, {dots})]; }}"
        )
        *rgb, alpha = torch.tensor(rgba).view(dots, dots, 4).permute(2, 0, 1)
        lab = torch.stack([torch.full_like(a, L), a, b])
        outside = color.out_of_gamut(lab)
        assert torch.equal(alpha == 0, outside)
        theirs = 255 * color.lab_to_rgb(lab).clamp(0, 1)
        difference = (torch.stack(rgb) - theirs).abs()[:, ~outside]
        assert difference.max() < 1


def test_what_is_shown_is_what_the_library_says(explorer_page):
    page = explorer_page()
    for lab in [(36.5, 48.1, 47.2), (80, 60, -60), (0, 0, 0), (100, 50, 0)]:
        type_lab(page, *lab)
        check_what_is_shown(shown(page), lab)


def check_what_is_shown(seen, lab):
    wish = as_planes([lab])
    outside, fitted = color.out_of_gamut(wish).item(), color.reduce_chroma(wish)
    own = color.rgb_to_uint8(color.lab_to_rgb(fitted)).flatten().tolist()
    gray = color.rgb_to_uint8(color.lightness_to_gray(wish[:1])).flatten().tolist()
    assert seen["lab"] == list(lab)
    for codes, (text, code), patch in zip(
        (own, gray),
        (seen["codes"][:2], seen["codes"][2:]),
        seen["patches"],
        strict=True,
    ):
        assert codes_of(text) == codes
        assert code == "#" + bytes(codes).hex()
        assert patch == "rgb({}, {}, {})".format(*codes)
    assert seen["gamut"] == ("outside" if outside else "inside")
    assert seen["said"].startswith("✗ Outside" if outside else "✓ In the gamut")
    assert seen["headings"] == ["less chroma" if outside else "this color", "its gray"]
    l, ab = color.normalize_lab(wish)
    given, predicted, chroma = seen["numbers"]
    assert given == f"L / 50 - 1 = {l.item():.3f}"
    for letter, x in zip("ab", ab.flatten().tolist(), strict=True):
        assert f"{letter} / 110 = {x + 0:.3f}" in predicted
    assert chroma.startswith(f"{wish[1:].norm():.1f}")
    if outside:
        needed = (255 * color.lab_to_rgb(wish)).round().flatten().tolist()
        r, g, b = (f"{code:.0f}" for code in needed)
        assert f"it would take R {r}, G {g}, B {b}." in seen["said"]
        share = 100 * fitted[1:].norm() / wish[1:].norm()
        assert f"same L and hue, {share:.0f} % of the chroma." in seen["said"]
        _, a, b = fitted.flatten().tolist()
        less = f"shown with {fitted[1:].norm():.1f}, a {a:.1f}, b {b:.1f}"
        assert chroma.endswith(less)


def test_a_color_just_outside_is_not_told_with_codes_that_are_inside(explorer_page):
    page = explorer_page()
    lab = color.rgb_to_lab(as_planes([[-0.4 / 255, 0.5, 0.5]]))
    type_lab(page, *lab.flatten().tolist())
    said = shown(page)["said"]
    assert "Outside" in said
    assert "it would take R -0.4, G 127.5, B 127.5." in said


def test_the_edge_of_the_slice_is_the_edge_of_the_gamut(explorer_page):
    page = explorer_page()
    type_lab(page, 60, 0, 0)
    shown(page)
    path = page.locator(".lx-edge").get_attribute("d")
    points = torch.tensor(
        [[float(x) for x in point.split()] for point in re.split("[MLZ]", path)[1:-1]]
    )
    assert len(points) == 720
    points[:, 1] *= -1  # b is upward
    for factor, outside in ((0.98, False), (1.02, True)):
        L = torch.full((len(points), 1), 60.0)
        lab = torch.cat([L, factor * points], dim=1)
        assert (color.out_of_gamut(as_planes(lab.tolist())) == outside).all()


def test_along_a_slider_there_is_color_where_the_gamut_is(explorer_page):
    page = explorer_page()
    type_lab(page, 88, -5, 85)
    shown(page)
    along = torch.tensor([[88, -5, 85]] * 101, dtype=torch.float64)
    along[:, 1] = torch.linspace(-110, 110, 101)
    outside = color.out_of_gamut(as_planes(along.tolist())).flatten()
    paint = page.locator(".lx-track").nth(1).evaluate("e => e.style.cssText")
    # At each edge one stop is there twice, as the earlier of its two sides.
    ends = (outside[:-1] & ~outside[1:]).sum()
    assert paint.count("transparent") == outside.sum() + ends
    starts = (~outside[:-1] & outside[1:]).sum()
    assert paint.count("rgb(") == (~outside).sum() + starts


# ------------------------------------------------------------ by mouse


def place(locator, across, down):
    box = locator.bounding_box()
    return box["x"] + across * box["width"], box["y"] + down * box["height"]


def in_slice(page, a, b):
    canvas = page.locator(".lx-slice canvas")
    return place(canvas, (a + 110) / 220, (110 - b) / 220)


def in_photo(page, row, column):
    canvas = page.locator(".lx-photo canvas")
    return place(canvas, (column + 0.5) / 64, (row + 0.5) / 48)


def drag(page, start, end):
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=3)


def test_it_starts_at_the_spot_and_pixels_are_picked(explorer_page):
    page = explorer_page()
    assert shown(page)["captions"][0] == "Noise. Row 10, column 20."
    for row, column in ((0, 0), (30, 41), (47, 63)):
        page.mouse.click(*in_photo(page, row, column))
        seen = shown(page)
        assert codes_of(seen["codes"][0]) == PHOTO[:, row, column].tolist()
        assert seen["captions"][0] == f"Noise. Row {row}, column {column}."
        cross = place(page.locator(".lx-photo .lx-grip"), 0.5, 0.5)
        assert cross == pytest.approx(in_photo(page, row, column), abs=1)
    drag(page, in_photo(page, 5, 5), in_photo(page, 70, 99))
    assert shown(page)["captions"][0] == "Noise. Row 47, column 63."
    page.mouse.up()
    page.mouse.move(*in_photo(page, 5, 5))
    assert shown(page)["captions"][0] == "Noise. Row 47, column 63."


def test_the_slice_is_clicked_and_dragged_through(explorer_page):
    page = explorer_page()
    type_lab(page, 50, 0, 0)
    page.mouse.click(*in_slice(page, 30, -20))
    seen = shown(page)
    assert seen["lab"] == pytest.approx([50, 30, -20], abs=1)
    assert seen["captions"][0].endswith("no longer that of the pixel.")
    drag(page, in_slice(page, 30, -20), in_slice(page, -60, -60))
    seen = shown(page)
    assert seen["lab"] == pytest.approx([50, -60, -60], abs=1)
    # The ring at the wish, the dot where the chroma ends, a line from gray to the wish.
    wish = page.locator(".lx-slice .lx-grip").last
    assert place(wish, 0.5, 0.5) == pytest.approx(in_slice(page, -60, -60), abs=2)
    fitted = color.reduce_chroma(as_planes([seen["lab"]])).flatten().tolist()
    found = page.locator(".lx-found")
    assert place(found, 0.5, 0.5) == pytest.approx(in_slice(page, *fitted[1:]), abs=2)
    _, a, b = seen["lab"]
    assert page.locator(".lx-way").get_attribute("d") == f"M0 0L{a:g} {-b:g}"
    page.mouse.move(*in_slice(page, 150, 150))
    assert shown(page)["lab"] == [50, 110, 110]
    page.mouse.up()
    page.mouse.click(*in_slice(page, 0, 0))
    shown(page)
    assert not found.is_visible()


def test_a_slider_is_dragged(explorer_page):
    page = explorer_page()
    type_lab(page, 50, 0, 0)
    slider = page.get_by_role("slider", name="b, from bluish to yellowish")
    drag(page, place(slider, 0.5, 0.5), place(slider, 0.7, 0.5))
    L, a, b = shown(page)["lab"]
    assert (L, a) == (50, 0)
    assert 40 < b < 56


# ------------------------------------------------------------ by keyboard


def test_tab_visits_everything_in_order_and_marks_it(explorer_page):
    page = explorer_page()
    names = []
    for _ in range(13):
        page.keyboard.press("Tab")
        name, *outline = page.evaluate("""() => {
            const { ariaLabel, labels, textContent } = document.activeElement;
            const style = getComputedStyle(document.activeElement);
            return [(ariaLabel ?? labels?.[0]?.innerText ?? textContent).slice(0, 13),
                style.outlineStyle, style.outlineWidth];
        }""")
        names.append(name.strip())
        assert outline == ["solid", "3px"]
    colors = ["Red, L 50", "Blue, L 50", "Yellow, L 88", "Yellow, L 40"]
    assert names[:6] == ["A spot", *colors, "Photograph: N"]
    assert [name[0] for name in names[6:12]] == ["L", "L", "a", "a", "b", "b"]
    assert names[12] == "Slice of the"


def test_the_photograph_by_keyboard(explorer_page):
    page = explorer_page()
    photo = page.get_by_role("slider", name="Photograph: Noise")
    photo.focus()
    for keys, (row, column) in {
        "ArrowRight": (10, 21),
        "ArrowDown": (11, 21),
        "Shift+ArrowLeft": (11, 11),
        "Shift+ArrowUp": (1, 11),
        "Shift+ArrowUp ": (0, 11),
    }.items():
        page.keyboard.press(keys.strip())
        seen = shown(page)
        assert codes_of(seen["codes"][0]) == PHOTO[:, row, column].tolist()
        value = photo.get_attribute("aria-valuetext").replace("\u00a0", " ")
        assert value == f"row {row}, column {column}, {seen['codes'][0]}"
    page.get_by_role("button", name="Red").press("Enter")
    assert shown(page)["lab"] == [50, 52, 34]
    assert "no longer" in photo.get_attribute("aria-valuetext")


def test_the_slice_by_keyboard(explorer_page):
    page = explorer_page()
    page.get_by_role("button", name="Yellow, L 40").press("Space")
    slice_ = page.get_by_role("slider", name="Slice of the gamut")
    slice_.focus()
    for keys, (a, b) in {
        "ArrowRight": (-4, 85),
        "ArrowUp": (-4, 86),
        "Shift+ArrowDown": (-4, 76),
        "Shift+ArrowLeft": (-14, 76),
    }.items():
        page.keyboard.press(keys)
        assert shown(page)["lab"] == [40, a, b]
    value = slice_.get_attribute("aria-valuetext")
    assert value == "a \u221214.0, b 76.0, outside the gamut"
    assert slice_.get_attribute("aria-valuenow") == "-14"
    for _ in range(12):
        page.keyboard.press("Shift+ArrowLeft")
    assert shown(page)["lab"] == [40, -110, 76]


def test_sliders_by_keyboard(explorer_page):
    page = explorer_page()
    type_lab(page, 40, 3, 8)
    page.get_by_role("slider", name="L, lightness").press("ArrowRight")
    assert shown(page)["lab"] == [41, 3, 8]
    b = page.get_by_role("slider", name="b, from bluish")
    b.press("End")
    assert shown(page)["lab"] == [41, 3, 110]
    value = b.get_attribute("aria-valuetext")
    assert value == "110.0, yellowish, outside the gamut"


def test_numbers_are_typed(explorer_page):
    page = explorer_page()
    type_lab(page, 50, 0, 0)
    box = page.get_by_label("a as a number")
    box.fill("")
    box.press_sequentially("-")
    assert shown(page)["ranges"] == [50, 0, 0]
    box.press_sequentially("12.5")
    assert box.input_value() == "-12.5"
    assert shown(page)["lab"] == [50, -12.5, 0]
    box.fill("400")
    assert box.input_value() == "400"  # not changed under the reader's fingers
    page.keyboard.press("Tab")
    assert shown(page)["lab"] == [50, 110, 0]
    box.fill("")
    page.keyboard.press("Tab")
    assert shown(page)["lab"] == [50, 110, 0]


def test_jupyter_does_not_take_the_keys(explorer_page):
    page = explorer_page()
    page.evaluate(
        "window.heard = []; document.body.addEventListener('keydown',"
        " (event) => window.heard.push(event.key))"
    )
    page.get_by_role("slider", name="Slice").focus()
    for key in ("ArrowUp", "d", "Control+b"):
        page.keyboard.press(key)
    assert page.evaluate("heard") == ["Control", "b"]


# ------------------------------------------------------------ by finger


def swipe(page, start, *path):
    session = page.context.new_cdp_session(page)

    def touch(kind, *points):
        touches = [{"x": x, "y": y} for x, y in points]
        send = {"type": kind, "touchPoints": touches}
        session.send("Input.dispatchTouchEvent", send)

    touch("touchStart", start)
    for point in path:
        touch("touchMove", point)
    touch("touchEnd")


def test_a_tap_picks_a_finger_drags_the_marker_and_beside_it_scrolls(explorer_page):
    page = explorer_page(**PHONE)
    page.touchscreen.tap(*in_photo(page, 30, 41))
    assert shown(page)["captions"][0] == "Noise. Row 30, column 41."
    type_lab(page, 50, 0, 0)
    page.locator(".lx-slice").scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    way = [in_slice(page, 0, b) for b in (10, 20, 30, 40)]
    swipe(page, in_slice(page, 0, 0), *way)
    lab = shown(page)["lab"]
    assert lab == pytest.approx([50, 0, 40], abs=1)
    assert page.evaluate("scrollY") == before
    x, y = in_slice(page, -60, 0)
    swipe(page, (x, y), *[(x, y - 20 * step) for step in range(1, 8)])
    page.wait_for_function(f"scrollY > {before} + 50")
    assert shown(page)["lab"] == lab


# ------------------------------------------------------------ what is heard


def test_a_screen_reader_hears_the_color_once_it_rests(explorer_page):
    page = explorer_page()
    page.clock.install()
    page.reload()
    page.clock.run_for(2000)
    aloud = page.locator("[role=status]")
    assert aloud.text_content() == ""
    page.evaluate(
        "window.said = []; new MutationObserver(() => said.push(1)).observe("
        "document.querySelector('[role=status]'), { childList: true })"
    )
    drag(page, in_slice(page, 0, 0), in_slice(page, 0, 55))
    page.clock.run_for(5000)  # held still, but held
    assert page.evaluate("said") == []
    page.mouse.up()
    page.clock.run_for(2000)
    assert page.evaluate("said") == [1]
    page.get_by_role("button", name="Yellow, L 40").click()
    page.clock.run_for(2000)
    assert aloud.text_content().replace("\u00a0", " ") == (
        "L 40.0, a \u22125.0, b 85.0. Outside the gamut, shown as R 109, G 94, B 0."
    )


# ------------------------------------------------------------ how it looks


def test_it_fits_and_can_be_hit_at_every_width(explorer_page):
    page = explorer_page()
    page.get_by_role("button", name="Yellow, L 40").click()
    for width in (320, 390, 1300):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        inside = page.locator(".lab-explorer").bounding_box()
        boxes = page.evaluate(
            """[...document.querySelectorAll(".lab-explorer *")].filter(
              (e) => e.checkVisibility() && !e.closest(".lx-aloud, .lx-grip, svg"))
              .map((e) => [e.tagName, e.getBoundingClientRect().toJSON()])"""
        )
        for name, box in boxes:
            assert box["left"] >= inside["x"], name
            assert box["right"] <= inside["x"] + inside["width"], name
            if name in ("BUTTON", "INPUT"):
                assert min(box["width"], box["height"]) >= 44, name


def test_in_the_dark_text_and_lines_have_the_color_of_the_text_around(explorer_page):
    page = explorer_page(theme="dark")
    colors = page.evaluate(
        "[...document.querySelectorAll('.lab-explorer, .lab-explorer *')].map((e) =>"
        " getComputedStyle(e).color)"
    )
    edge = page.locator(".lx-edge").evaluate("e => getComputedStyle(e).stroke")
    assert {*colors, edge} == {"rgb(206, 214, 221)"}


def test_its_height_stays_when_the_message_comes(explorer_page):
    page = explorer_page(width=390)
    heights = []
    for name in ("A spot", "Yellow, L 40"):
        page.get_by_role("button", name=name).click()
        shown(page)
        heights.append(page.locator(".lab-explorer").bounding_box()["height"])
    assert max(heights) - min(heights) < 1


def test_several_on_one_page_are_independent(explorer_page):
    name = "<b>&amp; \"quotes\" 'too' </script>"
    other = lab_explorer(PHOTO.flip(-1), name=name).html
    page = explorer_page(html=HTML + other + HTML)
    before = [shown(page, n) for n in range(3)]
    assert before[0] == before[2]
    assert before[1]["captions"][0] == f"{name}. Row 24, column 32."
    page.get_by_role("button", name="Blue").nth(1).click()
    after = [shown(page, n) for n in range(3)]
    assert [after[0], after[2]] == [before[0], before[2]]
    assert after[1]["lab"] == [50, 2, -46]


def test_without_javascript_it_says_what_is_missing(browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_content(PAGE.format(HTML))
    said = page.locator(".lab-explorer noscript")
    assert said.bounding_box()["height"] > 15
    assert "It needs JavaScript" in said.text_content()
    context.close()
