"""Batches: complete, reproducible, resumable, sharded; the augmentation as drawn."""

import re

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from colorize_lib.color import rgb_to_lab
from colorize_lib.photos.batches import (
    Augmentation,
    apply_augmentation,
    batches,
    draw_augmentation,
    to_lab,
)  # fmt: skip
from colorize_lib.photos.prepared import prepare
from colorize_lib.photos.sources import from_path


def numbered(count, height=4, width=6):
    """Pictures of which each pixel tells the picture and the place."""
    place = np.arange(3 * height * width, dtype=np.uint8).reshape(3, height, width)
    return np.stack([place + i for i in range(count)]).astype(np.uint8)


def which(batch_list):
    """The numbers of the pictures, in the order in which they came."""
    return [int(picture.min()) for batch in batch_list for picture in batch]


# ------------------------------------------------------------ order


def test_in_order_and_whole_by_default():
    images = numbered(10)
    got = list(batches(images, 4))
    assert [len(batch) for batch in got] == [4, 4, 2]
    assert torch.equal(torch.cat(got), torch.from_numpy(images))


def test_shuffled_by_seed_and_epoch():
    images = numbered(30)
    orders = [
        which(batches(images, 7, shuffle=True, seed=s, epoch=e))
        for s, e in [(0, 0), (0, 1), (1, 0), (0, 0)]
    ]
    assert all(sorted(order) == list(range(30)) for order in orders)
    assert orders[0] == orders[3]
    assert len({tuple(order) for order in orders}) == 3
    assert orders[0] != list(range(30))


def test_drop_last():
    assert [len(batch) for batch in batches(numbered(10), 4, drop_last=True)] == [4, 4]
    assert list(batches(numbered(4), 4, drop_last=True, start_batch=1)) == []


@given(
    st.integers(1, 40), st.integers(1, 9), st.integers(0, 12),
    st.booleans(), st.booleans(),
)  # fmt: skip
def test_an_epoch_goes_on_with_exactly_the_remaining_batches(
    count, size, start, shuffle, drop_last
):
    options = {"shuffle": shuffle, "drop_last": drop_last, "flip": True, "crop": 3}
    assume(not drop_last or count >= size)
    options.update(seed=5, epoch=2)
    whole = list(batches(numbered(count), size, **options))
    rest = list(batches(numbered(count), size, start_batch=start, **options))
    assert len(rest) == max(0, len(whole) - start)
    assert all(
        torch.equal(one, two) for one, two in zip(whole[start:], rest, strict=True)
    )


# ------------------------------------------------------------ where pictures come from


def test_a_tensor_an_array_and_a_prepared_set_give_the_same(folder, tmp_path):
    prepared = prepare(from_path(folder), 16, folder=tmp_path / "sets", verbose=False)
    names = prepared.names[3:20]
    part, array = prepared.subset(names), np.array(prepared[3:20])
    options = {"shuffle": True, "flip": True, "crop": 12, "seed": 3}
    from_set = torch.cat(list(batches(part, 5, **options)))
    for images in (part.images, array, torch.from_numpy(array)):
        assert torch.equal(from_set, torch.cat(list(batches(images, 5, **options))))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.uint8])
def test_the_type_stays(dtype):
    images = (torch.rand(5, 3, 6, 6) * 90).to(dtype)
    for batch in batches(images, 2, shuffle=True, flip=True, crop=4):
        assert batch.dtype == dtype
        assert batch.shape[1:] == (3, 4, 4)


def test_batches_may_be_changed_without_changing_the_set():
    images = torch.zeros(4, 3, 2, 2)
    for batch in batches(images, 2):
        batch += 1
    assert images.sum() == 0


# ------------------------------------------------------------ augmentation


def test_apply_does_what_was_drawn():
    images = torch.from_numpy(numbered(3))
    draw = Augmentation(
        torch.tensor([True, False, True]), torch.tensor([[0, 0], [1, 2], [1, 3]]), 3
    )
    before = images.clone()
    got = apply_augmentation(images, draw)
    assert torch.equal(got[0], images[0, :, 0:3, 0:3].flip(-1))
    assert torch.equal(got[1], images[1, :, 1:4, 2:5])
    assert torch.equal(got[2], images[2, :, 1:4, 3:6].flip(-1))
    assert torch.equal(images, before)
    assert torch.equal(apply_augmentation(images, Augmentation()), images)


def test_the_draw_is_fair_and_reaches_every_place():
    generator = torch.Generator().manual_seed(0)
    draw = draw_augmentation(4000, (5, 7), flip=True, crop=4, generator=generator)
    assert abs(draw.flip.float().mean() - 0.5) < 0.03
    places = {tuple(corner) for corner in draw.corner.tolist()}
    assert places == {(top, left) for top in range(2) for left in range(4)}


def test_flips_do_not_depend_on_the_batch_size():
    options = {"shuffle": True, "flip": True, "crop": 3, "seed": 1}
    one, two = (
        torch.cat(list(batches(numbered(20), size, **options))) for size in (3, 8)
    )
    assert torch.equal(one, two)


# ------------------------------------------------------------ Lab


def test_to_lab():
    rgb = torch.randint(0, 256, (5, 3, 180, 170), dtype=torch.uint8)  # in pieces of two
    torch.testing.assert_close(to_lab(rgb), rgb_to_lab(rgb), atol=1e-4, rtol=0)
    lab = torch.rand(2, 3, 4, 4, dtype=torch.float64) * 90
    assert to_lab(lab).dtype == torch.float32
    torch.testing.assert_close(to_lab(lab), lab.float())
    with pytest.raises(TypeError):
        to_lab(rgb.long())


# ------------------------------------------------------------ errors


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size 0 must be at least 1"),
        ({"start_batch": -1}, "start_batch -1"),
        ({"crop": 5}, r"crop 5 must lie in 1..4, for pictures of 4 x 6"),
        ({"crop": 0}, "crop 0 must lie in"),
    ],
)
def test_wrong_arguments_are_named_at_once(options, message):
    with pytest.raises(ValueError, match=message):
        batches(numbered(5), **{"batch_size": 2, **options})


@pytest.mark.parametrize(
    "shape", [(5, 8, 8, 3), (3, 8, 8), (5, 1, 8, 8), (5, 2, 3, 8, 8), (5,)]
)
@pytest.mark.parametrize("made", [np.zeros, torch.zeros])
def test_another_shape_is_refused(shape, made):
    message = rf"images must have shape \(n, 3, H, W\), not {re.escape(str(shape))}"
    with pytest.raises(ValueError, match=message):
        batches(made(shape), 2, flip=True)


def test_a_source_is_not_prepared_yet(folder):
    with pytest.raises(
        TypeError, match=r"PreparedSet, as prepare makes it.*not Source"
    ):
        batches(from_path(folder), 2)
    with pytest.raises(TypeError, match="not list"):
        batches([torch.zeros(3, 8, 8)], 2)


def test_an_empty_set():
    with pytest.raises(ValueError, match="there is no picture"):
        batches(numbered(5)[:0], 2)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_on_a_gpu_the_same():
    options = {"shuffle": True, "flip": True, "crop": 3}
    here, there = (
        list(batches(numbered(20), 6, device=device, **options))
        for device in ("cpu", "cuda")
    )
    assert all(
        two.is_cuda and torch.equal(one, two.cpu())
        for one, two in zip(here, there, strict=True)
    )
