"""prepare(), what it makes, and what becomes of it when it is disturbed."""

import errno
import json
import multiprocessing
import os
import shutil
import signal
import time
from collections import namedtuple
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from colorize_lib.photos import prepared as module
from colorize_lib.photos import workers
from colorize_lib.photos.prepared import Rows, make_index, open_prepared, prepare
from colorize_lib.photos.reading import read_photo
from colorize_lib.photos.sources import Source, from_path


@pytest.fixture
def sets(tmp_path):
    return tmp_path / "sets"


@pytest.fixture
def make(folder, sets):
    return partial(prepare, from_path(folder), 16, folder=sets, verbose=False)


@pytest.fixture
def prepared(make):
    return make()


def left_in(folder):
    """What lies in a folder of sets, the locks' empty files aside."""
    return [x.name for x in Path(folder).glob("*") if x.suffix not in (".lock",)]


# ------------------------------------------------------------ what it holds


def test_what_it_holds(prepared, folder):
    assert prepared.shape == prepared.images.shape == (29, 3, 16, 16)
    assert isinstance(prepared.images, np.memmap)
    assert prepared.names == (*(f"{i:02d}.jpg" for i in range(28)), "29.jpg")
    assert (prepared[7] == read_photo(folder / "07.jpg", 16).numpy()).all()
    assert (prepared[[9, 2]] == np.stack([prepared[9], prepared[2]])).all()
    assert list(prepared.skipped) == ["28.jpg"]
    names = np.array(prepared.names)
    assert list(names[prepared.near_gray]) == ["29.jpg"]
    assert list(names[prepared.duplicate]) == ["27.jpg"]
    assert prepared.groups[27] == prepared.groups[5] == "05.jpg"


def test_subset_of_a_subset(prepared):
    some = prepared.subset(["29.jpg", "03.jpg", "27.jpg", "11.jpg"])
    assert isinstance(some.images, Rows)
    assert list(some.near_gray) == [True, False, False, False]
    two = some.subset(["11.jpg", "29.jpg"])
    assert (two.names, two.groups) == (("11.jpg", "29.jpg"),) * 2
    assert (two[:] == prepared[[11, 28]]).all()
    with pytest.raises(KeyError, match=r"no photograph named '28.jpg' \(1 of 2"):
        prepared.subset(["00.jpg", "28.jpg"])


def test_for_training_leaves_out_what_should_not_be_learned(prepared):
    left_out = set(prepared.names) - set(prepared.for_training().names)
    assert left_out == {"27.jpg", "29.jpg"}
    assert prepared.for_training(["29.jpg", "00.jpg"]).names == ("00.jpg",)


# ------------------------------------------------------------ once


def test_made_once_then_opened_with_and_without_its_source(make, monkeypatch):
    first = make()
    monkeypatch.setattr(module, "_make", None)
    for again in (make(), open_prepared(first.folder)):
        assert again.folder == first.folder
        assert (again[:] == first[:]).all()


def test_a_set_of_an_earlier_version_is_found(make):
    """Its index has a checksum of its own, and nothing else differs."""
    path = make().folder / "index.json"
    path.write_text(json.dumps({"checksum": "0", **json.loads(path.read_text())}))
    assert len(make()) == 29


def test_each_identity_has_a_folder_of_its_own(folder, sets, write_photo):
    def name(size=16, fit="crop"):
        options = {"folder": sets, "fit": fit, "verbose": False}
        return prepare(from_path(folder), size, **options).folder.name

    names = [name(), name(8), name(fit="squash")]
    write_photo(folder / "30.jpg", seed=99)
    assert len({*names, name()}) == 4


def test_the_summary_counts_and_names(folder, sets, capsys):
    prepare(from_path(folder), 16, folder=sets)
    said = capsys.readouterr().out
    assert "29 pictures of 16 px, 1 near gray, 1 duplicates" in said
    assert "1 skipped: 28.jpg (" in said


def test_processes_make_what_one_makes(make, sets, monkeypatch):
    monkeypatch.setattr(workers, "CHUNK", 4)
    one = make(folder=sets / "one")
    several = make(folder=sets / "several", workers=2)
    assert one.names == several.names
    assert (one[:] == several[:]).all()


