"""Photographs become batches.

A map, in the order in which a photograph travels:

================  ======================================================================
``sources``       any folder, zip or tar as a sorted list of photographs with groups
``datasets``      COCO sample, CIFAR-10, Flowers102, LFW, the landscapes, Flickr8k
``drawn``         drawn scenes as files, where there are no photographs
``gallery``       the pictures that every chapter colors and none trains on
``archives``      pictures inside a zip or tar, without unpacking
``reading``       one file to upright 8-bit sRGB; ``srgb`` does the colors, ``tiff``
                  what Pillow reads wrong, ``metadata`` what comes along besides pixels
``prepared``      source to prepared set, a uint8 memory map; ``workers`` read for it
``filters``       what not to learn from: next to no color, or in the test set as well
``splits``        train, validation, test: seeded, without leaks
``collection``    what a recipe learns from: several sources, split
``batches``       shuffled, flipped, cropped, on the device
``cache``         where it all lies
================  ======================================================================

In short::

    pictures = prepare(from_path("my_photos"), size=128)
    parts = split(pictures, seed=42, train=0.8, validation=0.1, test=0.1)
    train = pictures.for_training(parts.train)
    for epoch in range(10):
        for batch in batches(train, 32, shuffle=True, epoch=epoch, flip=True):
            lab = to_lab(batch)
"""

from colorize_lib.photos.archives import UnsafeArchive
from colorize_lib.photos.batches import (
    Augmentation,
    apply_augmentation,
    batches,
    draw_augmentation,
    to_lab,
)
from colorize_lib.photos.cache import cache_folder
from colorize_lib.photos.datasets import (
    cifar10,
    coco_sample,
    flickr8k,
    flowers102,
    landscapes,
    lfw,
    public_test,
)
from colorize_lib.photos.drawn import drawn_photographs
from colorize_lib.photos.filters import (
    NEAR_GRAY_CHROMA,
    is_near_gray,
    mean_chroma,
    near_duplicates,
)
from colorize_lib.photos.gallery import (
    GALLERY,
    GalleryPicture,
    find_gallery,
    gallery_source,
)
from colorize_lib.photos.prepared import PreparedSet, open_prepared, prepare
from colorize_lib.photos.reading import (
    PIXEL_LIMIT,
    UnreadablePhoto,
    open_photo,
    read_photo,
    upright_srgb,
)
from colorize_lib.photos.sources import Photo, Source, combined, from_path
from colorize_lib.photos.splits import Split, draw, split

__all__ = [
    "GALLERY", "NEAR_GRAY_CHROMA", "PIXEL_LIMIT", "Augmentation", "GalleryPicture",
    "Photo", "PreparedSet", "Source", "Split", "UnreadablePhoto", "UnsafeArchive",
    "apply_augmentation", "batches", "cache_folder", "cifar10", "coco_sample",
    "combined", "draw", "draw_augmentation", "drawn_photographs", "find_gallery",
    "flickr8k", "flowers102", "from_path", "gallery_source", "is_near_gray",
    "landscapes", "lfw", "mean_chroma", "near_duplicates", "open_photo",
    "open_prepared", "prepare", "public_test", "read_photo", "split", "to_lab", "upright_srgb",
]  # fmt: skip
