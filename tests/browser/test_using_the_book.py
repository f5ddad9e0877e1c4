"""What a reader does in the book besides reading, in Chromium."""

import pytest
from browser_helpers import Tab, barriers

CHAPTER = "book/05-unet.html"
FOCUSED = "document.activeElement"


@pytest.fixture
def fresh(browser, site):
    """A function that opens a tab which no other test has changed."""
    tabs = []

    def tab_of(*args, **options):
        tabs.append(Tab(browser, site, *args, **options))
        return tabs[-1]

    yield tab_of
    for one in tabs:
        one.close()


def test_the_address_of_the_book_shows_the_preface(fresh):
    tab = fresh()
    page = tab.page
    page.goto(tab.site)  # open() would wait for mathematics while the page is left
    page.wait_for_url("**/book/index.html")
    assert page.locator("article h1").inner_text().startswith("Learning to Colorize")


@pytest.mark.parametrize("width", [1300, 390])
def test_search_finds_a_subject_by_keyboard_alone(width, fresh):
    tab = fresh(width)
    page = tab.open("book/index.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("gradient penalty")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=gradient+penalty*")
    chapter = page.locator("#search-results a[href*='08-wgan-gp.html']").first
    chapter.wait_for()
    chapter.press("Enter")
    page.wait_for_url("**/08-wgan-gp.html*")
    assert tab.problems == []


def test_search_on_its_page(fresh):
    tab = fresh()
    page = tab.open("search.html")
    field = page.locator("main input[name=q]")
    field.fill("gradient penalty")
    field.press("Enter")
    page.wait_for_selector("#search-results a[href*='08-wgan-gp.html']")
    field = page.locator("main input[name=q]")
    field.fill("hippopotamus")
    field.press("Enter")
    page.wait_for_url("**/search.html?q=hippopotamus*")
    page.wait_for_function("document.body.innerText.includes('did not match')")
    assert page.locator("#search-results a").count() == 0
    assert tab.problems == []


@pytest.mark.parametrize("width", [1300, 390])
def test_tab_goes_first_to_the_skip_link_then_on_in_order(width, fresh):
    page = fresh(width).open(CHAPTER)
    page.keyboard.press("Tab")
    assert page.evaluate(f"{FOCUSED}.hash") == "#main-content"
    page.keyboard.press("Enter")
    places = []
    for _ in range(40):
        page.keyboard.press("Tab")
        place = page.evaluate("""() => {
            const focused = document.activeElement;
            const { x, y, width, height } = focused.getBoundingClientRect();
            return { what: focused.outerHTML.slice(0, 90), y: y + scrollY,
                seen: focused.checkVisibility({ visibilityProperty: true }) && width > 0
                    && x + width > 0 && x < innerWidth && y + height > 0 && y < innerHeight,
                marked: getComputedStyle(focused).outlineStyle !== "none"
                    || getComputedStyle(focused).boxShadow !== "none",
                inside: !!focused.closest("main") };
        }""")
        assert place["inside"], f"skipped the menu, and yet at {place}"
        assert place["seen"], f"the focus is out of sight at {place}"
        assert place["marked"], f"the focus does not show at {place}"
        places.append(place["y"])
    drops = [i for i, y in enumerate(places[1:]) if y < places[i] - 100]
    # Once at most: from the bar above the page, or the menu beside it, to its text.
    assert len(drops) <= 1, places


def test_light_and_dark_by_keyboard_are_kept(fresh):
    tab = fresh()
    page = tab.open(CHAPTER)
    switch = page.locator(".theme-switch-button:visible").first
    seen = []
    for _ in range(3):
        switch.press("Enter")
        seen.append(page.evaluate("document.documentElement.dataset.mode"))
    assert sorted(seen) == ["auto", "dark", "light"]
    while page.evaluate("document.documentElement.dataset.mode") != "dark":
        switch.press("Space")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    tab.open("book/index.html")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_light_or_dark_is_known_before_the_theme_wakes(fresh):
    """Else a page flashes: white, in a dark room."""
    tab = fresh(theme="dark")
    tab.page.route("**/pydata-sphinx-theme.js*", lambda route: route.abort())
    page = tab.open("book/index.html")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != (
        "rgb(255, 255, 255)"
    )


def test_without_javascript_the_text_is_there(fresh):
    tab = fresh(java_script_enabled=False)
    tab.page.goto(f"{tab.site}{CHAPTER}")
    assert tab.page.locator("article h1").is_visible()


def test_the_menu_of_a_phone_opens_and_shuts_by_keyboard(fresh):
    tab = fresh(390)
    page = tab.open(CHAPTER)
    link = page.locator("#pst-primary-sidebar-modal a", has_text="WGAN-GP")
    assert not link.is_visible()
    page.locator(".primary-toggle:visible").press("Enter")
    link.wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate(f"!!{FOCUSED}.closest('#pst-primary-sidebar-modal')")
    assert barriers(page) == []
    page.keyboard.press("Escape")
    link.wait_for(state="hidden")
    page.locator(".primary-toggle:visible").press("Enter")
    link.click()
    page.wait_for_url("**/08-wgan-gp.html")


@pytest.mark.parametrize("name", ["05-unet", "09-evaluation"])
def test_on_paper_there_is_no_menu_and_nothing_is_cut_off(name, fresh):
    tab = fresh(680, "dark")  # A4 without its margins
    page = tab.open(f"book/{name}.html")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    for part in ("#pst-primary-sidebar", ".bd-header-article", ".prev-next-footer"):
        assert page.locator(part).count() > 0
        assert not page.locator(part).first.is_visible(), part
    cut = page.evaluate("""() => {
        const parts = [...document.querySelectorAll(".bd-article :is(pre, table, div.math)")];
        return parts.filter((part) => part.checkVisibility())
            .filter((part) => part.scrollWidth > part.clientWidth + 1 ||
                part.getBoundingClientRect().right > innerWidth + 1)
            .map((part) => part.innerText.slice(0, 60));
    }""")
    assert cut == []
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
