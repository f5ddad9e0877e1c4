"""Processes read what one process reads, and give way to one."""

import multiprocessing
import os
import subprocess
import sys
import time
import zipfile
from functools import partial
from hashlib import sha256
from io import BytesIO
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from colorize_lib.photos import workers
from colorize_lib.photos.filters import mean_chroma
from colorize_lib.photos.reading import read_photo
from colorize_lib.photos.sources import Photo, from_path
from colorize_lib.photos.workers import (
    read_all,
    refuse_in_starting_worker,
    usual_workers,
)


def failing(error):
    raise error


def end_this_process(parent):
    if os.getpid() != parent:
        os._exit(9)
    return BytesIO(b"read by the parent")


def comparable(readings):
    return [(r.pixels is not None and r.pixels.tobytes(), *r[1:]) for r in readings]


def test_what_is_read(folder):
    source = from_path(folder)
    readings = list(read_all(source.photos, 16, "crop", 1))
    assert len(readings) == 30
    pixels = read_photo(folder / "07.jpg", 16)
    assert (readings[7].pixels == pixels.numpy()).all()
    assert readings[7].sha256 == sha256(pixels.numpy().tobytes()).hexdigest()
    assert readings[7].chroma == pytest.approx(float(mean_chroma(pixels)), abs=1e-3)
    assert readings[28].pixels is None
    assert readings[28].reason.startswith("not a picture")


def test_two_processes_read_the_same_in_the_same_order(folder, write_photo):
    for i in range(30, 50):
        write_photo(folder / f"{i}.jpg", seed=i)
    photos = from_path(folder).photos
    one, two = (comparable(read_all(photos, 16, "crop", count)) for count in (1, 2))
    assert one == two


def test_where_processes_die_this_one_goes_on(capsys):
    photos = [
        Photo(f"{i}", f"{i}", 1, partial(end_this_process, os.getpid()))
        for i in range(40)
    ]
    readings = list(read_all(photos, 16, "crop", 2))
    assert len(readings) == 40
    assert "reading in one process" in capsys.readouterr().out


def test_the_number_of_threads_is_put_back(folder):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        list(read_all(from_path(folder).photos, 16, "crop", 1))
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    "error", [zipfile.BadZipFile("bad CRC-32"), PermissionError(13, "denied")]
)
def test_a_picture_that_cannot_be_taken_out_is_skipped(error):
    (reading,) = read_all([Photo("a", "a", 1, partial(failing, error))], 16, "crop", 1)
    assert "cannot be taken out" in reading.reason


def test_a_failing_disk_stops_the_work():
    photo = Photo("a", "a", 1, partial(failing, OSError(5, "Input/output error")))
    with pytest.raises(OSError, match="Input/output"):
        list(read_all([photo], 16, "crop", 1))


def test_few_photographs_need_no_processes():
    assert usual_workers(999) == 1
    assert 1 <= usual_workers(1000) <= 16


def test_a_script_without_a_main_guard_still_gets_there(folder, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "from colorize_lib.photos import from_path, prepare\n"
        f"print('made', len(prepare(from_path({str(folder)!r}), 16, workers=2)))\n"
    )
    path = os.pathsep.join(filter(None, sys.path))
    run = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "made 29" in run.stdout
    assert 'if __name__ == "__main__"' in run.stderr
    assert run.returncode == 0


def test_refused_only_while_a_process_starts(monkeypatch):
    refuse_in_starting_worker()
    monkeypatch.setattr(
        multiprocessing.current_process(), "_inheriting", True, raising=False
    )
    with pytest.raises(RuntimeError, match="__main__"):
        refuse_in_starting_worker()


def test_workers_end_with_their_parent(monkeypatch):
    ended = []
    parent = multiprocessing.get_context("fork").Process(target=time.sleep, args=(0.2,))
    parent.start()
    # The module's own names: a forked process ends by the real os._exit.
    monkeypatch.setattr(workers, "os", SimpleNamespace(_exit=ended.append))
    monkeypatch.setattr(
        workers, "multiprocessing", SimpleNamespace(parent_process=lambda: parent)
    )
    workers._end_with_parent()
    assert ended == [1]


def test_pixels_own_their_memory(folder):
    readings = list(read_all(from_path(folder).photos[:2], 16, "crop", 1))
    assert not np.shares_memory(readings[0].pixels, readings[1].pixels)
