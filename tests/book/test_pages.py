"""The built pages, read as a browser would find them. `make test` builds them first."""

from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import pytest
import yaml
from bs4 import BeautifulSoup, NavigableString
from stamp import address

ROOT = Path(__file__).parents[2]
HTML = ROOT / "_build" / "html"


def named_files(node):
    """Every page that the table of contents names."""
    if isinstance(node, dict):
        yield from (node[key] for key in ("root", "file") if key in node)
        node = list(node.values())
    for value in node if isinstance(node, list) else []:
        yield from named_files(value)


PAGES = list(named_files(yaml.safe_load((ROOT / "_toc.yml").read_text())))
CHAPTERS = [name for name in PAGES if (ROOT / f"{name}.ipynb").exists()]
pytestmark = pytest.mark.skipif(
    not HTML.exists(), reason="the book is not built: run `make book`"
)


@cache
def read(path):
    return BeautifulSoup(path.read_text(), "html.parser")


@cache
def ids(path):
    return {element["id"] for element in read(path).find_all(id=True)}


def built(name):
    path = HTML / f"{name}.html"
    for source in (ROOT / "book").glob(f"{path.stem}.*"):
        newer = source.stat().st_mtime > path.stat().st_mtime
        assert not newer, (
            f"{path.name} is older than {source.name}: build the book again"
        )
    return path, read(path)


@pytest.fixture(params=PAGES)
def page(request):
    return built(request.param)


@pytest.fixture(params=CHAPTERS)
def chapter(request):
    return built(request.param)


def local(soup):
    """What the elements of a page name in the book itself, by tag."""
    kinds = (("a", "href"), ("img", "src"), ("script", "src"), ("link", "href"))
    for tag, attribute in kinds:
        for element in soup.find_all(tag, **{attribute: True}):
            named = urlsplit(element[attribute])
            if not (named.scheme or named.netloc):
                yield tag, named


def prose(element):
    """Its texts outside of code, mathematics and signatures, as f(**about) is one."""
    for child in element.children:
        if isinstance(child, NavigableString):
            yield child.strip()
        elif child.name not in ("pre", "code", "script", "style") and not (
            {"math", "sig"} & set(child.get("class", []))
        ):
            yield from prose(child)


def test_every_chapter_is_in_the_table_of_contents():
    pages = [*(ROOT / "book").glob("*.ipynb"), *(ROOT / "book").glob("*.md")]
    assert {path.stem for path in pages} <= {Path(name).name for name in PAGES}


def test_links_and_pictures_of_the_book_exist(page):
    path, soup = page
    missing = []
    for tag, named in local(soup):
        target = (path.parent / unquote(named.path)).resolve() if named.path else path
        to_place = tag == "a" and named.fragment and target.suffix == ".html"
        if not target.exists() or (
            to_place and unquote(named.fragment) not in ids(target)
        ):
            missing.append(named.geturl())
    assert not missing, f"{path.name}: nothing at {missing}"


def test_every_picture_has_alt_text(page):
    path, soup = page
    texts = [img.get("alt", "").strip() for img in soup.select("main img")]
    assert all(text and "_images/" not in text for text in texts), path.name


def test_mathematics_is_marked_up_and_set_from_a_local_copy(page):
    path, soup = page
    scripts = [script["src"] for script in soup.find_all("script", src=True)]
    assert any("mathjax" in src.lower() for src in scripts) or not soup.select(".math")
    raw = [text for text in prose(soup.select_one("main")) if "$" in text]
    assert not raw, f"{path.name}: raw mathematics in {raw[0]!r}"


def test_nothing_is_loaded_from_elsewhere(page):
    path, soup = page
    loaded = [x["src"] for x in soup.select("script[src], img[src], iframe[src]")]
    loaded += [
        x["href"] for x in soup.select("link[rel=stylesheet], link[rel=preload]")
    ]
    assert not [address for address in loaded if urlsplit(address).netloc], path.name


def test_nothing_shows_raw(page):
    path, soup = page
    signs = ("```", ":::", "**", "](", "|-", "|—", "{eval}")
    texts = prose(soup.select_one("main"))
    raw = [text for text in texts if any(sign in text for sign in signs)]
    assert not raw, f"{path.name}: raw markup in {raw[0]!r}"


# ------------------------------------------------------------ as it is published


def test_a_page_tells_other_sites_and_searches_what_it_is(page):
    path, soup = page
    metas = soup.select("head meta")
    told = {x.get("property", x.get("name")): x.get("content", "") for x in metas}
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


def test_a_chapter_has_its_number_and_opens_itself_in_colab(chapter):
    path, soup = chapter
    title = soup.select_one("main h1").find(string=True).strip()
    assert title.startswith(f"{int(path.stem[:2])}. ")
    shown = soup.select_one("main section a img")
    assert shown["alt"] == "Open this chapter in Colab"
    own = address().colab(path.stem)
    assert soup.select("main .cell_input .highlight span"), "it shows no code"
    links = soup.select("a[href*='colab.research.google.com']")
    assert {link["href"] for link in links} == {own}, path.name
    assert soup.select(f".dropdown-launch-buttons a[href='{own}']"), "no launch button"


def test_only_chapters_can_be_launched(page):
    path, soup = page
    chapter = f"book/{path.stem}" in CHAPTERS
    assert bool(soup.select(".dropdown-launch-buttons")) == chapter, path.name


def test_a_page_with_its_pictures_is_small_enough_for_a_phone(page):
    path, soup = page
    shown = {x["src"] for x in soup.select("main img[src]")}
    files = [path.parent / unquote(src) for src in shown if not src.startswith("data:")]
    size = sum(file.stat().st_size for file in [path, *files])
    assert size < 1_500_000, f"{path.name} and its pictures: {size:,} bytes"


def test_the_sitemap_names_every_page_at_its_address():
    sitemap = ElementTree.parse(HTML / "sitemap.xml")
    named = {place.text for place in sitemap.iter() if place.tag.endswith("}loc")}
    assert {f"{address().pages}{name}.html" for name in PAGES} <= named


def test_a_lost_visitor_gets_a_page_whose_links_work_from_any_folder():
    start = f"/{address().repository}/"
    for _, named in local(read(HTML / "404.html")):
        if named.path:
            assert named.path.startswith(start), named.path
            assert (HTML / unquote(named.path).removeprefix(start)).exists(), named.path
