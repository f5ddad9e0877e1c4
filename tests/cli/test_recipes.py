"""``colorize recipes``: all of them, as they are."""

import re

import pytest

from colorize_lib.cli import main
from colorize_lib.training.recipes import RECIPES


@pytest.fixture
def listed(capsys):
    assert main(["recipes"]) == 0
    return capsys.readouterr().out


def test_every_recipe_with_its_stages(listed):
    blocks = dict(zip(RECIPES, re.split(r"\n\n(?=[a-z0-9-]+\n)", listed), strict=True))
    for name, block in blocks.items():
        assert block.startswith(f"{name}\n")
        assert block.count("\n  - ") == len(RECIPES[name].stages)
        assert RECIPES[name].network in block
        assert " ".join(RECIPES[name].about.split()) in " ".join(block.split())


def test_a_game_is_told_from_a_regression(listed):
    assert "3 epochs at 48 px, batches of 16, learning rate 0.0002, pix2pix" in listed
    assert "critic to generator 1 : 2, with 100 x L1 (for 128 px)" in listed
    assert "50 epochs at 224 px, batches of 48, learning rate 0.001, L2" in listed
