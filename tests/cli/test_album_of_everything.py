"""Files of every kind, good and bad, in one folder: nothing stops the others."""

import os
import re
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiff_maker import tiff

from colorize_lib.cli import main
from colorize_lib.models import Autoencoder
from colorize_lib.photos.reading import UnreadablePhoto, open_photo
from colorize_lib.weights import save_weights

CASES = Path(__file__).parent.parent / "cases"
FORMATS = {
    "jpg": "JPEG", "jfif": "JPEG", "png": "PNG", "webp": "WEBP", "bmp": "BMP",
    "gif": "GIF", "tif": "TIFF", "jp2": "JPEG2000", "ppm": "PPM", "tga": "TGA",
    "pcx": "PCX", "sgi": "SGI", "ico": "ICO", "dds": "DDS", "avif": "AVIF",
}  # fmt: skip
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "F")


def picture(seed=0):
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (4, 4, 3), dtype=np.uint8))
    return coarse.resize((36, 28), Image.Resampling.BICUBIC)


def saved(image, kind):
    file = BytesIO()
    try:
        image.save(file, kind)
    except (OSError, ValueError, KeyError, ImportError):  # not in this format
        return None
    return file.getvalue()


def whole_files():
    for suffix, kind in FORMATS.items():
        for mode in MODES:
            image = picture().convert("L" if mode in ("F", "I;16") else "RGB")
            try:
                image = image.convert(mode)
            except ValueError:  # Pillow has no such way
                continue
            if data := saved(image, kind):
                yield f"{kind}-{mode.replace(';', '')}.{suffix}", data
    ramp = np.tile(np.linspace(0, 1, 36), (28, 1))
    for photometric in (0, 1, 2):
        for bits, kind in [(b, 1) for b in (1, 2, 4, 8, 10, 12, 14, 16, 32, 64)] + [
            (b, k) for k in (2, 3) for b in (16, 32, 64)
        ]:
            values = ramp if kind == 3 else np.floor(ramp * (2.0 ** min(bits, 40) - 1))
            values = np.stack([values] * 3, -1) if photometric == 2 else values
            name = f"tags-{photometric}-{bits}-{kind}.tif"
            yield name, tiff(values, bits, photometric, kind=kind)


def write_everything(folder, every):
    """Fill the folder; how many entries it has then, hidden ones and links included."""
    folder.mkdir()
    files = dict(whole_files())
    whole = [item for item in files.items() if len(item[1]) > 60]
    for share in (0.1, 0.5, 0.95):
        for name, data in whole:
            files[f"cut-{share}-{name}"] = data[: int(len(data) * share)]
    random = np.random.default_rng(0)
    for name, data in whole:
        noisy = bytearray(data)
        for at in random.integers(8, len(data), 5):
            noisy[at] ^= 255
        files[f"noisy-{name}"] = bytes(noisy)
    for path in CASES.rglob("*.*"):
        if path.parent.name != "thin":  # minutes of pure Python's encoder: tried alone
            files[f"case-{path.parent.name}-{path.name}"] = path.read_bytes()
    files = dict(list(files.items())[::every])
    files |= {f"notes{n}.txt": b"text" for n in range(3)}
    files |= {"renamed.jpg": b"<html>404</html>", "empty.png": b"", ".hidden.jpg": b"x"}
    files |= {"phone.heic": b"\0\0\0\x18ftypheic" + bytes(80), "n" * 250 + ".jpg": b""}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / "itself.jpg").symlink_to(folder / "itself.jpg")
    (folder / "above").symlink_to(folder)
    os.mkfifo(folder / "pipe.png")
    (folder / "folder.jpg").mkdir()
    return len(files) + 2  # the link to itself and the pipe; folders are no files


@pytest.mark.parametrize(
    ("every", "least"), [(20, 30), pytest.param(1, 500, marks=pytest.mark.slow)]
)
def test_every_file_is_accounted_for(tmp_path, capfd, every, least):
    torch.manual_seed(0)
    about = {"architecture": "autoencoder", "size": 32, "about": "random"}
    weights = save_weights(Autoencoder(), tmp_path / "w.safetensors", **about)
    count = write_everything(tmp_path / "album", every)
    assert count >= least
    out = tmp_path / "out"
    words = [str(tmp_path / "album"), "-o", str(out), "--weights", str(weights)]
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        assert main(words) == 1
    assert not [str(complaint.message) for complaint in complaints]
    errors = capfd.readouterr().err
    last = errors.strip().splitlines()[-1]
    done = int(re.match(r"(\d+) of (\d+) colored", last)[1])
    failed = int(re.search(r"; (\d+) failed", last)[1])
    passed_over = int(re.search(r"; (\d+) passed over that are no pictures", last)[1])
    assert done + failed + passed_over == count
    assert len([path for path in out.rglob("*") if path.is_file()]) == done > least / 3
    reasons = re.findall(r"^failed: (.*)$", errors.replace("\r", "\n"), re.M)
    assert len(reasons) == failed
    for reason in reasons:
        assert re.search(r"album/.*: .*; ", reason), reason  # a name, why, a remedy
    assert "Traceback" not in errors
    assert "TIFF" not in re.sub(r".*album/.*", "", errors)  # what libtiff says


def test_what_is_whole_is_read_or_refused_by_name_and_never_called_damaged():
    count = 0
    for name, data in whole_files():
        try:
            assert open_photo(BytesIO(data), name=name).mode == "RGB"
        except UnreadablePhoto as error:
            reason = error.reason
        else:
            reason, count = "", count + 1
        assert "damaged" not in reason, name
    assert count > 120
