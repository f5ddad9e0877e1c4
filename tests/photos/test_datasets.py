"""The book's collections: downloads are replaced, local copies real where there are."""

import json
import sys
import types
import zipfile
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorize_lib.photos import datasets
from colorize_lib.photos.datasets import (
    cifar10,
    coco_sample,
    flickr8k,
    flowers102,
    landscapes,
    lfw,
    public_test,
)


def fake_fastai(monkeypatch, untar_data):
    module = types.ModuleType("fastai.data.external")
    module.URLs = types.SimpleNamespace(COCO_SAMPLE="address")
    module.untar_data = untar_data
    for name in ("fastai", "fastai.data"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, "fastai.data.external", module)


def no_connection(*args, **kwargs):
    raise OSError("no route to host")


# ------------------------------------------------------------ COCO


def test_coco_is_fetched_by_fastai(tmp_path, monkeypatch, write_photo):
    write_photo(tmp_path / "coco_sample/train_sample/1.jpg")
    write_photo(tmp_path / "coco_sample/other/2.jpg")
    asked = []
    folder = tmp_path / "coco_sample"
    fake_fastai(monkeypatch, lambda address: asked.append(address) or folder)
    assert coco_sample().names == ("1.jpg",)
    assert asked == ["address"]


def test_coco_offline_and_without_fastai(monkeypatch):
    fake_fastai(monkeypatch, no_connection)
    with pytest.raises(ConnectionError, match="could not get COCO sample"):
        coco_sample()
    monkeypatch.setitem(sys.modules, "fastai.data.external", None)
    with pytest.raises(ImportError, match="pip install fastai"):
        coco_sample()


def test_coco_from_a_folder(tmp_path, write_photo):
    write_photo(tmp_path / "coco/train_sample/1.jpg")
    inner = coco_sample(tmp_path / "coco/train_sample")
    assert coco_sample(tmp_path / "coco").names == inner.names


# ------------------------------------------------------------ CIFAR-10, Flowers102


class FakeCifar:
    """What is used of torchvision's CIFAR10."""

    classes = ("airplane", "automobile")

    def __init__(self, root, train, download=False):
        count = 5 if train else 3
        numbers = np.arange(count)[:, None, None, None]
        self.data = np.full((count, 32, 32, 3), numbers, np.uint8)
        self.targets = [0, 1, 0, 1, 0][:count]


def test_cifar_becomes_one_zip_of_lossless_pictures(monkeypatch, cache):
    monkeypatch.setattr("torchvision.datasets.CIFAR10", FakeCifar)
    source = cifar10()
    assert len(source) == 8
    assert source.names[0] == "test/airplane/00000.png"
    assert source.names[-1] == "train/automobile/00003.png"
    pixels = np.asarray(Image.open(source.photos[-1].open()))
    assert pixels.shape == (32, 32, 3)
    assert (pixels == 3).all()
    assert zipfile.is_zipfile(cache / "cifar10.zip")
    monkeypatch.setattr("torchvision.datasets.CIFAR10", no_connection)
    assert cifar10().names == source.names  # not fetched again


def test_cifar_offline(monkeypatch, cache):
    monkeypatch.setattr("torchvision.datasets.CIFAR10", no_connection)
    with pytest.raises(ConnectionError, match="could not get CIFAR-10"):
        cifar10()
    assert not (cache / "cifar10.zip").exists()


def test_cifar_from_folders(tmp_path, write_photo):
    write_photo(tmp_path / "c/train/cat/1.jpg")
    with pytest.raises(ValueError, match="two folders, train and test"):
        cifar10(tmp_path / "c")
    write_photo(tmp_path / "c/test/cat/1.jpg")
    assert cifar10(tmp_path / "c").names == ("test/cat/1.jpg", "train/cat/1.jpg")


def test_flowers_are_fetched_by_torchvision(monkeypatch, cache, write_photo):
    def download(root, download):
        write_photo(cache / "flowers-102/jpg/image_00001.jpg")
        # As it ends where SciPy is missing.
        raise ModuleNotFoundError("No module named 'scipy'")

    monkeypatch.setattr("torchvision.datasets.Flowers102", download)
    assert flowers102().names == ("image_00001.jpg",)


def test_flowers_offline(monkeypatch):
    monkeypatch.setattr("torchvision.datasets.Flowers102", no_connection)
    with pytest.raises(ConnectionError, match="could not get Flowers102"):
        flowers102()


# ------------------------------------------------------------ the public test list


