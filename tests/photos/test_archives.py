"""Archives are read in place, and dangerous ones are refused by the member's name."""

import gzip
import io
import multiprocessing
import random
import stat
import tarfile
import zipfile

import pytest

from colorize_lib.photos.archives import UnsafeArchive, is_archive, members

FILES = {"a/one.jpg": b"one", "a/two.jpg": b"two two", "three.jpg": bytes(5000)}


def make_zip(path, files=FILES):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def make_tar(path, files=FILES, mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def contents(path):
    found = {}
    for member in members(path):
        with member.open() as file:
            found[member.name] = file.read()
        assert member.file_size == len(found[member.name])
    return found


@pytest.mark.parametrize(
    "name", ["x.zip", "x.tar", "x.tar.gz", "x.tgz", "x.tar.bz2", "x.tar.xz"]
)
def test_every_kind_holds_the_same_files(name, tmp_path):
    compressions = {"gz": "gz", "tgz": "gz", "bz2": "bz2", "xz": "xz"}
    compression = compressions.get(name.split(".")[-1], "")
    path = tmp_path / name
    make_zip(path) if name.endswith("zip") else make_tar(path, mode=f"w:{compression}")
    assert is_archive(path)
    assert contents(path) == FILES


def test_a_compressed_tar_is_decompressed_once(tmp_path, cache):
    path = make_tar(tmp_path / "x.tgz", mode="w:gz")
    members(path)
    (copy,) = (cache / "unpacked").iterdir()
    written = copy.stat().st_mtime_ns
    assert contents(path) == FILES
    assert copy.stat().st_mtime_ns == written


def test_names_lose_a_leading_dot_and_folders_are_no_files(tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        folder = tarfile.TarInfo("./a")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        archive.addfile(tarfile.TarInfo("./a/one.jpg"))
    assert [member.name for member in members(tmp_path / "x.tar")] == ["a/one.jpg"]


@pytest.mark.parametrize(
    "name",
    ["../evil.jpg", "a/../../evil.jpg", "/etc/evil.jpg", "C:/evil.jpg", "..\\evil.jpg"],
)
@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_a_member_that_leads_outside_is_refused(make, name, tmp_path):
    with pytest.raises(UnsafeArchive, match="outside") as caught:
        members(make(tmp_path / "x", {"good.jpg": b"", name: b"evil"}))
    assert name in str(caught.value)


def test_a_link_in_a_zip_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        info = zipfile.ZipInfo("link.jpg")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(UnsafeArchive, match=r"link.jpg is a link"):
        members(tmp_path / "x.zip")


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
)
def test_a_link_or_device_in_a_tar_is_refused(kind, tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        info = tarfile.TarInfo("link.jpg")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(UnsafeArchive, match=r"link.jpg is a link"):
        members(tmp_path / "x.tar")


def test_what_is_no_archive(tmp_path):
    (tmp_path / "x.zip").write_bytes(b"hello")
    assert not is_archive(tmp_path / "x.zip")
    with pytest.raises(ValueError, match=r"x.zip is no complete zip or tar"):
        members(tmp_path / "x.zip")


def test_archives_cut_short(tmp_path):
    whole = make_tar(tmp_path / "x.tar").read_bytes()
    # In a content, between two members, in a header.
    for cut in (600, 1024, 1200, 2300, 5000):
        (tmp_path / "cut.tar").write_bytes(whole[:cut])
        with pytest.raises(ValueError, match=r"cut.tar is no complete"):
            members(tmp_path / "cut.tar")
    (tmp_path / "cut.tgz").write_bytes(gzip.compress(whole)[:-20])
    with pytest.raises(ValueError, match=r"cut.tgz is no complete"):
        members(tmp_path / "cut.tgz")
    flipped = bytearray(gzip.compress(whole))
    flipped[-5] ^= 255  # in the checksum
    (tmp_path / "bad.tgz").write_bytes(flipped)
    with pytest.raises(ValueError, match=r"bad.tgz is no complete"):
        members(tmp_path / "bad.tgz")
    zipped = make_zip(tmp_path / "x.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(zipped[:-30])
    with pytest.raises(ValueError, match=r"cut.zip is no complete"):
        members(tmp_path / "cut.zip")


def test_an_encrypted_zip(tmp_path):
    data = bytearray(make_zip(tmp_path / "x.zip").read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(ValueError, match=r"a/one.jpg is encrypted; unpack"):
        members(tmp_path / "x.zip")


def test_two_processes_do_not_read_each_others_bytes(tmp_path):
    dice = random.Random(0)
    files = {f"{i}.jpg": dice.randbytes(50_000) for i in range(40)}
    listed = members(make_zip(tmp_path / "x.zip", files))
    with listed[0].open() as file:  # opens the zip before the fork
        file.read(10)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    children = [
        context.Process(target=_all_right, args=(listed, files, queue))
        for _ in range(2)
    ]
    for child in children:
        child.start()
    assert [queue.get(timeout=30) for _ in children] == [True, True]
    for child in children:
        child.join()


def _all_right(listed, files, queue):
    try:
        right = (member.open().read() == files[member.name] for member in listed * 20)
        queue.put(all(right))
    except Exception:
        queue.put(False)
