import matplotlib.pyplot as plt
import pytest
import torch
from torch import nn

from colorize_lib.models import (
    FusionAutoencoder,
    PatchGAN,
    Pix2PixUNet,
    UNet,
    resnet18_unet,
    squeezenet_unet,
)
from colorize_lib.notebook.diagrams import draw_network, trace_maps

L = torch.zeros(1, 1, 64, 64)


@pytest.fixture(autouse=True)
def _close_figures(monkeypatch):
    monkeypatch.setattr(plt, "show", lambda: None)
    yield
    plt.close("all")


def short(maps):
    return [(m.size[0], m.channels[-1], m.carried_from) for m in maps]


def test_a_small_unet_by_hand():
    assert short(trace_maps(UNet((4, 8, 16)), L)) == [
        (64, 1, []),
        (64, 4, []),
        (32, 8, []),
        (16, 16, []),
        (32, 8, [2]),
        (64, 2, [1]),
    ]


def test_convolutions_are_counted():
    network = Pix2PixUNet((4, 8, 16))
    maps = trace_maps(network, L)
    layers = (nn.Conv2d, nn.ConvTranspose2d)
    expected = sum(isinstance(m, layers) for m in network.modules())
    assert sum(m.convolutions for m in maps) == expected
    assert [m.made_from for m in maps] == [None, *range(len(maps) - 1)]


def test_what_is_frozen_is_told_from_what_is_trained():
    network = squeezenet_unet()
    assert not any(m.frozen for m in trace_maps(network, L))
    network.encoder.freeze()
    frozen = [(m.size[0], m.channels[-1]) for m in trace_maps(network, L) if m.frozen]
    assert frozen == [(64, 64), (32, 128), (16, 256), (8, 512)]


def test_an_input_stays_what_it_is_though_a_copy_of_it_is_repeated():
    first, gray, *_ = trace_maps(squeezenet_unet(), L)
    assert (first.channels, gray.channels) == ([1], [3])
    assert gray.size == (129, 129)


def test_the_shortcuts_of_residual_blocks_are_no_skips():
    maps = trace_maps(resnet18_unet(), L)
    assert [m.carried_from for m in maps if m.carried_from] == [[4], [3], [2], [1], [0]]


def test_logits_enter_where_they_are_concatenated():
    network = FusionAutoencoder(nn.Identity(), outputs=10)
    maps = trace_maps(network, L, torch.zeros(1, 10))
    assert short(maps)[:2] == [(64, 1, []), (0, 10, [])]
    (fused,) = [m for m in maps if m.carried_from]
    assert fused.size == (8, 8)
    assert fused.carried_from == [1]
    assert maps[2].made_from == 0  # of l, not of the logits


def test_two_inputs_become_one():
    maps = trace_maps(PatchGAN(), L, torch.zeros(1, 2, 64, 64))
    assert {maps[2].made_from, *maps[2].carried_from} == {0, 1}
    assert [m.size[0] for m in maps] == [64, 64, 32, 16, 8, 7, 6]


@pytest.mark.parametrize("widths", [(4, 8), (4, 8, 16, 32)])
def test_the_drawing_has_a_box_for_each_and_an_arrow_between(widths):
    network = UNet(widths)
    figure = draw_network(network, L)
    (axes,) = figure.axes
    maps = trace_maps(network, L)
    assert len(axes.patches) == len(maps)
    arrows = sum(len(m.carried_from) for m in maps) + len(maps) - 1
    assert sum(
        hasattr(t, "arrow_patch") and t.get_text() == "" for t in axes.texts
    ) == (arrows)
