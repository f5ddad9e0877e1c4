"""The gallery: what every model in every chapter colors, and none trains on.

Listed in ``gallery.json``. Seven pictures come with scikit-image, scikit-learn and
matplotlib. Eleven CC0 photographs, and four historical ones that exist in black and
white only, are fetched once, by address and SHA-256.
"""

import json
import os
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from importlib import resources
from pathlib import Path

from PIL import Image

from colorize_lib.photos.cache import cache_folder
from colorize_lib.photos.reading import open_photo
from colorize_lib.photos.sources import Photo, Source
from colorize_lib.slips import missing_file


@dataclass(frozen=True)
class GalleryPicture:
    """A picture of the gallery.

    Attributes:
        name: short, unique.
        title: what it shows, for the caption; ``credit`` and ``license`` likewise.
        color: False for one that exists in black and white only: without true colors.
        file: its path in ``library``, or in the cache folder of the gallery.
        library: the package that ships it, if one does.
        address: where it is fetched from, if it is.
        sha256: of what must arrive.
        path: where it lies on this machine; None until :func:`.find_gallery` finds it.
    """

    name: str
    title: str
    credit: str
    license: str
    color: bool
    file: str
    library: str = ""
    address: str = ""
    sha256: str = ""
    path: Path | None = None

    def open(self) -> Image.Image:
        """The picture at full size, as :func:`.open_photo` gives it."""
        if self.path is None:
            raise FileNotFoundError(
                f"{self.name} has not been fetched; "
                "take the picture that find_gallery() returns"
            )
        return open_photo(self.path)


_LIST = Path(__file__).with_name("gallery.json")
GALLERY = tuple(GalleryPicture(**entry) for entry in json.loads(_LIST.read_text()))


def find_gallery(
    *, download: bool = True, verbose: bool = True
) -> tuple[GalleryPicture, ...]:
    """The gallery's pictures that can be had here, in the gallery's order.

    Looked for in the folder ``$COLORIZE_GALLERY`` (never written to), then in the cache
    folder, then fetched. What cannot be had is left out, and one printed line says
    which and why: offline, the packaged pictures do.

    Args:
        download: False fetches nothing.
        verbose: print that line.

    Raises:
        FileNotFoundError: ``$COLORIZE_GALLERY`` names no folder.
    """
    chosen = os.environ.get("COLORIZE_GALLERY")
    folder = Path(chosen).expanduser() if chosen else None
    if folder and not folder.is_dir():
        said = f"COLORIZE_GALLERY={chosen} is no folder; correct it or remove it"
        raise missing_file(folder, said)
    found, missing = [], {}
    offline = "" if download else "not fetched, because download=False"
    for picture in GALLERY:
        try:
            path = (
                _packaged(picture)
                if picture.library
                else _fetched(picture, folder, offline)
            )
            found.append(replace(picture, path=path))
        except _Missing as reason:
            missing.setdefault(str(reason), []).append(picture.name)
        except OSError as error:
            # Offline, or nowhere to write: the others would only wait as long again.
            offline = f"could not be fetched ({_short(error)})"
            missing.setdefault(offline, []).append(picture.name)
    if missing and verbose:
        reasons = "; ".join(
            f"{', '.join(names)} {reason}" for reason, names in missing.items()
        )
        print(
            f"gallery: {len(found)} of {len(GALLERY)} pictures; {reasons}", flush=True
        )
    return tuple(found)


def gallery_source(pictures: tuple[GalleryPicture, ...] | None = None) -> Source:
    """The gallery, or some of its pictures, as a source to be prepared at any size."""
    pictures = find_gallery() if pictures is None else pictures
    photos = (
        Photo(p.name, p.name, p.path.stat().st_size, partial(Path.open, p.path, "rb"))
        for p in pictures
    )
    return Source("gallery", tuple(photos))


# ------------------------------------------------------------ where they are


class _Missing(Exception):
    pass


def _packaged(picture):
    try:
        path = Path(str(resources.files(picture.library).joinpath(picture.file)))
    except ImportError:
        raise _Missing(f"not there ({picture.library} is not installed)") from None
    if not path.is_file():
        raise _Missing(f"not there (this {picture.library} does not ship it)")
    return path


def _fetched(picture, folder, offline):
    if folder and _is(picture, folder / picture.file):
        return folder / picture.file
    path = cache_folder() / "gallery" / picture.file
    if _is(picture, path):
        return path
    if offline:
        raise _Missing(offline)
    return _fetch(picture, path)


def _is(picture, path):
    return path.is_file() and sha256(path.read_bytes()).hexdigest() == picture.sha256


def _fetch(picture, path):
    import pooch

    downloader = pooch.HTTPDownloader(timeout=10)
    try:
        pooch.retrieve(
            picture.address,
            picture.sha256,
            path.name,
            path.parent,
            downloader=downloader,
        )
    except ValueError:
        raise _Missing("arrived with another SHA-256 and was refused") from None
    except OSError as error:
        if getattr(error, "response", None) is None:
            raise
        # The connection stands, and this one picture is not there.
        raise _Missing(f"could not be fetched ({_short(error)})") from None
    return path


def _short(error):
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return text if len(text) <= 120 else f"{text[:117]}..."
