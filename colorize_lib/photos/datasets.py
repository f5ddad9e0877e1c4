"""The photo collections of the book, each as a source.

What can be downloaded is downloaded, with a progress bar; the rest says how to get it.
Each function also takes the path of a copy that you have: a folder, or the zip or tar
as it was downloaded.
"""

import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from io import BytesIO
from pathlib import Path, PurePosixPath

from PIL import Image
from tqdm import tqdm

from colorize_lib.files import replacing
from colorize_lib.photos.cache import cache_folder
from colorize_lib.photos.sources import Source, from_path

PUBLIC_TEST_LIST = Path(__file__).with_name("public_test.json")
PUBLIC_TEST = (
    "https://raw.githubusercontent.com/ZhengyuZhao/Targeted-Tansfer/"
    "ae67d1be838681280c3806cc1c7e590a4e7ea371/dataset/images/"
)


def coco_sample(path: str | Path | None = None) -> Source:
    """COCO sample: about 21,800 everyday scenes.

    Downloaded by fastai, 3 GB, if no path is given.

    Raises:
        ImportError: fastai is not installed.
        ConnectionError: the download failed.
    """
    if path is None:
        try:
            from fastai.data.external import URLs, untar_data
        except ImportError as error:
            raise ImportError(
                "COCO sample is fetched by fastai: pip install fastai, or give its path"
            ) from error
        print("COCO sample: 3 GB, fetched once; the bar tells how long it takes")
        with _downloading("COCO sample"):
            path = untar_data(URLs.COCO_SAMPLE)
    path = Path(path).expanduser()
    inner = path / "train_sample"
    return from_path(inner if inner.is_dir() else path, "coco_sample")


def cifar10(path: str | Path | None = None) -> Source:
    """CIFAR-10: 60,000 pictures of 32 x 32.

    Downloaded by torchvision, 170 MB, if no path is given. Their names are of the kind
    ``train/airplane/00000.png``.

    Args:
        path: pictures in folders ``train/CLASS`` and ``test/CLASS``, or a folder
            holding ``cifar-10-batches-py``.

    Raises:
        ConnectionError: the download failed.
        ValueError: the path holds something else.
    """
    folder = Path(path).expanduser() if path else cache_folder()
    if path is None or (folder / "cifar-10-batches-py").is_dir():
        pictures = cache_folder() / "cifar10.zip"
        if not pictures.exists():
            with _downloading("CIFAR-10"):
                parts = _cifar_parts(folder, download=path is None)
            _write_zip(pictures, parts)
        folder = pictures
    source = from_path(folder, "cifar10")
    if {name.split("/")[0] for name in source.names} != {"train", "test"}:
        raise ValueError(
            f"{folder} must hold two folders, train and test, "
            "with CIFAR-10's pictures in them"
        )
    return source


def flowers102(path: str | Path | None = None) -> Source:
    """Oxford Flowers102: 8,189 pictures.

    Downloaded by torchvision, 345 MB, if no path is given.

    Raises:
        ConnectionError: the download failed.
    """
    if path is None:
        from torchvision.datasets import Flowers102

        path = cache_folder() / "flowers-102" / "jpg"
        # SciPy is needed for the labels, which come after the pictures and which we do
        # not need.
        with _downloading("Flowers102"), suppress(ModuleNotFoundError):
            Flowers102(cache_folder(), download=True)
    return from_path(path, "flowers102")


def lfw(path: str | Path | None = None) -> Source:
    """Labeled Faces in the Wild: 13,233 pictures of 5,749 people, grouped by PERSON.

    People return with the same face, light and background: split by picture, a network
    is examined on faces that it was trained on. (torchvision's own download always
    raises: the original site is gone.)

    Args:
        path: the archive (``lfw.tgz``, or a zip) or its folder; a folder for each
            person, or all pictures in one. By default ``lfw.zip`` or the folder ``lfw``
            in the cache folder.

    Raises:
        FileNotFoundError: neither is there, with the steps to get it.
        ValueError: a picture not named ``First_Last_0001.jpg``.
    """
    path = _found(path, "lfw", "jessicali9530/lfw-dataset")
    photos = from_path(path).photos
    return Source(
        "lfw", tuple(replace(photo, **_name_and_person(photo.name)) for photo in photos)
    )


