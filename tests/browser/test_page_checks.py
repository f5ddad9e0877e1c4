"""The checks of a page find what they are for, on pages with one mistake each."""

import pytest
from browser_helpers import (
    ALIKE,
    Tab,
    barriers,
    broken_pictures,
    dead_links,
    overflow,
    stuck_folds,
    unset_mathematics,
    weight,
)

SITE = "http://book.test/book/"
DOT = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs="
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Test</title>
<meta name="viewport" content="width=device-width"></head>
<body style="background: #fff; color: #222"><main><h1>Test</h1>{}</main></body></html>"""


@pytest.fixture(scope="module")
def phone(browser):
    tab = Tab(browser, SITE, 390)
    yield tab
    tab.close()


@pytest.fixture
def show(phone):
    """A function that shows a page with the given content, in a tab."""

    def show(content):
        def answer(route):
            if route.request.url == SITE:
                body = PAGE.format(content)
                route.fulfill(body=body, content_type="text/html")
            else:
                route.fulfill(status=404, body="nothing")

        phone.context.route("**", answer)
        phone.open("")
        return phone

    yield show
    phone.context.unroute_all()


def test_a_page_without_mistakes(show):
    tab = show(
        f'<p>Text, <a href="#below">a link</a></p><img src="{DOT}" alt="A dot">'
        '<p id="below"><span class="math"><mjx-container></mjx-container></span></p>'
    )
    assert tab.problems == []
    for check in (broken_pictures, unset_mathematics, overflow, barriers):
        assert check(tab.page) == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("<script>console.error('Oh dear')</script>", "console: Oh dear"),
        ("<script>nobody()</script>", "error: nobody is not defined"),
        ("<img src='gone.png' alt='x'>", f"status 404: {SITE}gone.png"),
        ("<script src='http://cdn.test/x.js'></script>", "elsewhere: http://cdn.test/"),
        ("<img src='/root.png' alt='x'>", "elsewhere: http://book.test/root.png"),
    ],
)
def test_what_goes_wrong_while_a_page_loads(show, content, problem):
    found = show(content).problems
    assert any(problem in one for one in found), found


def test_a_failed_request(show):
    tab = show("")
    tab.context.route("**/cut.css", lambda route: route.abort())
    tab.page.evaluate("fetch('cut.css').catch(() => 0)")
    assert f"failed: {SITE}cut.css" in tab.problems


def test_a_page_that_is_not_there(show):
    tab = show("")
    tab.open("gone.html")
    assert tab.problems == [f"status 404: {SITE}gone.html"]
    tab.open("gone.html", status=404)
    assert tab.problems == []


@pytest.mark.parametrize(
    ("content", "check", "found"),
    [
        ("<img src='gone.png' alt='Gone'>", broken_pictures, "no picture: gone.png"),
        (f"<img src='{DOT}'>", broken_pictures, "no alt text: data:image"),
        (f"<img src='{DOT}' alt=' '>", broken_pictures, "no alt text: data:image"),
        ("<p class='math'>x^2</p>", unset_mathematics, "not set: x^2"),
        (
            "<p class='long' style='width: 500px'>x</p>",
            overflow,
            "508 wide on a screen of 390: p.long",
        ),
        (
            "<p id='pale' style='color: #bbb'>pale</p>",
            barriers,
            "color-contrast at #pale",
        ),
        (
            "<details><summary>More</summary><p id=in style='color: #bbb'>pale</p></details>",
            barriers,
            "color-contrast at #in",
        ),
        (
            "<p>grounds</p><p id='dark' style='background: #444'>differ</p>",
            barriers,
            "color-contrast at #dark",
        ),
        (f"<img src='{DOT}'>", barriers, "image-alt at img"),
        ("<button id='mute'></button>", barriers, "button-name at #mute"),
        (
            "<pre style='overflow: auto; width: 9em'>" + "wide " * 30 + "</pre>",
            barriers,
            "scrollable-region-focusable at pre",
        ),
    ],
)
def test_a_mistake_is_found_and_its_place_named(show, content, check, found):
    problems = check(show(content).page)
    assert len(problems) == 1, problems
    assert found in problems[0]


def test_a_theme_can_break_colors_only(show):
    page = show("<p id='pale' style='color: #bbb'>pale</p><button></button>").page
    assert [one.split(":")[0] for one in barriers(page, only_colors=True)] == [
        "color-contrast at #pale"
    ]


def test_contrast_is_measured_a_few_times_for_each_look(show):
    first = "<p style='color: #bbb'>=</p>"  # too short to be measured
    same = "<p style='color: #bbb'>pale</p>" * 50
    assert len(barriers(show(first + same).page)) == ALIKE


def test_contrast_that_was_good_is_not_measured_again(show):
    measured = {}
    barriers(show("<p>dark enough</p>").page, measured=measured)
    assert sum(measured.values()) >= 1
    known = dict(measured)
    pale = show("<p>dark enough</p><p style='color: #bbb'>pale</p>").page
    for _ in range(2):  # what was bad is
        assert len(barriers(pale, measured=measured)) == 1
    assert measured == known


def test_folds_that_are_stuck(show):
    page = show(
        "<details><summary>good</summary>x</details><details>"
        "<summary onclick='event.detail || event.preventDefault()'>a</summary></details>"
        "<details><summary onkeydown='event.key === \"Enter\" && event.preventDefault()'>"
        "b</summary></details>"
    ).page
    assert stuck_folds(page) == [
        "by Enter nothing folds: a",
        "by Space nothing folds: a",
        "by Enter nothing folds: b",
    ]


def test_a_link_that_is_told_by_its_color_alone(show):
    page = show(
        "<p>dark text, <a href='#x' style='color: #333; text-decoration: none'>hidden</a>"
        " and more dark text</p><p id=x><a href='#x'>good</a> text</p>"
    ).page
    assert [one.split(" at")[0] for one in barriers(page, only_colors=True)] == [
        "link-in-text-block"
    ]


def test_dead_links(browser, site):
    """On the real server: below its folder, with 404.html."""
    tab = Tab(browser, site)
    page = tab.open("search.html")
    page.set_content(
        "<a href='book/index.html#the-chapters'>good</a><a href='book/gone.html'>x</a>"
        "<a href='book/index.html#gone'>x</a><a href='/index.html'>x</a>"
        "<a href='#nowhere'>x</a><a href='https://example.org/'>of others</a>"
    )
    known = {}
    assert dead_links(page, site, known) == [
        "dead link: book/gone.html",
        "dead link: book/index.html#gone",
        f"link out of the book's folder: {site[: site.index('/', 8)]}/index.html",
        "dead link: search.html#nowhere",
    ]
    assert len(known) == 3
    assert known[f"{site}book/gone.html"] is None
    tab.close()


def test_weight_is_that_of_page_and_pictures(browser, site):
    tab = Tab(browser, site)
    page = tab.open("book/index.html")
    size = page.evaluate("document.documentElement.outerHTML.length")
    assert weight(page) > 1.2 * size  # its picture
    tab.close()
