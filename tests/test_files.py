"""Writing all or nothing, and one at a time."""

import errno
import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest
import torch

from colorize_lib.files import exclusive, replacing

# ------------------------------------------------------------ whole files


def test_the_file_is_replaced_only_at_the_end(tmp_path):
    path = tmp_path / "folder" / "file.txt"
    with replacing(path) as file:
        file.write(b"one")
        assert not path.exists()
    with replacing(path) as file:
        file.write(b"two")
        assert path.read_bytes() == b"one"
    assert path.read_bytes() == b"two"


def test_an_error_of_the_caller_passes_unchanged(tmp_path):
    def write_half(path):
        with replacing(path) as file:
            file.write(b"half")
            raise KeyError("a bug")

    with pytest.raises(KeyError, match="a bug"):
        write_half(tmp_path / "file.txt")
    assert not list(tmp_path.iterdir())


def test_what_killed_processes_left_is_swept_away(tmp_path):
    path = tmp_path / "a[1].png"
    abandoned, young = tmp_path / ".a[1].png.7.tmp", tmp_path / ".a[1].png.8.tmp"
    other = tmp_path / ".b.png.7.tmp"
    for leftover in (abandoned, young, other):
        leftover.write_bytes(b"half")
    for leftover in (abandoned, other):
        os.utime(leftover, (time.time() - 7200,) * 2)
    with replacing(path) as file:
        file.write(b"whole")
    assert sorted(tmp_path.iterdir()) == sorted([path, young, other])


@pytest.mark.parametrize(
    "name",
    ["x" * 251 + ".png", "ü" * 127 + "x"],
    ids=["ASCII", "umlauts"],
)
def test_a_name_may_be_as_long_as_the_system_lets_it(tmp_path, name):
    path = tmp_path / name
    for text in (b"one", b"two"):
        with replacing(path) as file:
            file.write(text)
            (temporary,) = tmp_path.glob(".*.tmp")
            assert len(os.fsencode(temporary.name)) <= 255
    assert path.read_bytes() == b"two"
    # One that a killed process left is known by its name, and swept away.
    temporary.with_name(temporary.name.replace(str(os.getpid()), "7")).touch()
    (abandoned,) = tmp_path.glob(".*.tmp")
    os.utime(abandoned, (time.time() - 7200,) * 2)
    with replacing(path):
        pass
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "disk full"),
        (errno.EDQUOT, "disk quota used up"),
        (errno.EACCES, "Permission denied"),
    ],
)
def test_what_is_wrong_comes_first_and_in_words(tmp_path, number, words):
    path = tmp_path / "file.txt"
    message = rf"^{words}: could not write {path}"
    with pytest.raises(OSError, match=message) as caught, replacing(path):
        raise OSError(number, os.strerror(number), "a temporary name")
    assert caught.value.errno == number
    assert "temporary" not in str(caught.value)


@pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="no disk that is always full"
)
def test_a_disk_that_fills_up_under_torch_is_told_as_a_full_disk(tmp_path):
    path = tmp_path / "last.pt"
    (tmp_path / f".last.pt.{os.getpid()}.tmp").symlink_to("/dev/full")
    message = r"^disk full: could not write .*last.pt"
    with pytest.raises(OSError, match=message) as caught, replacing(path) as file:
        torch.save({"x": torch.zeros(50_000)}, file)
    assert caught.value.errno == errno.ENOSPC
    assert not list(tmp_path.iterdir())


# ------------------------------------------------------------ one at a time


def hold_for_ever(path, inside):
    with exclusive(path, "working"):
        inside.set()
        time.sleep(60)


@pytest.fixture
def holder(tmp_path):
    """Another process that is inside."""
    context = multiprocessing.get_context("fork")
    inside = context.Event()
    process = context.Process(target=hold_for_ever, args=(tmp_path / "x.lock", inside))
    process.start()
    assert inside.wait(timeout=10)
    yield process
    process.kill()
    process.join()


def test_the_second_waits_and_says_for_what(tmp_path, capsys):
    path, order = tmp_path / "x.lock", []

    def second():
        with exclusive(path, "working"):
            order.append("second")

    with exclusive(path, "working"):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.3)
        order.append("first")
    thread.join(timeout=10)
    assert order == ["first", "second"]
    assert "another process is working; waiting" in capsys.readouterr().out


@pytest.mark.usefixtures("holder")
def test_or_it_does_not_wait(tmp_path):
    message = "^another process is training in x: wait until it ends"
    began = time.monotonic()
    entering = exclusive(tmp_path / "x.lock", "training in x", wait=False)
    with pytest.raises(BlockingIOError, match=message), entering:
        pass
    assert time.monotonic() - began < 1


def test_a_killed_holder_blocks_nobody(tmp_path, capsys, holder):
    threading.Timer(0.3, os.kill, (holder.pid, signal.SIGKILL)).start()
    with exclusive(tmp_path / "x.lock", "working"):
        pass
    assert "another process is working" in capsys.readouterr().out


def test_who_is_inside_may_enter_again_by_any_way_of_naming_the_place(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with exclusive(tmp_path / "x.lock", "working"):
        with exclusive(Path("x.lock"), "working", wait=False):
            pass
        assert refused(tmp_path / "x.lock"), "leaving once is not leaving"
    assert not refused(tmp_path / "x.lock")


def refused(path):
    """Whether another would be: here a second thread."""
    found = []

    def enter():
        try:
            with exclusive(path, "working", wait=False):
                found.append(False)
        except BlockingIOError:
            found.append(True)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    return found == [True]


def test_a_place_that_cannot_be_written_is_told_in_words(tmp_path):
    (tmp_path / "file").touch()
    message = r"^(Not a directory|File exists): could not write"
    entering = exclusive(tmp_path / "file" / "x.lock", "working")
    with pytest.raises(OSError, match=message), entering:
        pass