def landscapes(path: str | Path | None = None) -> Source:
    """The Kaggle landscapes: 4,319 pictures. You download them.

    They are Kaggle's dataset arnaud58/landscape-pictures.

    Args:
        path: the zip or the folder; by default ``landscapes.zip`` or the folder
            ``landscapes`` in the cache folder.

    Raises:
        FileNotFoundError: neither is there, with the steps to get it.
    """
    return from_path(
        _found(path, "landscapes", "arnaud58/landscape-pictures"), "landscapes"
    )


def flickr8k(path: str | Path | None = None) -> Source:
    """Flickr8k: 8,091 everyday scenes. You download it.

    Args:
        path: the zip or the folder; by default ``flickr8k.zip`` or the folder
            ``flickr8k`` in the cache folder.

    Raises:
        FileNotFoundError: neither is there, with the steps to get it.
    """
    return from_path(_found(path, "flickr8k", "adityajn105/flickr8k"), "flickr8k")


def public_test() -> Source:
    """150 photographs that anybody can fetch, to compute a row of scores again: 23 MB.

    Of 299 x 299 pixels, each under CC BY 2.0; ``public_test.json`` names its author and
    page. They were drawn at random from the colorful ones of the development set of
    the NIPS 2017 contest on adversarial examples. That contest chose them so that
    ImageNet networks recognize them: a network with such an encoder does better on
    them than on others. Never train on them, and choose nothing by them.

    Raises:
        ConnectionError: some could not be fetched, or arrived damaged.
    """
    import pooch

    listed = json.loads(PUBLIC_TEST_LIST.read_text())
    digests = {picture["file"]: picture["sha256"] for picture in listed}
    folder = cache_folder() / "public_test"
    fetcher = pooch.create(folder, PUBLIC_TEST, registry=digests)
    pooch.get_logger().setLevel("WARNING")  # else it says a line for each
    downloader = pooch.HTTPDownloader(timeout=10)
    with _downloading("the public test photographs"):
        for name in tqdm(digests, desc="public test photographs", unit="photo"):
            fetcher.fetch(name, downloader=downloader)
    return from_path(folder, "public_test")


# ------------------------------------------------------------ parts


@contextmanager
def _downloading(what) -> Iterator[None]:
    try:
        yield
    # A damaged download is torchvision's RuntimeError, and pooch's ValueError.
    except (OSError, RuntimeError, ValueError) as error:
        raise ConnectionError(
            f"could not get {what} ({error}). Check the connection and the space in "
            f"{cache_folder()}, or download it elsewhere and give its path"
        ) from error


def _found(path, name, kaggle):
    """The path given, else the one in the cache folder, else the steps as an error."""
    folder = cache_folder() / name
    archive = cache_folder() / f"{name}.zip"
    path = Path(path).expanduser() if path else folder if folder.is_dir() else archive
    if path.exists():
        return path
    raise FileNotFoundError(
        f"{path} does not exist. To get {name}: "
        f"(1) open https://www.kaggle.com/datasets/{kaggle} and sign in; "
        "(2) press Download; "
        f"(3) without unpacking it, move the zip to {archive}, "
        f'or give its path: {name}("...zip")'
    )


def _name_and_person(name):
    file = PurePosixPath(name).name
    match = re.fullmatch(r"(.+)_\d+\.\w+", file)
    if match is None:
        raise ValueError(
            f"{name} does not tell whose face it is; "
            "LFW's pictures are named First_Last_0001.jpg"
        )
    # The file's name tells the person: a folder for each person and one folder for all
    # give the same names.
    return {"name": file, "group": match[1]}


def _cifar_parts(folder, download):
    from torchvision.datasets import CIFAR10

    return {
        "train": CIFAR10(folder, True, download=download),
        "test": CIFAR10(folder, False, download=download),
    }


def _write_zip(path, parts):
    """One zip of 60,000 small PNGs: lossless, and a single file to copy to a Drive."""
    with (
        replacing(path) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive,
    ):
        for part, pictures in parts.items():
            for i, (pixels, label) in enumerate(
                zip(pictures.data, pictures.targets, strict=True)
            ):
                png = BytesIO()
                Image.fromarray(pixels).save(png, "png", compress_level=1)
                archive.writestr(
                    f"{part}/{pictures.classes[label]}/{i:05d}.png", png.getvalue()
                )
