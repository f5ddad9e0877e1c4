"""Drawn scenes as photographs."""

import torch

from colorize_lib.color import lab_to_rgb, reduce_chroma, rgb_to_uint8
from colorize_lib.photos import prepare
from colorize_lib.photos.drawn import drawn_photographs
from colorize_lib.scenes import draw_scenes


def test_the_files_show_the_scenes(tmp_path, monkeypatch):
    monkeypatch.setenv("COLORIZE_CACHE", str(tmp_path))
    source = drawn_photographs(103, 64)
    assert len(source) == 103
    pictures = prepare(source, 64, folder=tmp_path, verbose=False)
    for number in (0, 102):
        lab = draw_scenes(1, 64, start=number).lab[0]
        scene = rgb_to_uint8(lab_to_rgb(reduce_chroma(lab))).float()
        file = torch.from_numpy(pictures[number].copy()).float()
        assert (file - scene).abs().mean() < 6  # JPEG's error
        assert (file - scene.roll(8, -1)).abs().mean() > 12  # and it is no accident


def test_they_are_drawn_once(tmp_path, monkeypatch):
    monkeypatch.setenv("COLORIZE_CACHE", str(tmp_path))
    drawn_photographs(2, 32)
    (archive,) = tmp_path.iterdir()
    before = archive.stat()
    assert drawn_photographs(2, 32).names == ("00000.jpg", "00001.jpg")
    assert archive.stat() == before
