"""Writing all or nothing; the failures are tried in training/test_checkpoints.py."""

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
