"""prepare(), disturbed in every way that was thought of."""

import errno
import multiprocessing
import os
import random
import resource
import shutil
import signal
import threading
import time
from collections import namedtuple
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorize_lib.photos import index, journal, preparing
from colorize_lib.photos.preparing import prepare
from colorize_lib.photos.sources import Photo, Source, from_path


def files_of(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def left_in(folder):
    """What lies in a folder of sets, the locks' empty files aside."""
    return sorted(
        path.name for path in Path(folder).glob("*") if path.suffix != ".lock"
    )


@pytest.fixture
def source(folder):
    return from_path(folder)


@pytest.fixture
def sets(tmp_path):
    return tmp_path / "sets"


@pytest.fixture
def make(source, sets):
    return partial(prepare, source, 16, folder=sets, verbose=False)


# ------------------------------------------------------------ undisturbed


def test_made_once_then_opened(make, monkeypatch):
    first = make()
    monkeypatch.setattr(preparing, "make", None)
    second = make()
    assert second.folder == first.folder
    assert (second[:] == first[:]).all()


def test_by_default_in_the_cache_folder(source, cache):
    assert prepare(source, 8, verbose=False).folder.parent == cache / "prepared"


def test_each_identity_has_a_folder_of_its_own(source, sets, folder, write_photo):
    folders = {
        prepare(source, 16, folder=sets, verbose=False).folder,
        prepare(source, 8, folder=sets, verbose=False).folder,
        prepare(source, 16, folder=sets, fit="squash", verbose=False).folder,
        prepare(source.subset(source.names[:5]), 16, folder=sets, verbose=False).folder,
    }
    write_photo(folder / "00.jpg", seed=99, size=(50, 50))
    folders.add(prepare(from_path(folder), 16, folder=sets, verbose=False).folder)
    assert len(folders) == 5


def test_the_same_place_for_the_same_pictures_elsewhere(
    source, make, sets, folder, tmp_path, monkeypatch
):
    made = make().folder
    shutil.copytree(folder, tmp_path / "moved" / "photos")
    monkeypatch.setattr(preparing, "make", None)
    moved = from_path(tmp_path / "moved" / "photos")
    assert prepare(moved, 16, folder=sets, verbose=False).folder == made


def test_the_summary_counts_and_names(source, sets, capsys):
    prepare(source, 16, folder=sets)
    line = capsys.readouterr().out
    assert line.startswith(
        "photos: 29 pictures of 16 px, 1 near gray, 1 duplicates, in "
    )
    assert "1 skipped: 28.jpg (not a picture" in line


def test_wrong_size_or_fit(source):
    with pytest.raises(ValueError, match="size must be"):
        prepare(source, 0)
    with pytest.raises(ValueError, match="fit must be"):
        prepare(source, 8, fit="stretch")


def test_nothing_usable(tmp_path, sets):
    (tmp_path / "bad").mkdir()
    for name in "ab":
        (tmp_path / "bad" / f"{name}.jpg").write_bytes(b"")
    with pytest.raises(
        ValueError,
        match=r"bad: none of 2 photographs can be read; a.jpg: the file is empty",
    ):
        prepare(from_path(tmp_path / "bad"), 8, folder=sets, verbose=False)
    assert left_in(sets) == []


# ------------------------------------------------------------ killed

BLOCK = 10


def slow_photo(path):
    time.sleep(0.002)  # long enough for a kill to find work to interrupt
    return Path.open(path, "rb")


def many_photos(folder):
    photos = [
        Photo(f"{i}.png", f"{i}.png", 1, partial(slow_photo, folder / f"{i % 7}.png"))
        for i in range(200)
    ]
    return Source("many", tuple(photos))


def prepare_many(folder, sets):
    journal.BLOCK = BLOCK
    prepare(many_photos(folder), 8, folder=sets, workers=1, verbose=False)


@pytest.fixture
def few_files(tmp_path, write_photo):
    for i in range(7):
        write_photo(tmp_path / "few" / f"{i}.png", seed=i)
    return tmp_path / "few"


@pytest.fixture
def context():
    context = multiprocessing.get_context("forkserver")
    # torch is imported once, not once a process.
    context.set_forkserver_preload(["colorize_lib.photos"])
    return context


def test_killed_again_and_again_it_ends_the_same(few_files, tmp_path, context):
    prepare_many(few_files, tmp_path / "undisturbed")
    (undisturbed,) = tmp_path.glob("undisturbed/many*")
    dice, kills, progress = random.Random(0), 0, [0]
    while True:
        child = context.Process(
            target=prepare_many, args=(few_files, tmp_path / "sets")
        )
        child.start()
        goal = progress[-1] + dice.randint(4, 7)
        while child.is_alive() and lines_of_journal(tmp_path / "sets") < goal:
            time.sleep(0.001)
        time.sleep(dice.uniform(0, 0.02))
        if child.is_alive():
            os.kill(child.pid, signal.SIGKILL)
        child.join()
        if child.exitcode == 0:
            break
        assert child.exitcode == -signal.SIGKILL
        kills += 1
        progress.append(lines_of_journal(tmp_path / "sets"))
    assert kills >= 2
    assert progress == sorted(progress)  # nothing finished was lost
    (made,) = tmp_path.glob("sets/many*")
    assert files_of(made) == files_of(undisturbed)


def lines_of_journal(sets):
    try:
        (path,) = sets.glob("many*.partial/progress.jsonl")
        return path.read_bytes().count(b"\n")
    except (ValueError, FileNotFoundError):
        return 0


def test_two_at_once_make_one_set(few_files, tmp_path, context):
    children = [
        context.Process(target=prepare_many, args=(few_files, tmp_path / "sets"))
        for _ in range(2)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join(timeout=60)
    assert [child.exitcode for child in children] == [0, 0]
    (made,) = tmp_path.glob("sets/many*")
    prepare_many(few_files, tmp_path / "undisturbed")
    (undisturbed,) = tmp_path.glob("undisturbed/many*")
    assert files_of(made) == files_of(undisturbed)


def test_the_second_waits_and_does_not_work(make, monkeypatch, capsys):
    started, go_on, made = threading.Event(), threading.Event(), []
    real_make = preparing.make

    def slow_make(*args):
        made.append(1)
        started.set()
        assert go_on.wait(20)
        real_make(*args)

    monkeypatch.setattr(preparing, "make", slow_make)
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(make())) for _ in range(2)
    ]
    threads[0].start()
    assert started.wait(20)
    threads[1].start()
    time.sleep(0.3)
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert len(made) == 1
    assert [len(result) for result in results] == [29, 29]
    assert "another process is " in capsys.readouterr().out


