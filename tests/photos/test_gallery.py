"""The gallery, with a made-up internet and with the real files where there are any."""

from hashlib import sha256
from pathlib import Path

import pytest

from colorize_lib.photos import gallery
from colorize_lib.photos.gallery import (
    GALLERY,
    GalleryPicture,
    find_gallery,
    gallery_source,
)


@pytest.fixture
def printable(shared_photos):
    folder = shared_photos.parent / "printable"
    if not folder.is_dir():
        pytest.skip(f"{folder} does not exist")
    return folder


@pytest.fixture
def small_gallery(monkeypatch, tmp_path, write_photo):
    """A gallery of one packaged and two fetched pictures; what the internet holds."""
    internet = {
        f"https://x/{name}.jpg": write_photo(tmp_path / f"net/{name}.jpg").read_bytes()
        for name in "ab"
    }
    pictures = [picture for picture in GALLERY if picture.name == "chelsea"]
    for address, content in internet.items():
        name, digest = Path(address).stem, sha256(content).hexdigest()
        made = (name, name, "me", "CC0", True, f"{name}.jpg", "", address, digest)
        pictures.append(GalleryPicture(*made))
    monkeypatch.setattr(gallery, "GALLERY", tuple(pictures))
    return internet


@pytest.fixture
def fetched(monkeypatch, small_gallery):
    """The addresses that were asked for.

    An address that the internet lacks is a failing connection.
    """
    asked = []

    class Downloader:
        def __init__(self, **options):
            pass

        def __call__(self, address, output, pooch):
            asked.append(address)
            if address not in small_gallery:
                raise ConnectionError("no route to host")
            Path(output).write_bytes(small_gallery[address])

    monkeypatch.setattr("pooch.HTTPDownloader", Downloader)
    return asked


def names(pictures):
    return [picture.name for picture in pictures]


# ------------------------------------------------------------ the list


def test_the_list_is_in_order():
    assert len(GALLERY) == 22
    assert len(set(names(GALLERY))) == len({p.file for p in GALLERY}) == 22
    assert sum(not picture.color for picture in GALLERY) == 4
    for picture in GALLERY:
        assert picture.title
        assert picture.credit
        assert picture.license
        fetched = len(picture.sha256) == 64 and picture.address.isascii()
        assert bool(picture.library) != fetched


def test_the_real_files_are_the_ones_listed(printable, monkeypatch, capsys):
    monkeypatch.setenv("COLORIZE_GALLERY", str(printable))
    pictures = find_gallery(download=False)
    assert names(pictures) == names(GALLERY)
    assert capsys.readouterr().out == ""
    by_name = {picture.name: picture for picture in pictures}
    assert by_name["lake-sherburne"].open().size == (3840, 2160)
    assert by_name["lake-sherburne"].path.parent == printable
    assert len(gallery_source(pictures)) == 22


def test_the_packaged_ones_open():
    pictures = find_gallery(download=False, verbose=False)
    assert [(picture.name, *picture.open().size) for picture in pictures] == [
        ("astronaut", 512, 512),
        ("chelsea", 451, 300),
        ("coffee", 600, 400),
        ("rocket", 640, 427),
        ("china", 640, 427),
        ("flower", 640, 427),
        ("grace_hopper", 512, 600),
    ]


# ------------------------------------------------------------ fetching


def test_fetched_once_then_found(fetched, cache, capsys):
    assert names(find_gallery()) == ["chelsea", "a", "b"]
    assert len(fetched) == 2
    assert names(find_gallery()) == ["chelsea", "a", "b"]
    assert len(fetched) == 2
    assert (cache / "gallery/a.jpg").is_file()
    assert "missing" not in capsys.readouterr().out


def test_offline_the_packaged_ones_do_and_one_line_says_so(
    fetched, small_gallery, capsys
):
    small_gallery.clear()
    assert names(find_gallery()) == ["chelsea"]
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "gallery: 1 of 3 pictures; a, b could not be fetched (no route to host)"
    ]
    assert len(fetched) == 1  # the second was not even tried
    find_gallery(verbose=False)
    assert capsys.readouterr().out == ""


def test_another_picture_under_that_address_is_refused(
    fetched, small_gallery, cache, capsys
):
    small_gallery["https://x/a.jpg"] = b"something else"
    assert names(find_gallery()) == ["chelsea", "b"]
    assert "a arrived with another SHA-256 and was refused" in capsys.readouterr().out
    assert not (cache / "gallery/a.jpg").exists()


def test_a_damaged_cached_file_is_fetched_again(fetched, cache):
    find_gallery()
    (cache / "gallery/a.jpg").write_bytes(b"damaged")
    assert names(find_gallery()) == ["chelsea", "a", "b"]
    assert len(fetched) == 3


def test_no_download_when_told_so(fetched, capsys):
    assert names(find_gallery(download=False)) == ["chelsea"]
    assert fetched == []
    assert "a, b not fetched, because download=False" in capsys.readouterr().out


def test_a_folder_that_has_the_pictures_is_used_and_not_written(
    fetched, tmp_path, monkeypatch
):
    monkeypatch.setenv("COLORIZE_GALLERY", str(tmp_path / "net"))
    before = sorted((tmp_path / "net").iterdir())
    found = find_gallery()
    assert [picture.path.parent for picture in found[1:]] == [tmp_path / "net"] * 2
    assert fetched == []
    assert sorted((tmp_path / "net").iterdir()) == before


def test_a_wrong_folder_is_named(monkeypatch):
    monkeypatch.setenv("COLORIZE_GALLERY", "nowhere")
    with pytest.raises(
        FileNotFoundError, match="COLORIZE_GALLERY=nowhere is no folder"
    ):
        find_gallery()


def test_a_misspelt_folder_is_told_the_near_one(monkeypatch, tmp_path):
    (tmp_path / "gallery").mkdir()
    monkeypatch.setenv("COLORIZE_GALLERY", str(tmp_path / "galery"))
    with pytest.raises(FileNotFoundError) as caught:
        find_gallery()
    assert str(caught.value).endswith(f"; did you mean {tmp_path / 'gallery'}?")


def test_a_missing_library_is_named(monkeypatch, capsys, small_gallery):
    monkeypatch.setattr(
        gallery.resources, "files", lambda name: __import__("no_such_library")
    )
    assert find_gallery(download=False) == ()
    assert "chelsea not there (skimage is not installed)" in capsys.readouterr().out


def test_a_picture_that_was_not_found_says_what_to_do():
    with pytest.raises(
        FileNotFoundError, match=r"take the picture that find_gallery\(\) returns"
    ):
        GALLERY[0].open()


def test_as_a_source(small_gallery, fetched):
    source = gallery_source()
    assert source.names == ("a", "b", "chelsea")
    with source.photos[0].open() as file:
        assert file.read() == small_gallery["https://x/a.jpg"]
