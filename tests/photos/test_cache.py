"""Where things are kept."""

from pathlib import Path

import pooch

from colorize_lib.photos.cache import cache_folder


def test_the_variable_decides(monkeypatch):
    monkeypatch.setenv("COLORIZE_CACHE", "~/somewhere")
    assert cache_folder() == Path.home() / "somewhere"


def test_else_the_users_cache(monkeypatch):
    monkeypatch.delenv("COLORIZE_CACHE")
    assert cache_folder() == Path(pooch.os_cache("colorize"))
