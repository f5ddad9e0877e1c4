"""What training may see: three parts, no photograph in two of them, at any size."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from colorize_lib.photos import collection as training_data
from colorize_lib.photos import from_path
from colorize_lib.photos.collection import LOOK_ALIKE, Pictures

COUNT, VALIDATION, TEST = 24, 4, 5


@pytest.fixture
def data(tmp_path, write_photos):
    return write_photos(tmp_path / "data", COUNT)


@pytest.fixture
def pictures(tmp_path, data):
    """A function: the collections of a test, with what the test adds to them."""

    def make(**more):
        more = {
            part: [from_path(folder) for folder in folders]
            for part, folders in more.items()
        }
        amounts = {"validation": VALIDATION, "test": TEST}
        prepared = tmp_path / "prepared"
        return Pictures(
            **{"data": [from_path(data)], **more}, **amounts, folder=prepared
        )

    return make


def held_out(pictures):
    return {*pictures.split.validation, *pictures.split.test}


def copy_again(photo, path, size=(70, 60), quality=70):
    """As it would lie in another collection: smaller, compressed again, renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.open(photo).convert("RGB").resize(size).save(path, quality=quality)


def file_of(name, data):
    return data.parent / name


# ------------------------------------------------------------ the parts


def test_three_parts_that_share_nothing_and_leave_nothing_out(pictures):
    whole = pictures()
    parts = whole.split
    assert (len(parts.validation), len(parts.test)) == (VALIDATION, TEST)
    everything = [*parts.train, *parts.validation, *parts.test]
    assert len(set(everything)) == len(everything) == COUNT
    assert set(whole.for_training(32).names) == set(parts.train)
    assert set(whole.held_out("validation", 32).names) == set(parts.validation)
    assert set(whole.held_out("test", 32).names) == set(parts.test)


def test_the_parts_are_the_same_at_every_size_and_in_every_run(pictures):
    one, two = pictures(), pictures()
    assert one.split == two.split
    for size in (32, 48):
        assert one.held_out("test", size).names == two.held_out("test", 64).names
        assert set(one.for_training(size).names) == set(two.for_training(64).names)


def test_another_seed_is_another_split(tmp_path, data):
    common = {"data": [from_path(data)], "folder": tmp_path / "prepared"}
    amounts = {"validation": VALIDATION, "test": TEST}
    seeds = [Pictures(**common, **amounts, seed=seed).split for seed in (0, 1)]
    assert set(seeds[0].test) != set(seeds[1].test)


def test_other_collections_do_not_move_the_split(pictures, tmp_path, write_photos):
    also = write_photos(tmp_path / "also", 6, seed=1)
    small = write_photos(tmp_path / "small", 5, seed=2)
    assert pictures(also=[also], small=[small]).split == pictures().split


@pytest.mark.parametrize(
    ("count", "validation", "test"),
    [
        *[(8, 1, 1), (9, 1, 1), (10, 1, 2), (24, 2, 4)],
        *[(1999, 199, 399), (2000, 200, 400), (9000, 200, 400)],
    ],
)
def test_by_default_a_tenth_and_a_fifth_but_never_too_many(
    monkeypatch, capsys, count, validation, test
):
    names = tuple(f"{number:04d}.png" for number in range(count))
    listed = SimpleNamespace(names=names, groups=names, for_training=lambda: names)
    monkeypatch.setattr(Pictures, "_prepared", lambda *_: listed)
    parts = Pictures(data=[]).split
    assert (len(parts.validation), len(parts.test)) == (validation, test)
    assert len(parts.train) == count - validation - test
    said = (
        f"held out of {count} photographs: {validation} to choose by, {test} to score"
    )
    told = capsys.readouterr().out
    assert (said in told) == (count < 2000)
    assert ("scores of so few say little" in told) == (test < 20)


@pytest.mark.parametrize("colors", [7, 0])
def test_too_few_photographs_are_refused_and_the_gray_ones_named(
    tmp_path, data, colors
):
    for path in sorted(data.iterdir())[colors:]:
        Image.open(path).convert("L").save(path)
    (data / "again.png").write_bytes((data / "00.png").read_bytes())
    few = Pictures([from_path(data)], folder=tmp_path / "prepared")
    reasons = (
        "17 are near gray and 1 are the same again" if colors else "25 are near gray"
    )
    with pytest.raises(
        ValueError, match="at least 8 are needed, one to choose"
    ) as told:
        few.for_training(32)
    start = f"{colors} photographs in color are too few (of 25, {reasons}): "
    assert str(told.value).startswith(start)


