import sys

import pytest

from colorize_lib import cli
from colorize_lib.models import COLORIZERS


@pytest.fixture(scope="module")
def table():
    with pytest.MonkeyPatch.context() as patch:
        lines = []
        patch.setattr("builtins.print", lambda line, **_: lines.append(line))
        assert cli.main(["models"]) == 0
    return {line.split()[0]: line.split()[1:] for line in lines}


def test_every_network_is_listed(table):
    assert list(table) == ["network", *COLORIZERS]


@pytest.mark.parametrize(
    ("name", "trained", "frozen"),
    [
        ("autoencoder", 4_756_770, 0),
        ("fusion", 7_075_922, 55_843_464),
        ("unet_pix2pix", 54_409_858, 0),
        ("unet_squeezenet", 2_828_162, 722_496),
        ("unet_efficientnet_lite", 1_753_122, 2_958_848),
        ("unet_efficientnet_lite_wide", 3_196_466, 2_958_848),
        ("unet_squeezenet_classes", 2_828_162 + 259 * 25, 722_496),
    ],
)
def test_the_counts_of_the_sources(table, name, trained, frozen):
    assert table[name][:2] == [f"{trained:,}", f"{frozen:,}"]


def test_what_is_stored_is_named_with_its_size(table):
    assert table["unet_efficientnet_lite"][2:] == [
        "unet-efficientnet-lite",
        "(3.5",
        "MB)",
    ]
    assert table["unet_squeezenet"][2] == "pix2pix"


def test_without_timm_the_row_says_so(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "timm", None)
    assert cli.main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (row,) = [line for line in lines if line.startswith("fusion ")]
    assert "pip install timm" in row
    assert any(line.startswith("unet_pix2pix ") for line in lines)
