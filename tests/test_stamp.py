"""One address: everywhere the same, and moved by one command."""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import stamp
from stamp import Address, address, stamped

ROOT = Path(__file__).parents[1]


@pytest.fixture
def book(tmp_path):
    """A copy of the files that hold the address, of two chapters only."""
    for path in stamped(ROOT):
        if path.suffix == ".ipynb" and path.name[:2] not in ("03", "07"):
            continue
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(path, copy)
    return tmp_path


def test_the_address_is_the_same_everywhere():
    stale = [
        path.name for path, text in stamped(ROOT).items() if path.read_text() != text
    ]
    assert not stale, "run `make stamp`"


def test_no_file_of_the_repository_names_an_address_that_is_not_stamped():
    listed = subprocess.run(
        ["git", "grep", "-Il", address().owner],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode == 128:
        pytest.skip("this copy of the book is no git repository")
    names = {path.relative_to(ROOT).as_posix() for path in stamped(ROOT)}
    said = {"tools/stamp.py", "README.md"}  # they explain the placeholder
    assert set(listed.stdout.split()) <= names | said


def test_moving_the_address_changes_all_of_it_and_only_that(book, monkeypatch, capsys):
    old = address(book)
    monkeypatch.setattr(stamp, "ROOT", book)
    monkeypatch.setattr(stamp.address, "__defaults__", (book,))
    words = ["--owner", "Some-Body", "--repository", "colors", "--tag", "main"]
    monkeypatch.setattr(sys, "argv", ["stamp.py", *words])
    stamp.main()
    said = capsys.readouterr().out
    assert said.startswith("https://github.com/Some-Body/colors at main: ")
    assert "not set" not in said
    assert stamp.stamp(book) == []
    for path in stamped(book):
        text = path.read_text()
        assert old.pages not in text, path
        if path.name != "README.md":  # which explains the placeholder
            assert old.owner not in text, path
    assert "https://some-body.github.io/colors/" in (book / "CITATION.cff").read_text()
    assert 'owner = "Some-Body"' in (book / "pyproject.toml").read_text()
    stamp.move(book, old)
    assert len(stamp.stamp(book)) == 7
    for path in stamped(book):
        original = ROOT / path.relative_to(book)
        assert path.read_bytes() == original.read_bytes(), path.name


def test_chapters_link_to_themselves_and_ask_for_a_gpu_where_they_train():
    here = Address("a", "b", "v1")
    place = "colab.research.google.com/github/a/b/blob/v1/book/07-pix2pix.ipynb"
    assert here.colab("07-pix2pix") == f"https://{place}"
    trains, colors = (
        stamp.metadata("07-pix2pix", ""),
        stamp.metadata("01-rgb-and-lab", ""),
    )
    assert (trains["accelerator"], trains["colab"]["gpuType"]) == ("GPU", "T4")
    assert "accelerator" not in colors
    chapters = {path.stem for path in (ROOT / "book").glob("*.ipynb")}
    assert set(stamp.WITHOUT_GPU) < chapters


def test_a_chapter_is_described_as_in_the_preface(book):
    about = stamp.descriptions(book)["07-pix2pix"]
    assert about.startswith("A game between two networks: ")
    assert about.endswith(".")
    found = nbformat.read(book / "book" / "07-pix2pix.ipynb", as_version=4).metadata
    assert found["og:description"] == about
    assert found["myst"]["html_meta"]["description"] == about
    index = book / "book" / "index.md"
    index.write_text(index.read_text().replace("](07-pix2pix)", "](70-pix2pix)"))
    with pytest.raises(ValueError, match=r"07-pix2pix\.ipynb is missing in the table"):
        stamped(book)


def test_the_setup_cell_has_at_most_four_lines_of_code():
    lines = stamp.setup_cell(address()).splitlines()
    assert len([line for line in lines if line.strip()]) <= 4


def test_a_lost_line_is_an_error_and_nothing_is_written(book):
    path = book / "_config.yml"
    text = path.read_text()
    path.write_text(text.replace("html_baseurl", "html_bas"))
    stamp.move(book, Address("x", "y", "z"))
    citation = (book / "CITATION.cff").read_text()
    with pytest.raises(ValueError, match=r"_config.yml: 0 lines like .*html_baseurl"):
        stamp.stamp(book)
    assert (book / "CITATION.cff").read_text() == citation


def test_a_notebook_without_its_first_cells_is_named(book):
    path = book / "book" / "03-autoencoder.ipynb"
    notebook = nbformat.read(path, as_version=4)
    del notebook.cells[1]
    nbformat.write(notebook, path)
    with pytest.raises(ValueError, match=r"03-autoencoder\.ipynb must begin with"):
        stamped(book)


@pytest.mark.parametrize("owner", ["", "a b", "a/b"])
def test_an_owner_that_cannot_be_is_refused(owner):
    with pytest.raises(ValueError, match="owner cannot be"):
        Address(owner, "b", "c")
