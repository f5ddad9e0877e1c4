"""A set is made block by block, and goes on from any state that a kill can leave."""

import json

import pytest

from colorize_lib.photos import journal
from colorize_lib.photos.journal import make, partial_folder
from colorize_lib.photos.sources import from_path
from colorize_lib.photos.workers import read_all

SIZE = 8
PICTURE = 3 * SIZE * SIZE


@pytest.fixture
def source(folder, monkeypatch):
    monkeypatch.setattr(journal, "BLOCK", 4)
    return from_path(folder)


@pytest.fixture
def finished(source, tmp_path):
    """The files of a set that was made without disturbance."""
    make(tmp_path / "finished", source, SIZE, "crop", 1, False)
    return files_of(tmp_path / "finished")


@pytest.fixture
def read(monkeypatch):
    """Counts the photographs read; ``limit`` makes the disk fail after so many."""

    class Count:
        photos, limit = 0, None

    def counting(photos, *args):
        for reading in read_all(photos, *args):
            if Count.photos == Count.limit:
                raise OSError(5, "Input/output error")
            Count.photos += 1
            yield reading

    monkeypatch.setattr(journal, "read_all", counting)
    return Count


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def interrupted(home, source, read, after):
    read.limit = after
    with pytest.raises(OSError, match="Input/output"):
        make(home, source, SIZE, "crop", 1, False)
    read.photos, read.limit = 0, None
    return partial_folder(home)


def test_it_gets_its_name_only_when_finished(source, finished, tmp_path, read):
    partial = interrupted(tmp_path / "home", source, read, after=10)
    assert not (tmp_path / "home").exists()
    assert (partial / "pixels.bin").stat().st_size == 8 * PICTURE  # two whole blocks
    make(tmp_path / "home", source, SIZE, "crop", 1, False)
    assert read.photos == 30 - 8
    assert files_of(tmp_path / "home") == finished
    assert sorted(finished) == ["index.json", "pixels.bin"]
    assert not partial.exists()


def test_every_cut_through_the_two_files_is_survived(source, finished, tmp_path, read):
    partial = interrupted(tmp_path / "home", source, read, after=13)
    whole = files_of(partial)
    pixels, lines = whole["pixels.bin"], whole["progress.jsonl"]
    first_line = lines.index(b"\n") + 1
    states = [
        (pixels + b"torn" * 50, lines, 12),  # killed after pixels, before the journal
        (pixels, lines[:-1], 8),  # killed within a journal line
        (pixels, lines[: first_line + 7], 4),
        (pixels, b"", 0),
        # A power cut took pixels that the journal vouches for.
        (pixels[: 9 * PICTURE + 5], lines, 8),
        (pixels[:PICTURE] + b"\0" + pixels[PICTURE + 1 :], lines, 0),
        (b"", lines, 0),
        (pixels, b"[]\n" + lines, 0),
        (pixels, lines[:first_line] * 2, 4),
        (pixels, b"{nonsense\n", 0),
    ]
    for i, (some_pixels, some_lines, kept) in enumerate(states):
        home = tmp_path / f"home{i}"
        partial_folder(home).mkdir()
        (partial_folder(home) / "pixels.bin").write_bytes(some_pixels)
        (partial_folder(home) / "progress.jsonl").write_bytes(some_lines)
        read.photos = 0
        make(home, source, SIZE, "crop", 1, False)
        assert (i, read.photos) == (i, 30 - kept)
        assert files_of(home) == finished


def test_killed_when_only_the_index_was_missing(source, finished, tmp_path, read):
    index = json.loads(finished["index.json"])
    keys = ("name", "group", "sha256", "chroma")
    entries = [{k: p[k] for k in keys} for p in index["pictures"]]
    # As read, before groups with a common picture are joined.
    entries[27]["group"] = "27.jpg"
    entries.insert(28, index["skipped"][0])
    partial = partial_folder(tmp_path / "home")
    partial.mkdir()
    (partial / "pixels.bin").write_bytes(finished["pixels.bin"])
    (partial / "progress.jsonl").write_text(json.dumps(entries) + "\n")
    make(tmp_path / "home", source, SIZE, "crop", 1, False)
    assert read.photos == 0
    assert files_of(tmp_path / "home") == finished


@pytest.mark.parametrize("journal_left", [True, False])
def test_killed_when_only_the_name_was_missing(
    journal_left, source, finished, tmp_path, read
):
    partial = partial_folder(tmp_path / "home")
    partial.mkdir()
    for name, content in finished.items():
        (partial / name).write_bytes(content)
    if journal_left:
        (partial / "progress.jsonl").write_bytes(b"{torn")
    make(tmp_path / "home", source, SIZE, "crop", 1, False)
    assert read.photos == 0
    assert files_of(tmp_path / "home") == finished


def test_a_failure_before_the_first_block_leaves_nothing(source, tmp_path, read):
    partial = interrupted(tmp_path / "home", source, read, after=3)
    assert not partial.exists()
    assert list(tmp_path.glob("home*")) == []
