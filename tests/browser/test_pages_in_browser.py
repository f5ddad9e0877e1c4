"""Every page of the built book in Chromium: wide and narrow, light and dark.

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
from stamp import address

ROOT = Path(__file__).parents[2]
IN_TOC = re.findall(r"(?:root|file): *(\S+)", (ROOT / "_toc.yml").read_text())
NOTHING = "no/such/page.html"  # there 404.html is shown
PAGES = [f"{name}.html" for name in IN_TOC] + ["search.html", NOTHING]
CHAPTERS = [name for name in IN_TOC if (ROOT / f"{name}.ipynb").exists()]
HEAVIEST = 1.5e6  # bytes


@pytest.fixture(scope="module")
def known_addresses():
    """So that each address is asked for once, over all pages."""
    return {}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1300, 390])
@pytest.mark.parametrize("name", PAGES)
def test_page(name, width, theme, tab, site, known_addresses):
    here = tab(width, theme)
    page = here.open(name, status=404 if name == NOTHING else 200)
    found = [*here.problems, *broken_pictures(page), *unset_mathematics(page)]
    if page.evaluate("document.documentElement.dataset.theme") != theme:
        found.append(f"not {theme}")
    if (width, theme) == (1300, "light"):
        found += dead_links(page, site, known_addresses)
        if weight(page) > HEAVIEST:
            found.append(f"{weight(page) / 1e6:.2f} MB")
    if (width, theme) == (390, "light"):
        found += stuck_folds(page)
    found += barriers(page, only_colors=theme == "dark")
    found += overflow(page)  # now all folded parts are open
    listed = "\n".join(f"  {problem}" for problem in found[:20])
    assert not found, f"{name}, {here.name}:\n{listed}"


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_opens_itself_in_colab(name, tab):
    page = tab().open(f"{name}.html")
    expected = address().colab(Path(name).name)
    for place in (".bd-article", ".bd-header-article"):  # the badge, the button
        links = page.locator(f"{place} a[href*='colab.research.google.com']")
        found = links.evaluate_all("links => links.map((link) => link.href)")
        assert found == [expected], f"{name}, {place}: {found}"