@pytest.fixture
def internet(monkeypatch, tmp_path, write_photo):
    """Three photographs by address, and a list that names them."""
    files = [write_photo(tmp_path / f"net/{name}.png") for name in "abc"]
    internet = {datasets.PUBLIC_TEST + x.name: x.read_bytes() for x in files}
    listed = [
        {"file": Path(address).name, "sha256": sha256(content).hexdigest()}
        for address, content in internet.items()
    ]
    (tmp_path / "list.json").write_text(json.dumps(listed))
    monkeypatch.setattr(datasets, "PUBLIC_TEST_LIST", tmp_path / "list.json")

    class Downloader:
        def __init__(self, **options):
            self.asked = []

        def __call__(self, address, output, pooch):
            if address not in internet:
                raise ConnectionError("no route to host")
            Path(output).write_bytes(internet[address])

    monkeypatch.setattr("pooch.HTTPDownloader", Downloader)
    return internet


def test_the_public_list_is_fetched_once_and_checked(internet, cache):
    source = public_test()
    assert source.name == "public_test"
    assert source.names == ("a.png", "b.png", "c.png")
    internet.clear()
    assert public_test().names == source.names
    (cache / "public_test/b.png").write_bytes(b"damaged")
    with pytest.raises(ConnectionError, match=r"test photographs \(no route"):
        public_test()


def test_other_pixels_under_a_public_address_are_refused(internet):
    internet[datasets.PUBLIC_TEST + "b.png"] = b"something else"
    with pytest.raises(ConnectionError, match="SHA256 hash of downloaded file"):
        public_test()


def test_the_public_list_names_authors_and_pages():
    listed = json.loads(datasets.PUBLIC_TEST_LIST.read_text())
    assert len({picture["sha256"] for picture in listed}) == len(listed) == 150
    for picture in listed:
        assert picture["author"]
        assert "flickr.com/" in picture["page"]


# ------------------------------------------------------------ LFW


def test_lfw_is_grouped_by_person_in_either_layout(tmp_path, write_photo):
    for name in ("Ann_Lee_0001.jpg", "Ann_Lee_0002.jpg", "Bo_0001.jpg"):
        write_photo(tmp_path / "flat" / name)
        write_photo(tmp_path / "lfw" / name.rsplit("_", 1)[0] / name)
    flat, folders = lfw(tmp_path / "flat"), lfw(tmp_path / "lfw")
    assert flat.groups == ("Ann_Lee", "Ann_Lee", "Bo")
    assert (flat.names, flat.groups) == (folders.names, folders.groups)


def test_lfw_refuses_a_face_without_a_name(tmp_path, write_photo):
    write_photo(tmp_path / "face.jpg")
    with pytest.raises(ValueError, match=r"face.jpg does not tell whose face it is"):
        lfw(tmp_path)


# ------------------------------------------------------------ what users download


@pytest.mark.parametrize("collection", [landscapes, flickr8k, lfw])
def test_the_steps_are_given_where_nothing_is_there(collection, cache):
    with pytest.raises(FileNotFoundError) as caught:
        collection()
    message = str(caught.value)
    assert "https://www.kaggle.com/datasets/" in message
    assert str(cache / f"{collection.__name__}.zip") in message
    with pytest.raises(FileNotFoundError, match="elsewhere does not exist"):
        collection("elsewhere")


@pytest.mark.parametrize("collection", [landscapes, flickr8k])
def test_the_zip_or_the_folder(collection, tmp_path, cache, write_photo):
    name = collection.__name__
    picture = write_photo(tmp_path / "Images/1.jpg")
    cache.mkdir()
    with zipfile.ZipFile(cache / f"{name}.zip", "w") as archive:
        archive.write(picture, "Images/1.jpg")
        archive.writestr("captions.txt", "1.jpg,a cat")
        archive.writestr("__MACOSX/Images/._1.jpg", "junk")
    expected = (name, ("1.jpg",))
    for source in (
        collection(),
        collection(cache / f"{name}.zip"),
        collection(tmp_path),
    ):
        assert (source.name, source.names) == expected


def test_the_real_ones(shared_photos):
    assert len(coco_sample(shared_photos / "coco")) == 265
    flowers = flowers102(shared_photos / "flowers102")
    assert (len(flowers), flowers.names[0]) == (8189, "image_00001.jpg")
    faces = lfw(shared_photos / "lfw")
    assert (len(faces), len(set(faces.groups))) == (2000, 1370)
    assert len(cifar10(shared_photos / "cifar10")) == 6000
    assert len(landscapes(shared_photos / "landscapes")) == 606


def test_nothing_heavy_is_imported_early():
    assert not {"fastai", "torchvision"} & set(vars(datasets))
