"""The built pages, read as a browser would find them. `make test` builds them first."""

from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import pytest
import yaml
from bs4 import BeautifulSoup
from stamp import address

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


# ------------------------------------------------------------ as it is published


def test_a_page_tells_other_sites_and_searches_what_it_is(page):
    path, soup = page
    told = {
        meta.get("property", meta.get("name")): meta.get("content", "")
        for meta in soup.select("head meta")
    }
    place = f"{address().pages}{path.relative_to(HTML).as_posix()}"
    assert told["og:url"] == place
    assert soup.select_one("link[rel=canonical]")["href"] == place
    assert len(told["og:title"]) > 3
    assert len(told["description"]) > 40, f"{path.name}: {told['description']!r}"
    assert "Colab" not in told["description"], f"{path.name}: {told['description']!r}"
    picture = told["og:image"].removeprefix(address().pages)
    assert (HTML / picture).is_file(), f"{path.name}: no picture {told['og:image']}"
    assert len(told["og:image:alt"]) > 20
    icon = soup.select_one("link[rel='icon'], link[rel='shortcut icon']")
    assert (path.parent / icon["href"]).is_file()


def test_a_chapter_has_its_number_and_opens_itself_in_colab(page):
    path, soup = page
    if not (ROOT / "book" / f"{path.stem}.ipynb").exists():
        return
    title = soup.select_one("main h1").find(string=True).strip()
    assert title.startswith(f"{int(path.stem[:2])}. ")
    own = address().colab(path.stem)
    shown = soup.select_one("main section a img")
    assert shown["alt"] == "Open this chapter in Colab"
    links = {
        link["href"] for link in soup.select("a[href*='colab.research.google.com']")
    }
    assert links == {own}, f"{path.name}: {links - {own}}"
    assert soup.select(f".dropdown-launch-buttons a[href='{own}']"), "no launch button"


def test_a_page_with_its_pictures_is_small_enough_for_a_phone(page):
    path, soup = page
    pictures = {
        (path.parent / unquote(img["src"])).resolve()
        for img in soup.select("main img[src]")
        if not img["src"].startswith("data:")
    }
    size = path.stat().st_size + sum(picture.stat().st_size for picture in pictures)
    assert size < 1_500_000, f"{path.name} and its pictures: {size:,} bytes"


def test_the_sitemap_names_every_page_at_its_address():
    sitemap = ElementTree.parse(HTML / "sitemap.xml")
    named = {place.text for place in sitemap.iter() if place.tag.endswith("}loc")}
    assert {f"{address().pages}{name}.html" for name in PAGES} <= named


def test_a_lost_visitor_gets_a_page_whose_links_work_from_any_folder():
    soup = BeautifulSoup((HTML / "404.html").read_text(), "html.parser")
    start = f"/{address().repository}/"
    for tag, attribute in (("link", "href"), ("script", "src"), ("a", "href")):
        for element in soup.find_all(tag, **{attribute: True}):
            place = urlsplit(element[attribute])
            if place.scheme or place.netloc or not place.path:
                continue
            assert place.path.startswith(start), element[attribute]
            target = HTML / unquote(place.path).removeprefix(start)
            assert target.exists(), element[attribute]
