"""From a set of pictures to shuffled, flipped, cropped batches on the device.

The random draw is apart from the kernel that applies it: the draw depends on (seed,
epoch) and nothing else, so an epoch that was cut off goes on with exactly the batches
that it still owed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import torch
from torch import Tensor

from colorize_lib.color import rgb_to_lab


@dataclass(frozen=True)
class Augmentation:
    """What was drawn for n pictures.

    Attributes:
        flip: bool ``(n,)``: which are mirrored left to right; None for no flips at all.
        corner: int64 ``(n, 2)``: top and left of each crop; None for no crops.
        crop: side of the crop, in pixels.
    """

    flip: Tensor | None = None
    corner: Tensor | None = None
    crop: int | None = None

    def __getitem__(self, rows) -> "Augmentation":
        """The draw for some of the pictures."""
        flip = None if self.flip is None else self.flip[rows]
        corner = None if self.corner is None else self.corner[rows]
        return Augmentation(flip, corner, self.crop)


def batches(
    images,
    batch_size: int,
    *,
    shuffle: bool = False,
    seed: int = 0,
    epoch: int = 0,
    flip: bool = False,
    crop: int | None = None,
    drop_last: bool = False,
    start_batch: int = 0,
    device: torch.device | str = "cpu",
) -> Iterator[Tensor]:
    """One epoch of batches.

    For validation leave out ``shuffle``, ``flip`` and ``crop``: the pictures come in
    order and whole.

    Args:
        images: ``(n, 3, H, W)``: a PreparedSet, a NumPy array or memory map, or a
            tensor. uint8 sRGB, or drawn scenes in float Lab: see :func:`to_lab`. The
            type stays.
        batch_size: pictures a batch; where several processes train, they share it (see
            :func:`.distributed.share`).
        shuffle: for training, a new order every epoch.
        seed: another seed, another order, other flips and positions.
        epoch: likewise; the same again for the same seed and epoch.
        flip: for training, each picture mirrored with probability 1/2.
        crop: for training, a square of so many pixels at a random position.
        drop_last: leave out a last batch that is smaller than the others.
        start_batch: begin with this batch of the epoch, to go on after an interruption.
        device: where the batches go. To a GPU they are copied from pinned memory, one
            batch ahead.

    Returns:
        An iterator of ``(B, 3, h, w)`` of the type of ``images``.

    Raises:
        ValueError: an empty set, a batch size below 1 or, with ``drop_last``, above the
            number of pictures, a crop larger than the pictures, another shape.
        TypeError: ``images`` are no pixels.
    """
    _check(images, batch_size, crop, drop_last, start_batch)
    generator = _generator(seed, epoch)
    order = (
        torch.randperm(len(images), generator=generator)
        if shuffle
        else torch.arange(len(images))
    )
    draw = draw_augmentation(
        len(images), images.shape[-2:], flip=flip, crop=crop, generator=generator
    )
    count = len(images)
    end = count - count % batch_size if drop_last else count
    starts = range(start_batch * batch_size, end, batch_size)
    rows = (torch.arange(start, min(start + batch_size, end)) for start in starts)
    pairs = ((_gather(images, order[some]), draw[some]) for some in rows)
    on_device = _on_device(pairs, torch.device(device))
    return (apply_augmentation(batch, its_draw) for batch, its_draw in on_device)


def draw_augmentation(
    count: int,
    size: tuple[int, int],
    *,
    flip: bool,
    crop: int | None,
    generator: torch.Generator,
) -> Augmentation:
    """Draw flips and crops for ``count`` pictures of ``size`` (H, W), on the CPU.

    The same generator state gives the same draw on every device.
    """
    flips = torch.rand(count, generator=generator) < 0.5 if flip else None
    if crop is None:
        return Augmentation(flips)
    top, left = (
        torch.randint(0, side - crop + 1, (count,), generator=generator)
        for side in size
    )
    return Augmentation(flips, torch.stack([top, left], dim=1), crop)


def apply_augmentation(images: Tensor, draw: Augmentation) -> Tensor:
    """Crop and mirror ``(B, 3, H, W)`` as drawn.

    Pure: nothing is random, and the input is unchanged.
    """
    # The draw lies on the CPU, so that tolist() waits for no GPU. And one by one: on a
    # CPU that is five times as fast as torch.where(flip, images.flip(-1), images).
    if draw.corner is not None:
        side, corners = draw.crop, draw.corner.tolist()
        pairs = zip(images, corners, strict=True)
        images = [
            image[:, top : top + side, left : left + side]
            for image, (top, left) in pairs
        ]
    if draw.flip is not None:
        pairs = zip(images, draw.flip.tolist(), strict=True)
        images = [image.flip(-1) if flip else image for image, flip in pairs]
    return images if isinstance(images, Tensor) else torch.stack(images)


def to_lab(batch: Tensor) -> Tensor:
    """A batch as float32 Lab on its device.

    uint8 sRGB is converted, a float batch IS Lab already. So photographs and drawn
    scenes go through the same training step. Float sRGB in [0, 1] cannot be told from
    Lab: convert it with :func:`colorize_lib.color.rgb_to_lab`.

    Args:
        batch: ``(B, 3, H, W)``.

    Raises:
        TypeError: another integer type.
    """
    if batch.is_floating_point():
        return batch.float()
    if batch.device.type != "cpu":
        return rgb_to_lab(batch)
    # A CPU is twice as fast on pieces whose intermediate results fit into its cache.
    piece = max(1, 65536 // (batch.shape[-2] * batch.shape[-1]))
    return torch.cat([rgb_to_lab(pictures) for pictures in batch.split(piece)])


# ------------------------------------------------------------ parts


def _generator(seed, epoch):
    # Hashed: seed + epoch would make epoch 1 of seed 0 the same as epoch 0 of seed 1.
    digest = sha256(f"{seed}:{epoch}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8]) >> 1)


def _gather(images, rows):
    if isinstance(images, Tensor):
        return images[rows.to(images.device)]
    rows = rows.numpy()
    batch = np.empty((len(rows), *images.shape[1:]), images[:0].dtype)
    # In the order of the file: from a cold disk it is then read forward. And by NumPy,
    # picture by picture: torch would start all its threads to copy a few megabytes.
    for place in rows.argsort():
        batch[place] = images[rows[place]]
    return torch.from_numpy(batch)


def _on_device(pairs, device):
    """Copy each batch while the one before it is in use."""
    if device.type != "cuda":
        for batch, draw in pairs:
            yield batch.to(device), draw
        return
    ready = None
    for batch, draw in pairs:
        # From pinned memory the copy runs beside the computation; from other memory it
        # would wait for it.
        if not batch.is_cuda:
            batch = batch.pin_memory().to(device, non_blocking=True)
        if ready is not None:
            yield ready
        ready = batch, draw
    if ready is not None:
        yield ready


def _check_images(images):
    shape = getattr(images, "shape", None)
    if shape is None:
        raise TypeError(
            "images must be pixels (n, 3, H, W): a PreparedSet, as prepare makes it of a "
            f"source, an array or a tensor, not {type(images).__name__}"
        )
    # Pairs of pictures, with more than three channels, are as good.
    if len(shape) != 4 or shape[1] % 3 or (shape[3] == 3 and shape[1] != 3):
        raise ValueError(f"images must have shape (n, 3, H, W), not {tuple(shape)}")


def _check(images, batch_size, crop, drop_last, start_batch):
    _check_images(images)
    if len(images) == 0:
        raise ValueError("there is no picture to make a batch of")
    if batch_size < 1 or start_batch < 0:
        raise ValueError(
            f"batch_size {batch_size} must be at least 1 "
            f"and start_batch {start_batch} at least 0"
        )
    height, width = images.shape[-2:]
    if crop is not None and not 1 <= crop <= min(height, width):
        raise ValueError(
            f"crop {crop} must lie in 1..{min(height, width)}, "
            f"for pictures of {height} x {width}"
        )
    if drop_last and len(images) < batch_size:
        raise ValueError(
            f"{len(images)} pictures do not fill one batch of {batch_size}, and drop_last "
            "leaves it out; give more, a smaller batch_size, or drop_last=False"
        )
