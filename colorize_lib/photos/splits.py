"""Train, validation, test: seeded, disjoint, without leaks, the same on any machine.

Groups are put in the order of the SHA-256 of ``"{seed}:{group}"``. That depends on
nothing else: not on the order in which pictures were listed, nor on a random number
generator whose stream a new release may change. A set from which pictures are removed
keeps the order of the others.

Everything here works on names, which are the same at every size: split once, then
``subset`` at 64, 128 and 256 pixels. Splitting again at another size can differ,
because pictures that are different at 256 pixels may be duplicates at 64, and then a
network has seen at one size what tests it at the other.
"""

from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate
from typing import Literal, Protocol

Amount = int | float | Literal["rest"]


class Grouped(Protocol):
    """What can be split: it has a name and a group for each picture.

    A Source or a PreparedSet. Prefer the PreparedSet: only there are duplicates known,
    and kept on one side.
    """

    names: tuple[str, ...]
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Split:
    """The names of three disjoint parts, each sorted.

    No group has pictures in two of them.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...] = ()


def split(
    pictures: Grouped,
    *,
    seed: int,
    train: Amount,
    validation: Amount = 0,
    test: Amount = 0,
) -> Split:
    """Split pictures into three parts without splitting a group.

    The amounts are all whole numbers: so many PICTURES, taken in the order train,
    validation, test, one of them ``"rest"`` if you like. Or all are fractions: such a
    share of the GROUPS (of the persons, not of their pictures). What is left over
    belongs to no part. With pictures that are groups of their own,
    ``split(p, seed=123, train=8000, validation=1000, test=1000)`` equals drawing 10,000
    and then splitting.

    Args:
        pictures: a PreparedSet, or a Source.
        seed: another seed, another split.
        train: the amount to learn from.
        validation: the amount to choose settings by.
        test: the amount to report scores on.

    Raises:
        ValueError: more wanted than there is, with the numbers; or a mixture of the two
            kinds of amounts.
    """
    wanted = {"train": train, "validation": validation, "test": test}
    members = _members(pictures)
    order = _shuffled(members, seed)
    if any(isinstance(amount, float) for amount in wanted.values()):
        parts = _by_share(order, wanted)
    else:
        parts = _by_count(order, members, wanted)
    return Split(
        *(
            tuple(sorted(name for group in part for name in members[group]))
            for part in parts
        )
    )


def draw(pictures: Grouped, count: int, *, seed: int) -> tuple[str, ...]:
    """The sorted names of ``count`` pictures, or of all if there are no more.

    They are taken in whole groups, the first ones in the order of :func:`split`.
    """
    return split(pictures, seed=seed, train=min(count, len(pictures.names))).train


# ------------------------------------------------------------ parts


def _members(pictures):
    members = {}
    for name, group in zip(pictures.names, pictures.groups, strict=True):
        members.setdefault(group, []).append(name)
    return members


def _shuffled(groups, seed):
    return sorted(groups, key=lambda group: sha256(f"{seed}:{group}".encode()).digest())


def _by_share(order, wanted):
    shares = [amount for amount in wanted.values() if amount != 0]
    in_range = all(isinstance(share, float) and 0 < share <= 1 for share in shares)
    if not in_range or sum(shares) > 1 + 1e-9:
        raise ValueError(
            "fractions must lie in 0..1 and add up to at most 1, "
            f"without counts between: {wanted}"
        )
    # Rounding the boundaries, not the parts: 70/15/15 of 8,189 then adds up to 8,189.
    ends = [round(len(order) * end) for end in accumulate(wanted.values())]
    parts = [order[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    for (name, share), part in zip(wanted.items(), parts, strict=True):
        if share and not part:
            raise ValueError(
                f"{name}: {share:g} of {len(order)} groups is none; "
                "give more pictures or a larger share"
            )
    return parts


def _by_count(order, members, wanted):
    counts = {name: amount for name, amount in wanted.items() if amount != "rest"}
    in_range = all(isinstance(count, int) and count >= 0 for count in counts.values())
    if not in_range or len(counts) < 2:
        raise ValueError(
            'amounts must be whole numbers, at most one of them "rest", '
            f"or all fractions: {wanted}"
        )
    available = sum(len(members[group]) for group in order)
    if sum(counts.values()) > available:
        listed = " + ".join(
            f"{name} {count:,}" for name, count in counts.items() if count
        )
        raise ValueError(
            f"{listed} pictures wanted, {available:,} there; "
            "get more, or give fractions (train=.8)"
        )
    parts = {}
    for name, count in counts.items():
        parts[name], order = _take(order, members, count, name)
    return [parts.get(name, order) for name in wanted]


def _take(order, members, count, name):
    """The first groups that fit into ``count`` pictures, and the others."""
    taken, left = [], []
    for group in order:
        # One too large is passed over, and the next is tried.
        fits = len(members[group]) <= count
        (taken if fits else left).append(group)
        count -= len(members[group]) if fits else 0
    if count:
        raise ValueError(
            f"{name} is {count} pictures short, and every group left has more: "
            "change its count, because a group is never split"
        )
    return taken, left