def test_where_all_that_a_part_has_is_near_gray_that_is_said(pictures, data):
    whole = pictures()
    for name in whole.split.validation:
        path = file_of(name, data)
        Image.open(path).convert("L").save(path)
    with pytest.raises(
        ValueError, match=r"no photograph held out for validation is left \(of 4, 4 are"
    ):
        pictures().held_out("validation", 32)
    for path in data.iterdir():
        Image.open(path).convert("L").save(path)
    with pytest.raises(
        ValueError, match=r"no photograph to learn from is left \(of 15, 15 are near gr"
    ):
        pictures().for_training(32)


def test_a_small_collection_needs_no_amounts(tmp_path, data):
    few = Pictures(data=[from_path(data)], folder=tmp_path / "prepared")
    sets = (
        few.for_training(32),
        few.held_out("validation", 32),
        few.held_out("test", 32),
    )
    assert [len(images) for images in sets] == [18, 2, 4]


@pytest.mark.parametrize(
    ("amounts", "held_out"),
    [
        ({"validation": 3}, (3, 4)),
        ({"test": 7}, (2, 7)),
        ({"validation": 0, "test": 0}, (0, 0)),
    ],
    ids=str,
)
def test_an_amount_that_is_given_is_the_amount(tmp_path, data, amounts, held_out):
    parts = Pictures([from_path(data)], folder=tmp_path / "prepared", **amounts).split
    assert (len(parts.validation), len(parts.test)) == held_out


@pytest.mark.parametrize(
    ("amounts", "held_out"),
    [((200, 400), (2, 4)), ((6, 7), (2, 4)), ((6, 6), (6, 6)), ((20, None), (2, 4))],
)
def test_more_to_hold_out_than_half_is_a_tenth_and_a_fifth_and_said(
    tmp_path, data, capsys, amounts, held_out
):
    common = {"folder": tmp_path / "prepared", "verbose": True}
    amounts = dict(zip(("validation", "test"), amounts, strict=True))
    parts = Pictures([from_path(data)], **common, **amounts).split
    assert (len(parts.validation), len(parts.test)) == held_out
    told = capsys.readouterr().out
    said = "held out of 24 photographs: 2 to choose by, 4 " in told
    assert said == (held_out == (2, 4))


# ------------------------------------------------------------ what is learned from


def test_training_has_a_margin_to_crop_from_and_held_out_pictures_none(pictures):
    whole = pictures()
    assert whole.for_training(64).shape[1:] == (3, 72, 72)
    assert whole.for_training(32).shape[1:] == (3, 36, 36)
    assert whole.for_training(48, small=True).shape[1:] == (3, 64, 64)
    assert whole.held_out("validation", 32).shape[1:] == (3, 32, 32)
    assert whole.held_out("test", 64).shape[1:] == (3, 64, 64)


def test_other_collections_are_for_training_and_small_ones_only_where_asked(
    pictures, tmp_path, write_photos
):
    also = write_photos(tmp_path / "also", 6, seed=1)
    small = write_photos(tmp_path / "small", 5, seed=2, size=(32, 32))
    whole = pictures(also=[also], small=[small])
    without, with_small = whole.for_training(32), whole.for_training(32, small=True)
    extra = {name for name in without.names if name not in whole.split.train}
    assert extra == {f"also/{number:02d}.png" for number in range(6)}
    assert set(with_small.names) - set(without.names) == {
        f"small/{number:02d}.png" for number in range(5)
    }
    for part in ("validation", "test"):
        assert set(whole.held_out(part, 32).names) == set(getattr(whole.split, part))


def test_near_gray_pictures_and_duplicates_are_not_learned_from(
    pictures, tmp_path, write_photos
):
    also = write_photos(tmp_path / "also", 2, seed=1)
    ramp = np.tile(np.arange(96, dtype=np.uint8) * 2, (80, 1))
    Image.fromarray(ramp).save(also / "gray.png")
    (also / "twin.png").write_bytes((also / "01.png").read_bytes())
    names = pictures(also=[also]).for_training(32).names
    assert {n for n in names if n.startswith("also")} == {"also/00.png", "also/01.png"}


