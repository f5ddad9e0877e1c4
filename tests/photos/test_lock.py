"""One at a time, and a dead holder blocks nobody."""

import multiprocessing
import os
import signal
import threading
import time

import pytest

from colorize_lib.photos.lock import alone


def hold_for_ever(path, inside):
    with alone(path, "working"):
        inside.set()
        time.sleep(60)


def test_the_second_says_who_the_first_is_and_waits(tmp_path, capsys):
    path, order = tmp_path / "x.lock", []

    def second():
        with alone(path, "working"):
            order.append("second")

    with alone(path, "working"):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.3)
        order.append("first")
    thread.join(timeout=10)
    assert order == ["first", "second"]
    assert f"process {os.getpid()} on " in capsys.readouterr().out


def test_a_killed_holder_blocks_nobody(tmp_path, capsys):
    context = multiprocessing.get_context("fork")
    inside = context.Event()
    holder = context.Process(target=hold_for_ever, args=(tmp_path / "x.lock", inside))
    holder.start()
    assert inside.wait(timeout=10)
    timer = threading.Timer(0.3, os.kill, (holder.pid, signal.SIGKILL))
    timer.start()
    with alone(tmp_path / "x.lock", "working"):
        pass
    holder.join()
    assert f"process {holder.pid} on " in capsys.readouterr().out


def test_it_opens_again_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), alone(tmp_path / "x.lock", "working"):
        raise ZeroDivisionError
    with alone(tmp_path / "x.lock", "working"):
        assert (tmp_path / "x.holder").exists()
    assert not (tmp_path / "x.holder").exists()
