"""A prepared set as the rest of the library sees it."""

import json

import numpy as np
import pytest

from colorize_lib.photos.index import DamagedSet
from colorize_lib.photos.prepared import Rows, open_prepared
from colorize_lib.photos.preparing import prepare
from colorize_lib.photos.reading import read_photo
from colorize_lib.photos.sources import from_path


@pytest.fixture
def prepared(folder, tmp_path):
    return prepare(from_path(folder), 16, folder=tmp_path / "sets", verbose=False)


def test_what_it_holds(prepared, folder):
    assert len(prepared) == 29
    assert prepared.shape == prepared.images.shape == (29, 3, 16, 16)
    assert prepared.images.dtype == np.uint8
    assert isinstance(prepared.images, np.memmap)
    assert prepared.names == (*(f"{i:02d}.jpg" for i in range(28)), "29.jpg")
    assert (prepared[7] == read_photo(folder / "07.jpg", 16).numpy()).all()
    assert prepared[2:5].shape == (3, 3, 16, 16)
    assert (prepared[[9, 2]] == np.stack([prepared[9], prepared[2]])).all()
    assert list(prepared.skipped) == ["28.jpg"]


def test_flags_and_groups(prepared):
    names = np.array(prepared.names)
    assert list(names[prepared.near_gray]) == ["29.jpg"]
    assert list(names[prepared.duplicate]) == ["27.jpg"]
    assert prepared.groups[27] == prepared.groups[5] == "05.jpg"


def test_it_cannot_be_written_by_mistake(prepared):
    with pytest.raises(ValueError, match="read-only"):
        prepared.images[0] = 0


def test_subset_of_a_subset(prepared):
    some = prepared.subset(["29.jpg", "03.jpg", "27.jpg", "11.jpg"])
    assert isinstance(some.images, Rows)
    assert some.shape == (4, 3, 16, 16)
    assert list(some.near_gray) == [True, False, False, False]
    two = some.subset(["11.jpg", "29.jpg"])
    assert two.names == ("11.jpg", "29.jpg")
    assert two.groups == ("11.jpg", "29.jpg")
    assert (two[0] == prepared[11]).all()
    assert (two[:] == prepared[[11, 28]]).all()
    assert (two.images[np.array([1, 0])] == prepared[[28, 11]]).all()
    assert len(prepared.subset([])) == 0


def test_subset_of_unknown_names(prepared):
    with pytest.raises(
        KeyError, match=r"no photograph named '28.jpg' \(1 of 2 unknown\)"
    ):
        prepared.subset(["00.jpg", "28.jpg"])


def test_for_training_leaves_out_what_should_not_be_learned(prepared):
    left_out = set(prepared.names) - set(prepared.for_training().names)
    assert left_out == {"27.jpg", "29.jpg"}
    assert prepared.for_training(["29.jpg", "00.jpg"]).names == ("00.jpg",)
    everything = prepared.for_training(near_gray=True, duplicates=True)
    assert everything.names == prepared.names
    assert "29.jpg" in prepared.for_training(near_gray=True).names
    assert "27.jpg" in prepared.for_training(duplicates=True).names


def test_opened_without_its_source(prepared):
    again = open_prepared(prepared.folder)
    assert again.names == prepared.names
    assert again.skipped == prepared.skipped
    assert (again[:] == prepared[:]).all()


def test_a_flipped_byte_is_found_and_named(prepared):
    with (prepared.folder / "pixels.bin").open("r+b") as file:
        file.seek(3 * 16 * 16 * 12 + 5)
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 1]))
    with pytest.raises(
        DamagedSet, match=r"pixels.bin is damaged in 12.jpg; call prepare again"
    ) as caught:
        open_prepared(prepared.folder)
    assert caught.value.names == ("12.jpg",)
    assert len(open_prepared(prepared.folder, verify=False)) == 29


def test_nothing_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_prepared(tmp_path)


def test_the_index_is_plain_json(prepared):
    index = json.loads((prepared.folder / "index.json").read_text())
    assert index["pictures"][27]["duplicate_of"] == "05.jpg"
    assert index["skipped"][0]["name"] == "28.jpg"
