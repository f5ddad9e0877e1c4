"""The built pages, read as a browser would find them. `make test` builds them first."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup

ROOT = Path(__file__).parents[2]
HTML = ROOT / "_build" / "html"
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())


def named_files(node):
    """Every page that the table of contents names."""
    if isinstance(node, dict):
        yield from (node[key] for key in ("root", "file") if key in node)
        for value in node.values():
            yield from named_files(value)
    elif isinstance(node, list):
        for value in node:
            yield from named_files(value)


PAGES = list(named_files(TOC))
pytestmark = pytest.mark.skipif(
    not HTML.exists(), reason="the book is not built: run `make book`"
)


@pytest.fixture(params=PAGES)
def page(request):
    path = HTML / f"{request.param}.html"
    newer = [
        source
        for source in (ROOT / "book").glob(f"{Path(request.param).name}.*")
        if source.stat().st_mtime > path.stat().st_mtime
    ]
    assert not newer, f"{path.name} is older than {newer[0].name}: build the book again"
    return path, BeautifulSoup(path.read_text(), "html.parser")


def test_every_chapter_is_in_the_table_of_contents():
    listed = {Path(name).name for name in PAGES}
    assert {path.stem for path in (ROOT / "book").glob("*.ipynb")} <= listed
    assert {path.stem for path in (ROOT / "book").glob("*.md")} <= listed


def test_links_and_pictures_of_the_book_exist(page):
    path, soup = page
    missing = []
    for tag, attribute in (
        ("a", "href"),
        ("img", "src"),
        ("script", "src"),
        ("link", "href"),
    ):
        for element in soup.find_all(tag, **{attribute: True}):
            address = urlsplit(element[attribute])
            if address.scheme or address.netloc or not address.path:
                continue
            target = (path.parent / unquote(address.path)).resolve()
            if not target.exists():
                missing.append(element[attribute])
            elif tag == "a" and address.fragment and target.suffix == ".html":
                there = BeautifulSoup(target.read_text(), "html.parser")
                if not there.find(id=unquote(address.fragment)):
                    missing.append(element[attribute])
    assert not missing, f"{path.name}: nothing at {missing}"


def test_anchors_within_the_page_exist(page):
    path, soup = page
    anchors = {
        a["href"][1:] for a in soup.select("main a[href^='#']") if len(a["href"]) > 1
    }
    missing = {anchor for anchor in anchors if not soup.find(id=unquote(anchor))}
    assert not missing, f"{path.name}: no element has the id {missing}"


def test_every_picture_has_alt_text(page):
    path, soup = page
    bare = [
        img.get("src")
        for img in soup.select("main img")
        if not img.get("alt", "").strip()
    ]
    addresses = [
        img["src"]
        for img in soup.select("main img")
        if "_images/" in img.get("alt", "")
    ]
    assert not bare + addresses, f"{path.name}: no alt text for {bare + addresses}"


def test_mathematics_is_marked_up_and_set_from_a_local_copy(page):
    path, soup = page
    scripts = [script["src"] for script in soup.find_all("script", src=True)]
    mathjax = [src for src in scripts if "mathjax" in src.lower()]
    if soup.select("main .math"):
        assert mathjax, f"{path.name} has mathematics and nothing to set it"
    assert not [src for src in mathjax if urlsplit(src).netloc], (
        f"{path.name}: {mathjax}"
    )
    prose = " ".join(
        text
        for text in soup.select_one("main").find_all(string=True)
        if not text.find_parents(["pre", "code", "script", "style"])
        and not text.find_parents(class_="math")
    )
    assert "$" not in prose, (
        f"{path.name}: raw mathematics near {prose.split('$')[0][-60:]!r}"
    )


def test_nothing_is_loaded_from_elsewhere(page):
    path, soup = page
    loaded = [
        element[attribute]
        for tag, attribute in (("script", "src"), ("img", "src"), ("iframe", "src"))
        for element in soup.find_all(tag, **{attribute: True})
    ]
    loaded += [
        link["href"] for link in soup.select("link[rel=stylesheet], link[rel=preload]")
    ]
    assert not [address for address in loaded if urlsplit(address).netloc], path.name


def test_one_search_button_and_no_empty_bar(page):
    path, soup = page
    fields = soup.select(
        "#pst-primary-sidebar .search-button-field, header .search-button-field"
    )
    assert len(fields) == 1, f"{path.name}: {len(fields)} search fields"
    header = soup.select_one("header.bd-header")
    assert header is None or not header.get_text(strip=True)


def test_nothing_shows_raw(page):
    path, soup = page
    prose = [
        text
        for text in soup.select_one("main").find_all(string=True)
        if not text.find_parents(["pre", "code", "script", "style"])
        and not text.find_parents(class_="sig")  # f(**about) is a signature
    ]
    for sign in ("```", ":::", "**", "](", "|-", "|—"):
        raw = [text.strip() for text in prose if sign in text]
        assert not raw, f"{path.name}: raw markup in {raw[0]!r}"


def test_code_is_shown_and_highlighted(page):
    path, soup = page
    notebook = ROOT / "book" / f"{path.stem}.ipynb"
    if notebook.exists():
        assert soup.select("main .cell_input .highlight span"), (
            f"{path.name} shows no code"
        )
