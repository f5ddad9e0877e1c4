"""A chapter needs few of the library's names, and most of what is used is shown."""

from pathlib import Path

import nbformat
import pytest
from library_names import Library

BOOK = Path(__file__).parents[2] / "book"
MOST_NAMES = 20  # of ours that a chapter may import
LEAST_SHOWN = 0.7  # of what chapters use


@pytest.fixture(scope="module")
def libraries():
    chapters = sorted(BOOK.glob("*.ipynb"))
    return {x.name: Library(nbformat.read(x, as_version=4)) for x in chapters}


def test_no_chapter_needs_more_than_twenty_of_our_names(libraries):
    counts = {name: len(library.names) for name, library in libraries.items()}
    assert len(counts) == 10
    assert {x: n for x, n in counts.items() if n > MOST_NAMES} == {}


def test_most_of_what_chapters_use_is_shown_in_one_of_them(libraries):
    used = set().union(*(library.used for library in libraries.values()))
    shown = set().union(*(library.shown for library in libraries.values()))
    share = len(used & shown) / len(used)
    assert share >= LEAST_SHOWN, f"{share:.0%}; not shown: {sorted(used - shown)}"
