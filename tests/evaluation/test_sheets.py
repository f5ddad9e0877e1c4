"""Contact sheets: which pictures they draw, and that every one is there, unchanged."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from colorize_lib.evaluation.sheets import (
    SIDE,
    contact_sheet,
    random_failures,
    random_rows,
    reduced,
)


@given(st.integers(1, 200), st.integers(1, 60), st.integers(0, 99))
def test_rows_are_drawn_without_repetition_and_again_by_the_same_seed(n, most, seed):
    rows = random_rows(n, most, seed=seed)
    assert len(rows) == len(set(rows.tolist())) == min(n, most)
    assert rows.tolist() == sorted(rows.tolist())
    assert 0 <= rows.min() <= rows.max() < n
    assert torch.equal(rows, random_rows(n, most, seed=seed))


@given(st.integers(1, 120), st.integers(1, 30), st.integers(0, 99))
def test_failures_are_of_the_worst_tenth_the_worst_first(n, most, seed):
    errors = torch.randperm(n, generator=torch.Generator().manual_seed(n)).float()
    failures = random_failures(errors, most, seed=seed)
    assert len(failures) == min(most, -(-n // 10))
    worst = set(errors.argsort(descending=True)[: -(-n // 10)].tolist())
    assert set(failures.tolist()) <= worst
    drawn = errors[failures].tolist()
    assert drawn == sorted(drawn, reverse=True)


def test_failures_are_a_draw_not_the_very_worst():
    errors = torch.arange(500.0)
    draws = {tuple(random_failures(errors, 5, seed=seed).tolist()) for seed in range(5)}
    assert len(draws) == 5


def test_pictures_are_reduced_whole():
    halves = torch.zeros(1, 3, 256, 256, dtype=torch.uint8)
    halves[..., 128:] = 200
    small = reduced(halves)
    assert small.shape == (1, 3, SIDE, SIDE)
    assert small[0, 0, :, : SIDE // 2 - 2].max() == 0
    assert small[0, 0, :, SIDE // 2 + 2 :].min() == 200


def plain(count, seed):
    """Pictures of one color each, all different."""
    codes = np.random.default_rng(seed).choice(250, (count, 3), replace=False)
    return torch.tensor(codes, dtype=torch.uint8)[:, :, None, None].expand(
        -1, -1, 20, 20
    )


@pytest.mark.parametrize("count", [1, 7, 50])
def test_every_picture_is_on_the_sheet_in_order(count):
    pictures = {name: plain(count, seed) for seed, name in enumerate(("a", "b", "c"))}
    notes = {name: [f"{name}{row}" for row in range(count)] for name in pictures}
    sheet = contact_sheet(pictures, notes, title="nothing but plain colors")
    pixels = np.asarray(sheet)
    assert pixels.shape[1] < 3 * pixels.shape[0] < 12 * pixels.shape[1]
    places = {}
    for name, some in pictures.items():
        for row, picture in enumerate(some):
            same = (pixels == picture[:, 0, 0].numpy()).all(axis=2)
            top, left = np.argwhere(same)[0]
            assert same[top : top + 20, left : left + 20].all()
            places[name, row] = (top, left)
    for row in range(count):
        top, left = places["a", row]
        assert places["b", row] == (top, left + 20)
        assert places["c", row] == (top, left + 40)
    in_order = [places["a", row][::-1] for row in range(count)]
    assert in_order == sorted(in_order), "down a column, then the next"


def test_notes_titles_and_names_leave_ink():
    picture = {"a": plain(1, 0)}
    blank = np.asarray(contact_sheet({"": plain(1, 0)}, {"": [""]}, title=""))
    noted = np.asarray(contact_sheet(picture, {"a": ["note"]}, title="title"))
    assert (noted < 128).sum() > (blank < 128).sum() + 30
    long = contact_sheet({"a" * 90: plain(1, 0)}, {"a" * 90: ["n" * 90]}, title="t")
    assert np.asarray(long).shape[1] == np.asarray(blank).shape[1]


def test_a_sheet_of_nothing():
    with pytest.raises(ValueError, match="no pictures"):
        contact_sheet({"a": plain(0, 0)}, {"a": []}, title="")
