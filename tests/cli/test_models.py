import contextlib
import io
import sys

import pytest
from torch import nn

from colorize_lib import cli
from colorize_lib.cli import models
from colorize_lib.models import COLORIZERS


@pytest.fixture(scope="module")
def table():
    """The table, without the receptive fields, which take a minute."""
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
        patch.setattr(models, "_field", lambda network, listed: 7)
        assert cli.main(["models"]) == 0
    heading, *lines = out.getvalue().splitlines()
    assert heading.split()[0] == "network"
    return {line.split()[0]: line.split()[1:] for line in lines}


def test_every_network_is_listed(table):
    assert COLORIZERS.keys() <= table.keys()


@pytest.mark.parametrize(
    ("name", "trained", "frozen"),
    [
        ("autoencoder", 4_756_770, 0),
        ("fusion", 7_075_922, 55_843_464),
        ("unet_pix2pix", 54_409_858, 0),
        ("unet_squeezenet", 2_828_162, 722_496),
        ("unet_efficientnet_lite", 1_753_122, 2_958_848),
        ("unet_squeezenet_classes", 2_828_162 + 259 * 25, 722_496),
        ("patchgan", 2_765_633, 0),
        ("patchgan_no_norm", 2_764_737, 0),
    ],
)
def test_the_counts_of_the_sources(table, name, trained, frozen):
    assert table[name][:2] == [f"{trained:,}", f"{frozen:,}"]


def test_a_fusion_is_stored_without_its_classifier(table):
    fusions = [row for name, row in table.items() if name.startswith("fusion")]
    assert {megabytes for _, _, megabytes, *_ in fusions} == {"14.2"}
    assert table["fusion"][3] == "all"


def test_multiplications_by_hand():
    # 3 x 3 x 2 weights at 32 x 32 places, twice.
    make = lambda: nn.Sequential(  # noqa: E731
        nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(2, 1, 3, padding=1)
    )
    listed = models.Listed(make, 32, 1)
    assert models._multiplications(make(), listed) == 2 * 18 * 32**2
    assert models.describe(listed) == ("39", "0", "0.0", "5", "0.00")


def test_without_timm_the_row_says_so(monkeypatch, capsys):
    monkeypatch.setattr(models, "_field", lambda network, listed: 7)
    monkeypatch.setitem(sys.modules, "timm", None)
    assert cli.main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (row,) = [line for line in lines if line.startswith("fusion ")]
    assert "pip install timm" in row
    assert any(line.startswith("patchgan ") for line in lines)