@pytest.mark.parametrize(
    ("damage", "says"), [("index.json", "{"), ("pixels.bin", ""), ("gone", "")]
)
def test_a_damaged_set_is_made_anew(make, damage, says):
    before = make()[:].copy()
    home = make().folder
    if damage == "gone":
        (home / "pixels.bin").unlink()
    else:
        (home / damage).write_text(says)
    with pytest.raises(ValueError, match="is damaged: delete it and call prepare"):
        open_prepared(home)
    assert (make()[:] == before).all()


def test_nothing_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="no prepared set"):
        open_prepared(tmp_path)


# ------------------------------------------------------------ disturbed


def slow_photo(path):
    time.sleep(0.05)
    return path.open("rb")


def slow_source(folder):
    source = from_path(folder)
    photos = [
        replace(x, open=partial(slow_photo, folder / x.name)) for x in source.photos
    ]
    return Source(source.name, tuple(photos))


def prepare_slowly(folder, sets):
    prepare(slow_source(folder), 16, folder=sets, verbose=False)


def test_killed_half_way_nothing_is_taken_for_a_set(folder, sets):
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=prepare_slowly, args=(folder, sets))
    process.start()
    pixels = sets.glob("*.partial/pixels.bin")
    while not any(pixels):
        pixels = sets.glob("*.partial/pixels.bin")
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert all(".partial" in name or "lock" in name for name in left_in(sets))
    again = prepare(slow_source(folder), 16, folder=sets, verbose=False)
    assert len(again) == 29
    assert not [name for name in left_in(sets) if ".partial" in name]


def test_the_second_waits_and_does_not_work(make, sets, monkeypatch):
    """While it waits for the lock, the first one makes the set."""
    real, made = module.exclusive, []

    def locked(*arguments):
        if not made:
            made.append(True)
            make()
            monkeypatch.setattr(module, "_make", None)
        return real(*arguments)

    monkeypatch.setattr(module, "exclusive", locked)
    assert len(make()) == 29


Usage = namedtuple("Usage", "free")


def test_too_little_space_is_found_before_anything_is_written(make, sets, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10_000))
    says = r"0.0 MB needed, 0.0 MB free in .*; nothing is kept; free some space"
    with pytest.raises(OSError, match=says) as caught:
        make()
    assert caught.value.errno == errno.ENOSPC
    assert not sets.exists()


@pytest.mark.parametrize(
    ("code", "remedy"),
    [(errno.ENOSPC, "free some space"), (errno.EACCES, "give a folder that can be")],
)
def test_a_disk_that_fails_is_told_with_a_remedy(make, sets, monkeypatch, code, remedy):
    def failing(*_):
        yield workers.Reading(np.zeros((3, 16, 16), np.uint8))
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(module, "read_all", failing)
    with pytest.raises(OSError, match=f"could not prepare .*{remedy}"):
        make()
    assert not [name for name in left_in(sets) if "lock" not in name]


def test_nothing_usable(tmp_path, sets):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"none of 1 photographs can be read; a\.jpg"):
        prepare(from_path(tmp_path / "photos"), 16, folder=sets, verbose=False)


def test_a_script_without_a_main_guard_is_told_so(make, monkeypatch):
    process = multiprocessing.current_process()
    monkeypatch.setattr(process, "_inheriting", True, raising=False)
    with pytest.raises(RuntimeError, match=r"under if __name__ == .__main__.:"):
        make()


# ------------------------------------------------------------ the index


def entry(name, group=None, digest=None, chroma=20.0):
    digest = {"sha256": digest or f"hash of {name}", "chroma": chroma}
    return {"name": name, "group": group or name} | digest


def test_groups_that_share_a_picture_become_one():
    entries = [
        entry("1", "ann", "x"), entry("2", "ann", "y"), entry("3", "bo", "y"),
        entry("4", "bo", "z"), entry("5", "cy", "z"), entry("6", "di", "w"),
    ]  # fmt: skip
    for some in (entries, entries[::-1]):
        pictures = make_index(Source("s", ()), 8, "crop", some)["pictures"]
        groups = {picture["name"]: picture["group"] for picture in pictures}
        assert groups == dict.fromkeys("12345", "ann") | {"6": "di"}


def test_real_photographs(shared_photos, sets):
    source = from_path(shared_photos / "coco" / "train_sample")
    some = source.subset(source.names[:40])
    prepared = prepare(some, 64, folder=sets, verbose=False)
    assert len(prepared) + len(prepared.skipped) == 40
    assert 60 < prepared[:].mean() < 180