def test_near_gray_pictures_are_not_scored_either(pictures, data):
    for number in range(COUNT):
        if number % 2:
            gray = Image.open(data / f"{number:02d}.png").convert("L")
            gray.save(data / f"{number:02d}.png")
    whole = pictures()
    kept = {name for name in held_out(whole) if int(name[-6:-4]) % 2 == 0}
    assert 0 < len(kept) < VALIDATION + TEST
    scored = [whole.held_out(part, 32).names for part in ("validation", "test")]
    assert {name for names in scored for name in names} == kept


# ------------------------------------------------------------ leaks


@pytest.mark.parametrize("part", ["validation", "test"])
@pytest.mark.parametrize("where", ["also", "small"])
def test_a_held_out_photograph_in_another_collection_is_not_learned_from(
    pictures, data, tmp_path, write_photos, part, where
):
    name = getattr(pictures().split, part)[0]
    other = write_photos(tmp_path / "other", 4, seed=1)
    copy_again(file_of(name, data), other / "leak.jpg")
    whole = pictures(**{where: [other]})
    assert whole.leaks == {"other/leak.jpg"}
    learned = set(whole.for_training(32, small=where == "small").names)
    assert "other/leak.jpg" not in learned
    assert {f"other/{number:02d}.png" for number in range(4)} <= learned
    assert name in whole.held_out(part, 32).names


def test_a_held_out_photograph_again_in_its_own_collection(pictures, data):
    originals = [data / f"{number:02d}.png" for number in range(COUNT)]
    for photo in originals:
        copy_again(photo, data / f"again-{photo.stem}.jpg")
    whole = pictures()
    here = held_out(whole)
    leaks = {
        name for name in whole.split.train if _original(name) in map(_original, here)
    }
    assert leaks
    assert whole.leaks == leaks
    assert not here & whole.leaks
    learned = set(whole.for_training(32).names)
    assert learned == set(whole.split.train) - leaks


def _original(name):
    return name[-6:-4]


def test_without_copies_nothing_leaks(pictures):
    assert pictures().leaks == frozenset()


def test_a_photograph_that_is_learned_from_may_come_twice(
    pictures, data, tmp_path, write_photos
):
    """Not a leak: no score depends on it."""
    name = pictures().split.train[0]
    other = write_photos(tmp_path / "other", 1, seed=1)
    copy_again(file_of(name, data), other / "again.jpg")
    whole = pictures(also=[other])
    assert {name, "other/again.jpg"} <= set(whole.for_training(32).names)


# ------------------------------------------------------------ opened once


def test_each_set_is_opened_once_however_often_it_is_asked_for(
    pictures, tmp_path, write_photos, monkeypatch
):
    small = write_photos(tmp_path / "small", 5, seed=2, size=(32, 32))
    opened, prepare = [], training_data.prepare

    def counted(source, size, **more):
        opened.append((source.name, size))
        return prepare(source, size, **more)

    monkeypatch.setattr(training_data, "prepare", counted)
    whole = pictures(small=[small])
    for _ in range(2):
        whole.for_training(36)
        whole.for_training(36, small=True)
        whole.held_out("validation", 32)
        whole.held_out("test", 32)
    assert len(opened) == len(set(opened)) == 5
    assert {size for _, size in opened} == {LOOK_ALIKE, 40, 48, 32}
    other = pictures(small=[small])
    other.held_out("test", 32)
    assert len(opened) == 7, "two collections share nothing"


# ------------------------------------------------------------ where it lies


def test_prepared_sets_lie_in_the_folder_or_in_the_cache(tmp_path, data, monkeypatch):
    monkeypatch.setenv("COLORIZE_CACHE", str(tmp_path / "cache"))
    amounts = {"validation": VALIDATION, "test": TEST}
    Pictures(data=[from_path(data)], folder=tmp_path / "mine", **amounts).for_training(
        32
    )
    assert list((tmp_path / "mine").glob(f"*{LOOK_ALIKE}*"))
    assert not (tmp_path / "cache").exists()
    _ = Pictures(data=[from_path(data)], **amounts).split
    assert list((tmp_path / "cache" / "prepared").glob(f"*{LOOK_ALIKE}*"))


@pytest.mark.parametrize("verbose", [True, False])
def test_what_is_printed(tmp_path, data, capfd, verbose):
    amounts = {"validation": VALIDATION, "test": TEST, "verbose": verbose}
    _ = Pictures(data=[from_path(data)], folder=tmp_path / "x", **amounts).leaks
    shown = capfd.readouterr()
    assert ("24 pictures of 64 px" in shown.out) == verbose
    assert bool(shown.out or shown.err) == verbose
