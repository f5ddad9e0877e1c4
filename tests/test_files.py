"""Writing all or nothing; the failures are tried in training/test_checkpoints.py."""

import os
import time

import pytest

from colorize_lib.files import replacing


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