# ------------------------------------------------------------ damaged


def damage(path, at):
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 64]))


def test_a_flipped_byte_is_named_and_mended(make, monkeypatch, capsys):
    prepared = make()
    before = files_of(prepared.folder)
    damage(prepared.folder / "pixels.bin", 5 * 768 + 100)
    monkeypatch.setattr(preparing, "make", None)  # only the one picture is made again
    make()
    assert "is damaged in 05.jpg" in capsys.readouterr().out
    assert files_of(prepared.folder) == before


@pytest.mark.parametrize("length", [0, 768 * 20 + 1, 768 * 40])
def test_a_pixel_file_of_another_length_is_mended(make, length):
    prepared = make()
    before = files_of(prepared.folder)
    with (prepared.folder / "pixels.bin").open("r+b") as file:
        file.truncate(length)
    make()
    assert files_of(prepared.folder) == before


@pytest.mark.parametrize("file", ["index.json", "pixels.bin"])
def test_a_missing_file_or_a_damaged_index_means_all_anew(make, file):
    prepared = make()
    before = files_of(prepared.folder)
    (prepared.folder / file).unlink()
    make()
    assert files_of(prepared.folder) == before
    damage(prepared.folder / "index.json", 300)
    make()
    assert files_of(prepared.folder) == before


def test_mending_from_a_picture_that_has_changed_means_all_anew(make, folder):
    prepared = make()
    size = (folder / "05.jpg").stat().st_size
    image = np.asarray(Image.open(folder / "05.jpg")).copy()
    content = b"\0"
    quality = 75
    # Another picture in exactly as many bytes.
    while len(content) > size or quality == 75:
        Image.fromarray(image[::-1].copy()).save(folder / "05.jpg", quality=quality)
        content = (folder / "05.jpg").read_bytes()
        quality -= 5
    (folder / "05.jpg").write_bytes(content + bytes(size - len(content)))
    damage(prepared.folder / "pixels.bin", 5 * 768)
    old = np.array(prepared[:])
    new = make()
    changed = [
        name
        for name, a, b in zip(new.names, old, new[:], strict=True)
        if (a != b).any()
    ]
    assert changed == ["05.jpg"]
    assert not new.duplicate.any()  # 27.jpg was its twin


