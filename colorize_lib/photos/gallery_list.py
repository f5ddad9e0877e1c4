"""The pictures of the gallery: title, credit, license, and where each comes from.

Seven come with scikit-image, scikit-learn and matplotlib. Eleven CC0 photographs, and
four historical ones that exist in black and white only, are fetched once, by address
and SHA-256.
"""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from PIL import Image

from colorize_lib.photos.reading import open_photo


@dataclass(frozen=True)
class GalleryPicture:
    """A picture of the gallery.

    Attributes:
        name: short, unique.
        title: what it shows, for the caption.
        credit: whose it is, for the caption.
        license: under which it may be used, for the caption.
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


def _shipped(library, file, name, title, credit, license):
    return GalleryPicture(name, title, credit, license, True, file, library)


def _cc0(name, title, credit, digest):
    address = f"{_BUDGIE}/backgrounds/{name}.jpg"
    return GalleryPicture(
        name, title, credit, "CC0 1.0", True, f"{name}.jpg", "", address, digest
    )


def _historical(name, title, credit, file, digest):
    address = f"{_DDCOLOR}/assets/test_images/{quote(file)}"
    path = f"historical/{name}.jpg"
    return GalleryPicture(
        name, title, credit, "public domain", False, path, "", address, digest
    )


_RAW = "https://raw.githubusercontent.com"
_BUDGIE = (
    f"{_RAW}/BuddiesOfBudgie/budgie-backgrounds/"
    "82067426f1dde366e9c9038fdbe457c2527525dd"
)
_DDCOLOR = f"{_RAW}/piddnad/DDColor/2adb63f2656ac41cbdf7b894cddd94121a3faf13"
_UNNAMED = "Budgie Backgrounds, photographer not named"
_DETROIT = "Detroit Publishing Company"

# fmt: off
GALLERY: tuple[GalleryPicture, ...] = (
    _shipped("skimage", "data/astronaut.png", "astronaut", "Eileen Collins, astronaut",
             "NASA", "public domain"),
    _shipped("skimage", "data/chelsea.png", "chelsea", "Chelsea the cat",
             "Stéfan van der Walt", "CC0 1.0"),
    _shipped("skimage", "data/coffee.png", "coffee", "A cup of coffee",
             "Rachel Michetti, Pikolo Espresso Bar", "CC0 1.0"),
    _shipped("skimage", "data/rocket.jpg", "rocket", "DSCOVR launched on a Falcon 9",
             "SpaceX", "public domain"),
    _shipped("sklearn", "datasets/images/china.jpg", "china", "A temple in China",
             "danielbuechele, Flickr", "CC BY 2.0"),
    _shipped("sklearn", "datasets/images/flower.jpg", "flower", "A dahlia",
             "vultilion, Flickr", "CC BY 2.0"),
    _shipped("matplotlib", "mpl-data/sample_data/grace_hopper.jpg", "grace_hopper",
             "Commodore Grace Hopper", "United States Navy", "public domain"),
    _cc0("lake-sherburne", "Lake Sherburne, Glacier National Park", "Jacob W. Frank",
         "3328b2304962a173153e9e4c81a2bec3c24fb4ffa4b5af6aac0774dc89e1cb06"),
    _cc0("tea-gardens", "Tea gardens", _UNNAMED,
         "85eeef1f155d97fa6350b610df3297aae0508c8c51387a6193f3330b03825597"),
    _cc0("perched-osprey", "An osprey in a tree", "NPS / Jacob W. Frank",
         "588cf665d3b152be3cbca439a680aa06df43e573d1c2ed6aedc432a6684fd9a9"),
    _cc0("oakland-zoo-otters", "River otters, Oakland Zoo", "Derrick Coetzee",
         "9e98f21823674735b79a030632008a9229eed93ffbd0c4844263397f64fba24a"),
    _cc0("extreme-desert-hike", "A hike over the dunes", _UNNAMED,
         "dbf6fad925bc0f84059f9a77c3ebe5990371b0268eebe5d43a7f268bc4946c08"),
    _cc0("roman-colosseum", "The Colosseum, Rome", _UNNAMED,
         "4995228348caa1e905c455d4ad5023869e76ac35564c766372060bcf96de1ea1"),
    _cc0("canyon-wren", "A canyon wren", "NPS Photo",
         "72e363a4fc3284e238e8405bfd038a91b2d2c14c4e9391e98496baab6ec46f4a"),
    _cc0("blue-periwinkle", "Small blue flowers", _UNNAMED,
         "312a76bf05affc7db4555127fd856d1387ebdd45f5d86b64cd2e6c428380b2e4"),
    _cc0("beacon-street-sunset", "Sunset over Beacon Street",
         "Matt Willett, The ADK Group",
         "5e9ca463019146cf3f525b117348fbfdfef7e0a59a094f575c3fba69523e5a67"),
    _cc0("the-spices-of-life", "The spices of life", _UNNAMED,
         "c0ee71e79b11e7794cd81f4b384f58866ef552f03d1a7ee67a8d4cc151890976"),
    _cc0("singaporean-cityscape", "The skyline of Singapore", "Romain Guy",
         "5c7c5912eb5443231e61d85d17465b714fce43f19084c68a87a1a04543414fb3"),
    _historical("saratoga_1900s",
                "Broadway at the United States Hotel, Saratoga Springs, 1900 to 1915",
                _DETROIT,
                "Broadway at the United States Hotel Saratoga Springs, N.Y. "
                "ca 1900-1915.jpg",
                "137636b73f40742f1b25c9de630126fc216aef21459aeeda869b30bfc97843ab"),
    _historical("buffalo_1908", "Erie County Savings Bank, Buffalo, about 1908",
                _DETROIT,
                "Buffalo Bank Buffalo, New York, circa 1908. "
                "Erie County Savings Bank, Niagara Street.jpg",
                "9cadb9f6a9ccbf82a23ef5e7f20dc7243c2872a72a0fc6028ed122d1cea927a5"),
    _historical("detroit_1915", "Detroit, about 1915", _DETROIT,
                "Detroit circa 1915.jpg",
                "205bafd9d5649b7eba459a47b7137b3050fef2789781141063313388858d3108"),
    _historical("nipomo_1936",
                "A mother of seven in a pea pickers' camp, Nipomo, February 1936",
                "Dorothea Lange, Farm Security Administration",
                "February 1936. Nipomo, Calif. Destitute pea pickers living in tent in "
                "migrant camp. Mother of seven children. Age 32.jpg",
                "1804b08a69e215c2326232ee5279eb4be0d7e31104cc68c3b9c21b916a592d33"),
)
# fmt: on
