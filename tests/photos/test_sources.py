"""Sources: sorted, named alike everywhere, picklable."""

import os
import pickle
import tarfile
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from colorize_lib.photos.sources import (
    SUFFIXES,
    Photo,
    Source,
    combined,
    files_in,
    from_path,
)


def photo(name, group=None):
    return Photo(name, group or name, 1, None)


def zipped(folder, path):
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.rglob("*"):
            archive.write(file, file.relative_to(folder.parent))
    return path


def test_a_folder_with_subfolders(tmp_path, write_photo):
    for name in ("b/2.jpg", "b/1.PNG", "a/x.webp", "c.jpeg"):
        write_photo(tmp_path / "set" / name)
    (tmp_path / "set/notes.txt").write_text("no picture")
    (tmp_path / "set/.hidden.jpg").write_bytes(b"")
    (tmp_path / "set/__MACOSX").mkdir()
    (tmp_path / "set/__MACOSX/._c.jpeg").write_bytes(b"")
    (tmp_path / "set/gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    source = from_path(tmp_path / "set")
    assert source.name == "set"
    assert source.names == ("a/x.webp", "b/1.PNG", "b/2.jpg", "c.jpeg") == source.groups
    assert len(source) == 4
    assert source.photos[1].file_size == (tmp_path / "set/b/1.PNG").stat().st_size
    with source.photos[1].open() as file:
        assert file.read() == (tmp_path / "set/b/1.PNG").read_bytes()


def test_the_same_names_and_bytes_from_a_folder_a_zip_and_a_tar(folder, tmp_path):
    with tarfile.open(tmp_path / "photos.tar", "w") as archive:
        archive.add(folder, "deep/down/photos")
    sources = [
        from_path(folder),
        from_path(zipped(folder, tmp_path / "photos.zip")),
        from_path(tmp_path / "photos.tar"),
    ]
    assert len({source.names for source in sources}) == 1
    assert len({source.photos for source in sources}) == 1  # name, group and size
    for photos in zip(*(source.photos for source in sources), strict=True):
        again = [pickle.loads(pickle.dumps(photo)) for photo in photos]
        assert len({photo.open().read() for photo in again}) == 1


@given(st.permutations(["b", "a", "é", "Z", "10", "9", "a/b"]))
def test_the_order_is_by_code_point_whatever_the_disk_says(names):
    source = Source("s", tuple(map(photo, names)))
    assert source.names == ("10", "9", "Z", "a", "a/b", "b", "é")


def test_accents_are_spelled_one_way(tmp_path, write_photo):
    write_photo(tmp_path / "set" / "cafe\u0301.jpg")
    assert from_path(tmp_path / "set").names == ("caf\u00e9.jpg",)


def test_two_photographs_of_one_name():
    with pytest.raises(ValueError, match=r"two photographs named a.jpg"):
        Source("s", (photo("a.jpg"), photo("a.jpg")))


def test_subset():
    source = Source("s", tuple(photo(name) for name in "dcba"))
    assert source.subset(["c", "a"]).names == ("a", "c")
    with pytest.raises(
        KeyError, match=r"s has no photograph named 'x' \(1 of 2 unknown\)"
    ):
        source.subset(["a", "x"])


def test_combined_keeps_sources_and_groups_apart():
    one, two = Source("one", (photo("a", "g"),)), Source("two", (photo("a", "g"),))
    both = combined(one, two)
    assert both.name == "one+two"
    assert both.names == ("one/a", "two/a")
    assert both.groups == ("one/g", "two/g")


def test_paths_that_hold_nothing(tmp_path):
    with pytest.raises(FileNotFoundError, match="none does not exist; name a folder"):
        from_path(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        ValueError, match=r"no pictures in .*empty and its subfolders: looked for .jpg"
    ):
        from_path(tmp_path / "empty")
    (tmp_path / "a.jpg").write_bytes(b"x")
    with pytest.raises(ValueError, match="neither a folder nor a zip or tar"):
        from_path(tmp_path / "a.jpg")


# ------------------------------------------------------------ what lies in a folder


def test_links_are_followed_once_and_nothing_else_stops_the_rest(tmp_path, write_photo):
    album = tmp_path / "album"
    for name in ("a.JFIF", "sub/b.pgm", "sub/deep/c.tga"):
        (album / name).parent.mkdir(parents=True, exist_ok=True)
        (album / name).write_bytes(b"x")
    write_photo(tmp_path / "elsewhere/d.jp2")
    (album / "linked").symlink_to(tmp_path / "elsewhere")
    (album / "sub/again").symlink_to(tmp_path / "elsewhere")
    (album / "sub/above").symlink_to(album)
    (album / "itself.jpg").symlink_to(album / "itself.jpg")
    (album / "gone.png").symlink_to(tmp_path / "nowhere.png")
    os.mkfifo(album / "pipe.jpg")
    for name in ("notes.txt", "more.txt", "clip.mov", "README", ".hidden.jpg"):
        (album / name).write_bytes(b"x")
    (album / ".git").mkdir()
    pictures, others = files_in(album)
    names = [path.relative_to(album).as_posix() for path in pictures]
    assert names == ["a.JFIF", "linked/d.jp2", "sub/b.pgm", "sub/deep/c.tga"]
    assert others == {
        "link to nothing": 2,
        "no plain file": 1,
        ".txt": 2,
        ".mov": 1,
        "without a suffix": 1,
        "hidden": 2,
    }


def test_every_suffix_that_is_taken_can_be_opened_alone():
    registered = Image.registered_extensions()
    unreadable = {".heic", ".heif"}  # listed so that they are not overlooked
    # Formats that Pillow only knows from some version on, under suffixes of their own.
    for suffix in {*SUFFIXES} - unreadable - {".jif", ".dcx"}:
        kind = registered[suffix]
        assert kind == "MPO" or kind in Image.OPEN, suffix  # MPO is opened as JPEG
