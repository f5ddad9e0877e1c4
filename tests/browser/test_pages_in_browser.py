"""Every page of the built book in Chromium: wide and light, narrow and dark.

What each check can find is shown in test_page_checks.py.
"""

import re
from pathlib import Path

import pytest
from browser_helpers import (
    barriers,
    broken_pictures,
    dead_links,
    overflow,
    stuck_folds,
    unset_mathematics,
    weight,
)
from playwright.sync_api import TimeoutError
from stamp import address

ROOT = Path(__file__).parents[2]
IN_TOC = re.findall(r"(?:root|file): *(\S+)", (ROOT / "_toc.yml").read_text())
NOTHING = "no/such/page.html"  # there 404.html is shown
PAGES = [f"{name}.html" for name in IN_TOC] + ["search.html", NOTHING]
CHAPTERS = [f"{name}.html" for name in IN_TOC if (ROOT / f"{name}.ipynb").exists()]
HEAVIEST = 1.5e6  # bytes


@pytest.fixture(scope="module")
def known_addresses():
    """So that each address is asked for once, over all pages."""
    return {}


@pytest.fixture(scope="module")
def measured_looks():
    """So that the contrast of each kind of text is measured once, over all pages."""
    return {}


@pytest.mark.parametrize("width", [1300, 390])
@pytest.mark.parametrize("name", PAGES)
def test_page(name, width, tab, site, known_addresses, measured_looks):
    check_page(name, width, tab, site, known_addresses, measured_looks)


@pytest.mark.slow
@pytest.mark.parametrize("width", [1300, 390])
@pytest.mark.parametrize("name", PAGES)
def test_page_in_both_themes(name, width, tab, site, known_addresses, measured_looks):
    """Opened in one theme, then the system changes to the other: before publishing."""
    check_page(name, width, tab, site, known_addresses, measured_looks, themes=2)


def check_page(name, width, tab, site, known_addresses, measured_looks, themes=1):
    """Wide and light, or narrow and dark; of two themes the other one comes after."""
    themes = (("light", "dark") if width == 1300 else ("dark", "light"))[:themes]
    here = tab(width)
    here.page.emulate_media(color_scheme=themes[0])
    page = here.open(name, status=404 if name == NOTHING else 200)
    found = [*here.problems, *broken_pictures(page), *unset_mathematics(page)]
    if width == 1300:
        found += dead_links(page, site, known_addresses)
        if name in CHAPTERS:
            found += foreign_colab_links(page, name)
        if weight(page) > HEAVIEST:
            found.append(f"{weight(page) / 1e6:.2f} MB")
    else:
        found += stuck_folds(page)
    for theme in themes:
        page.emulate_media(color_scheme=theme)
        try:
            page.wait_for_function(
                f"document.documentElement.dataset.theme === '{theme}'", timeout=30_000
            )
        except TimeoutError:
            found.append(f"does not become {theme}")
        other = theme != themes[0]
        seen = barriers(page, only_colors=other, measured=measured_looks)
        found += [f"{theme}: {problem}" for problem in seen]
    found += overflow(page)  # now all folded parts are open
    listed = "\n".join(f"  {problem}" for problem in found[:20])
    assert not found, f"{name}, {width} wide:\n{listed}"


def foreign_colab_links(page, name):
    """Unless badge and button, one each, open this chapter at the book's address."""
    expected = address().colab(Path(name).stem)
    foreign = []
    for place in (".bd-article", ".bd-header-article"):
        links = page.locator(f"{place} a[href*='colab.research.google.com']")
        found = links.evaluate_all("links => links.map((link) => link.href)")
        if found != [expected]:
            foreign.append(f"to Colab, {place}: {found}, not {expected}")
    return foreign
