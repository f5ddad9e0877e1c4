"""Splits: disjoint, complete, stable, without leaks, and the recipes of the book."""

from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorize_lib.photos.splits import draw, split


@dataclass(frozen=True)
class Pictures:
    names: tuple
    groups: tuple


def singles(count):
    names = tuple(f"{i:05d}.jpg" for i in range(count))
    return Pictures(names, names)


def people(*counts):
    groups = [f"person{i}" for i, count in enumerate(counts) for _ in range(count)]
    return Pictures(tuple(f"{g}_{i}.jpg" for i, g in enumerate(groups)), tuple(groups))


grouped = st.lists(st.integers(1, 6), min_size=10, max_size=40).map(
    lambda counts: people(*counts)
)
parts_of = ("train", "validation", "test")


# ------------------------------------------------------------ properties


@given(grouped, st.integers(0, 2**31))
def test_fractions_of_one_cover_everything_once_and_split_no_group(pictures, seed):
    parts = split(pictures, seed=seed, train=0.6, validation=0.2, test=0.2)
    names = parts.train + parts.validation + parts.test
    assert sorted(names) == sorted(pictures.names)
    assert len(set(names)) == len(names)
    group_of = dict(zip(pictures.names, pictures.groups, strict=True))
    groups = [{group_of[name] for name in getattr(parts, part)} for part in parts_of]
    assert sum(map(len, groups)) == len(set(pictures.groups))
    for part in parts_of:
        assert getattr(parts, part) == tuple(sorted(getattr(parts, part)))


@given(st.data(), st.integers(0, 2**31))
def test_the_order_of_the_input_does_not_matter(data, seed):
    pictures = data.draw(grouped)
    order = data.draw(st.permutations(range(len(pictures.names))))
    shuffled = Pictures(
        tuple(pictures.names[i] for i in order),
        tuple(pictures.groups[i] for i in order),
    )
    amounts = {"seed": seed, "train": 0.5, "validation": 0.3}
    assert split(pictures, **amounts) == split(shuffled, **amounts)


@given(
    st.integers(1, 30), st.integers(0, 10), st.integers(0, 10), st.integers(0, 2**31)
)
def test_counts_are_met_exactly(train, validation, test, seed):
    parts = split(singles(60), seed=seed, train=train, validation=validation, test=test)
    sizes = [len(part) for part in (parts.train, parts.validation, parts.test)]
    assert sizes == [train, validation, test]
    assert len({*parts.train, *parts.validation, *parts.test}) == sum(sizes)


@given(grouped, st.integers(0, 2**31))
def test_counts_split_no_group(pictures, seed):
    parts = split(
        pictures, seed=seed, train="rest", test=min(Counter(pictures.groups).values())
    )
    group_of = dict(zip(pictures.names, pictures.groups, strict=True))
    assert not {group_of[n] for n in parts.train} & {group_of[n] for n in parts.test}
    assert sorted(parts.train + parts.test) == sorted(pictures.names)


DRAWN_WITH_SEED_7 = ("00001.jpg", "00002.jpg", "00003.jpg", "00004.jpg", "00013.jpg")


def test_the_same_on_every_machine_for_ever():
    # SHA-256 of "7:00000.jpg" and so on, sorted. A change here changes all splits.
    assert draw(singles(20), 5, seed=7) == DRAWN_WITH_SEED_7
    assert draw(singles(20), 5, seed=8) != DRAWN_WITH_SEED_7


def test_more_than_there_are_is_all_of_them():
    assert draw(singles(20), 256, seed=7) == singles(20).names


def test_removing_a_picture_keeps_the_order_of_the_others():
    pictures = singles(50)
    before = set(draw(pictures, 20, seed=1))
    gone = min(before)
    names = tuple(name for name in pictures.names if name != gone)
    fewer = Pictures(names, names)
    assert before - set(draw(fewer, 20, seed=1)) == {gone}


def test_a_share_is_a_share_of_the_persons():
    crowd = people(*[1] * 8, 500, 500)
    parts = split(crowd, seed=3, train=0.8, test=0.2)
    assert len({name.split("_")[0] for name in parts.test}) == 2


# ------------------------------------------------------------ the book's recipes


def test_coco_ten_thousand_drawn_then_split():
    pictures = singles(21_837)
    parts = split(pictures, seed=123, train=8_000, validation=1_000, test=1_000)
    drawn = draw(pictures, 10_000, seed=123)
    assert sorted(parts.train + parts.validation + parts.test) == list(drawn)


def test_landscapes_three_thousand_and_the_rest():
    parts = split(singles(4_319), seed=42, train=3_000, validation="rest")
    assert (len(parts.train), len(parts.validation), parts.test) == (3_000, 1_319, ())


def test_flowers_seventy_fifteen_fifteen():
    parts = split(singles(8_189), seed=0, train=0.70, validation=0.15, test=0.15)
    sizes = (len(parts.train), len(parts.validation), len(parts.test))
    assert sizes == (5_732, 1_229, 1_228)


def test_faces_eighty_twenty_of_the_persons_in_1920_pictures():
    crowd = people(*[1] * 1000, *[3] * 300, *[40] * 20)
    chosen = set(draw(crowd, 1_920, seed=5))
    assert len(chosen) == 1_920
    everyone = zip(crowd.names, crowd.groups, strict=True)
    pairs = [pair for pair in everyone if pair[0] in chosen]
    drawn = Pictures(*zip(*pairs, strict=True))
    parts = split(drawn, seed=5, train=0.8, test=0.2)
    persons = [
        {name.split("_")[0] for name in part} for part in (parts.train, parts.test)
    ]
    assert not persons[0] & persons[1]
    assert abs(len(persons[0]) / sum(map(len, persons)) - 0.8) < 0.001


# ------------------------------------------------------------ errors


def test_too_few_with_the_numbers():
    with pytest.raises(
        ValueError, match=r"train 8,000 \+ validation 1,000 pictures wanted, 265 there"
    ):
        split(singles(265), seed=1, train=8_000, validation=1_000)


def test_a_count_that_only_a_split_group_could_fill():
    with pytest.raises(ValueError, match="train is 1 pictures short"):
        split(people(2, 2, 2), seed=1, train=3)


@pytest.mark.parametrize(
    "amounts",
    [
        {"train": -1}, {"train": 1.5}, {"train": "most"}, {"train": -0.1, "test": 0.5},
        {"train": 0.8, "test": 0.3}, {"train": 0.8, "test": 100},
        {"train": 0.5, "test": "rest"}, {"train": "rest", "test": "rest"},
    ],
)  # fmt: skip
def test_amounts_that_make_no_sense(amounts):
    with pytest.raises(ValueError, match="must"):
        split(singles(20), seed=1, **amounts)


def test_a_share_that_comes_to_nothing():
    with pytest.raises(ValueError, match=r"test: 0.01 of 10 groups is none"):
        split(singles(10), seed=1, train=0.99, test=0.01)
