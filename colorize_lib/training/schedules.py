"""How the learning rate changes during a training."""

import math


def one_cycle(steps: int, step: int) -> float:
    """The learning rate, as a share of its peak: a linear rise, then half a cosine.

    The rise over the first tenth spares fresh weights the largest steps; the long way
    down to zero averages out what single batches pull at. After Smith and Topin, 2018.
    """
    rise = max(1, steps // 10)
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def hold_then_fall(steps: int, step: int) -> float:
    """The learning rate, as a share of its first value, which it keeps for a while.

    After half of the steps it falls in a straight line, to zero at the end: no player
    may settle while the other still moves. As in pix2pix's own code.
    """
    return max(0.0, min(1.0, 2 * (steps - step) / max(1, steps)))
