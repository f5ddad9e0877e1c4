"""Reports: what is drawn, what is logged, and which troubles are named in words."""

import sys

import pytest
import torch
from PIL import Image
from torch import nn

from colorize_lib.training.reports import Reports, warnings_of

FINE = {
    "epoch": 3,
    "discriminator": 0.5,
    "colorfulness": 20.0,
    "penalty": 0.1,
    "l1": 0.1,
}


class Gray(nn.Module):
    """Leaves every picture gray."""

    def __init__(self):
        super().__init__()
        self.zero = nn.Parameter(torch.zeros(()))

    def forward(self, l):
        return self.zero * l.expand(-1, 2, -1, -1)


@pytest.mark.parametrize(
    ("earlier", "line", "told"),
    [
        ([{"colorfulness": 20.0}], {}, None),
        ([], {"discriminator": 0.01}, "epoch 3: the discriminator is hardly ever"),
        ([], {"colorfulness": 2.0}, "epoch 3: the color is going"),
        ([{"colorfulness": 70.0}], {}, "mean colorfulness 20.0"),
        ([], {"penalty": 1.7}, "epoch 3: the critic's slope is far from 1"),
    ],
)
def test_trouble_is_named_with_its_remedies(earlier, line, told):
    found = warnings_of([*earlier, FINE | line])
    assert len(found) == (told is not None)
    if told:
        assert told in found[0]
        assert "The usual remedies: " in found[0]


def test_the_same_pictures_above_and_below_as_the_network_colors_them(tmp_path, capsys):
    pictures = torch.randint(0, 256, (3, 3, 64, 64), dtype=torch.uint8)
    reports = Reports(tmp_path / "run", pictures, size=32)
    reports(Gray(), [FINE | {"colorfulness": 0.1}])
    assert "the color is going" in capsys.readouterr().err
    drawn = Image.open(tmp_path / "run" / "epoch-003.png")
    assert drawn.size == (3 * 66 + 2, 2 * 66 + 2)
    above = drawn.crop((2, 2, 66, 66)).get_flattened_data()
    assert list(above) == [tuple(x) for x in pictures[0].flatten(1).T.tolist()]
    below = drawn.crop((2, 68, 66, 132)).get_flattened_data()
    assert all(max(rgb) - min(rgb) <= 1 for rgb in below)


def test_curves_for_tensorboard_where_it_is_installed(tmp_path):
    pytest.importorskip("tensorboard", reason="an extra of the book's own tools")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    reports = Reports(tmp_path, torch.zeros(1, 3, 32, 32, dtype=torch.uint8), size=32)
    for epoch in (1, 2):
        reports(Gray(), [FINE | {"epoch": epoch, "l1": epoch / 10}])
    log = EventAccumulator(str(tmp_path / "tensorboard"))
    log.Reload()
    curve = [(event.step, event.value) for event in log.Scalars("l1")]
    assert curve == [(1, pytest.approx(0.1)), (2, pytest.approx(0.2))]


def test_without_tensorboard_there_is_no_log_and_no_error(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    reports = Reports(tmp_path, torch.zeros(1, 3, 32, 32, dtype=torch.uint8), size=32)
    reports(Gray(), [FINE])
    assert [path.name for path in tmp_path.iterdir()] == ["epoch-003.png"]
