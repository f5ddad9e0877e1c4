"""Schedules: by hand, and their shape for any number of steps."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from colorize_lib.training.schedules import hold_then_fall, one_cycle


@pytest.mark.parametrize(
    ("steps", "step", "share"),
    [
        (20, 0, 0.5),  # a tenth of the steps: two
        (20, 1, 1),
        (20, 2, 1),
        (20, 8, 0.75),  # a third of the way down: cos 60 degrees
        (20, 11, 0.5),
        (20, 14, 0.25),
        (20, 20, 0),
        (400, 9, 0.25),
        (5, 0, 1),  # too few for a rise
        (1, 0, 1),
    ],
)
def test_one_cycle_by_hand(steps, step, share):
    assert one_cycle(steps, step) == pytest.approx(share, abs=1e-12)


@given(st.integers(1, 2000))
def test_one_cycle_rises_to_its_peak_then_falls_to_nothing(steps):
    shares = [one_cycle(steps, step) for step in range(steps)]
    peak = shares.index(1.0)
    assert peak <= steps / 10
    assert shares[: peak + 1] == sorted(shares[: peak + 1])
    assert shares[peak:] == sorted(shares[peak:], reverse=True)
    assert min(shares) > 0
    if steps > 1:
        assert one_cycle(steps, steps) == pytest.approx(0, abs=1e-12)


@given(st.integers(2, 2000), st.data())
def test_one_cycle_never_jumps_down(steps, data):
    step = data.draw(st.integers(0, steps - 1))
    rise = max(1, steps // 10)
    assume(step >= rise)
    steepest = math.pi / 2 / (steps - rise)
    fall = one_cycle(steps, step) - one_cycle(steps, step + 1)
    assert 0 <= fall <= steepest + 1e-12


@pytest.mark.parametrize(
    ("steps", "step", "share"),
    [
        (10, 0, 1),
        (10, 5, 1),
        (10, 6, 0.8),
        (10, 9, 0.2),
        (10, 10, 0),
        (1, 0, 1),
        (0, 0, 0),
        (10, 12, 0),  # never uphill
    ],
)
def test_hold_then_fall_by_hand(steps, step, share):
    assert hold_then_fall(steps, step) == pytest.approx(share, abs=1e-12)


@given(st.integers(1, 2000))
def test_hold_then_fall_never_rises_and_ends_at_nothing(steps):
    shares = [hold_then_fall(steps, step) for step in range(steps + 1)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == 1
    assert shares[-1] == 0