# ------------------------------------------------------------ nowhere to write


def test_too_little_space_is_found_before_anything_is_written(make, sets, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 10, 20_000))
    with pytest.raises(
        OSError,
        match=r"0.0 MB needed, 0.0 MB free .*nothing was written; free some space",
    ) as caught:
        make()
    assert caught.value.errno == errno.ENOSPC
    assert not sets.exists()


def test_the_numbers_of_the_space(source, sets, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(0, 0, 5_000_000))
    with pytest.raises(OSError, match=r"5.9 MB needed, 5.0 MB free in"):
        prepare(source, 256, folder=sets)


def limited_prepare(folder, sets, queue):
    # As a disk that fills up.
    resource.setrlimit(resource.RLIMIT_FSIZE, (8 * 8 * 3 * 57, resource.RLIM_INFINITY))
    try:
        prepare_many(folder, sets)
        queue.put("made")
    except OSError as error:
        queue.put(str(error))


def test_a_disk_that_fills_up_keeps_whole_blocks_and_says_so(
    few_files, tmp_path, context
):
    queue = context.Queue()
    child = context.Process(
        target=limited_prepare, args=(few_files, tmp_path / "sets", queue)
    )
    child.start()
    message = queue.get(timeout=60)
    child.join()
    assert "what was finished is kept in" in message
    assert "free some space" in message
    (partial_set,) = tmp_path.glob("sets/many*")
    assert partial_set.name.endswith(".partial")
    # No byte of the block cut short.
    assert (partial_set / "pixels.bin").stat().st_size == 50 * 8 * 8 * 3
    prepare_many(few_files, tmp_path / "sets")  # there is space again
    prepare_many(few_files, tmp_path / "undisturbed")
    (made,) = tmp_path.glob("sets/many*")
    (undisturbed,) = tmp_path.glob("undisturbed/many*")
    assert files_of(made) == files_of(undisturbed)


def test_no_space_for_the_index(make, sets, monkeypatch):
    real = index.replacing

    def full(path):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(index, "replacing", full)
    with pytest.raises(OSError, match="No space left on device"):
        make()
    (left,) = left_in(sets)
    assert left.endswith(".partial")
    monkeypatch.setattr(index, "replacing", real)
    assert len(make()) == 29


def test_a_folder_that_cannot_be_written(make, sets, monkeypatch):
    real = Path.mkdir

    def denied(self, *args, **kwargs):
        if sets in (self, *self.parents):
            raise OSError(errno.EROFS, "Read-only file system", str(self))
        real(self, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", denied)
    with pytest.raises(
        OSError, match=r"nothing was written; give a folder that can be written"
    ) as caught:
        make()
    assert caught.value.errno == errno.EROFS
    assert not sets.exists()


def test_a_finished_set_needs_no_writing(make, monkeypatch):
    make()

    def denied(*args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(preparing, "exclusive", denied)
    monkeypatch.setattr(Path, "mkdir", denied)
    assert len(make()) == 29


def test_a_failing_source_stops_and_can_be_continued(source, sets, monkeypatch):
    monkeypatch.setattr(journal, "BLOCK", 5)

    def gone():
        raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")

    photos = list(source.photos)
    photos[17] = replace(photos[17], open=gone)
    broken = Source(source.name, tuple(photos))
    with pytest.raises(
        OSError,
        match=r"not connected; what was finished is kept in .*call prepare again",
    ):
        prepare(broken, 8, folder=sets, verbose=False)
    assert len(prepare(source, 8, folder=sets, verbose=False)) == 29


# ------------------------------------------------------------ real photographs


def test_real_photographs(shared_photos, sets):
    source = from_path(shared_photos / "coco")
    prepared = prepare(source, 64, folder=sets, verbose=False)
    assert len(prepared) == 265
    assert not prepared.skipped
    assert 0 < prepared.near_gray.sum() <= 3
    assert 30 < prepared.images.std() < 100
