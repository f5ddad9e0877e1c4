"""Write the book's address wherever it is needed: make stamp

    python tools/stamp.py                        # from pyproject.toml, the one place
    python tools/stamp.py --owner NAME --tag v1  # changes it there first

The address is that of the repository (owner, name) and of the tag or branch that Colab
opens. Links, setup cells and metadata of the notebooks follow from it."""

import argparse
import re
import tomllib
from base64 import b64encode
from dataclasses import asdict, dataclass
from pathlib import Path

import nbformat

from colorize_lib.files import replacing

ROOT = Path(__file__).parent.parent
NOT_SET = "OWNER_NOT_SET"  # no name on GitHub has an underscore: nobody can own it
# These need no GPU: nothing is trained in them, or next to nothing.
WITHOUT_GPU = ("01-rgb-and-lab", "02-photographs-to-batches", "09-evaluation")
BADGE = ROOT / "book" / "_static" / "open-in-colab.png"


@dataclass(frozen=True)
class Address:
    """Where the book lives, and at which tag or branch."""

    owner: str
    repository: str
    tag: str

    def __post_init__(self):
        for name, value in asdict(self).items():
            allowed = r"[\w.-]+" if name != "tag" else r"[\w./-]+"
            if not re.fullmatch(allowed, value):
                raise ValueError(f"{name} cannot be {value!r}")

    @property
    def code(self) -> str:
        """The repository."""
        return f"https://github.com/{self.owner}/{self.repository}"

    @property
    def pages(self) -> str:
        """The published book."""
        return f"https://{self.owner.lower()}.github.io/{self.repository}/"

    def colab(self, notebook: str) -> str:
        """A chapter, opened in Colab."""
        place = f"{self.owner}/{self.repository}/blob/{self.tag}/book/{notebook}.ipynb"
        return f"https://colab.research.google.com/github/{place}"


def address(root: Path = ROOT) -> Address:
    """What pyproject.toml says under ``[tool.book]``."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return Address(**project["tool"]["book"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in Address.__annotations__:
        parser.add_argument(f"--{name}", help="changed in pyproject.toml, too")
    given = {name: x for name, x in vars(parser.parse_args()).items() if x}
    if given:
        move(ROOT, Address(**asdict(address()) | given))
    changed = stamp(ROOT)
    print(f"{address().code} at {address().tag}: {len(changed)} files changed")
    print("".join(f"  {name}\n" for name in changed), end="")
    if address().owner == NOT_SET:
        print(f"The owner is not set: --owner NAME, in place of {NOT_SET}")


def move(root: Path, to: Address) -> None:
    """Write another address into pyproject.toml."""
    path = root / "pyproject.toml"
    text = path.read_text(encoding="utf-8")
    for name, value in asdict(to).items():
        text = _set(path, text, rf'(?m)^({name} = )".*"$', f'"{value}"')
    with replacing(path) as file:
        file.write(text.encode())


def stamp(root: Path) -> list[str]:
    """Write what :func:`stamped` says; the names of the files that were changed."""
    changed = []
    for path, text in stamped(root).items():
        if path.read_text(encoding="utf-8") != text:
            with replacing(path) as file:
                file.write(text.encode())
            changed.append(path.relative_to(root).as_posix())
    return changed


def stamped(root: Path) -> dict[Path, str]:
    """Each file that holds the address, as it should be.

    Raises:
        ValueError: a file has lost the line that is to be stamped.
    """
    here = address(root)
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    lines = {  # after what a line begins with, and what follows there
        "pyproject.toml": {
            "Homepage = ": f'"{here.pages}"',
            "Source = ": f'"{here.code}"',
        },
        "_config.yml": {
            "    html_baseurl: ": here.pages,
            "    ogp_site_url: ": here.pages,
            "    notfound_urls_prefix: ": f"/{here.repository}/",
            "      repository_url: ": here.code,
            "      repository_branch: ": here.tag,
        },
        "CITATION.cff": {
            "version: ": project["project"]["version"],
            "repository-code: ": here.code,
            "url: ": here.pages,
        },
        "README.md": {
            "[published]: ": here.pages,
            "[in Colab]: ": here.colab("01-rgb-and-lab"),
            "[tests]: ": f"{here.code}/actions/workflows/test.yml",
            "[tests-badge]: ": f"{here.code}/actions/workflows/test.yml/badge.svg",
        },
        "book/index.md": {
            "[repository]: ": here.code,
            "[in Colab]: ": here.colab("01-rgb-and-lab"),
        },
    }
    found = {}
    for name, stamps in lines.items():
        path = root / name
        found[path] = path.read_text(encoding="utf-8")
        for start, value in stamps.items():
            pattern = rf"(?m)^({re.escape(start)}).*$"
            found[path] = _set(path, found[path], pattern, value)
    about = descriptions(root)
    for path in sorted((root / "book").glob("*.ipynb")):
        if path.stem not in about:
            raise ValueError(f"{path.name} is missing in the table of book/index.md")
        found[path] = _notebook(path, here, about[path.stem])
    return found


def _set(path, text, pattern, value):
    text, count = re.subn(pattern, lambda found: found[1] + value, text)
    if count != 1:
        raise ValueError(f"{path.name}: {count} lines like {pattern!r}, not one")
    return text


# ------------------------------------------------------------ notebooks


def setup_cell(here: Address) -> str:
    """The first code of a chapter."""
    folder = here.repository
    clone = f"git clone -q --depth=1 -b {here.tag} {here.code}"
    return f"""\
if "google.colab" in str(get_ipython()):  # fetch the book; move no package
    import runpy

    ![ -d {folder} ] || {clone}
    runpy.run_path("{folder}/tools/in_colab.py", run_name="__main__")"""


def descriptions(root: Path) -> dict[str, str]:
    """What the preface says of each chapter: for searches and sites that link to it."""
    text = (root / "book" / "index.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[.*?\]\((\d\d-.*?)\) \| (.*?) \|$", text, re.MULTILINE)
    return {name: f"{about[0].upper()}{about[1:]}." for name, about in rows}


def metadata(notebook: str, about: str) -> dict:
    """For Colab: whether to ask for a GPU. For pages: how they describe themselves."""
    found = {
        "colab": {"provenance": []},
        "myst": {"html_meta": {"description": about}},
        "og:description": about,
    }
    if notebook not in WITHOUT_GPU:
        found["accelerator"] = "GPU"
        found["colab"]["gpuType"] = "T4"
    return found


def _notebook(path, here, about):
    notebook = nbformat.read(path, as_version=4)
    title, setup = notebook.cells[:2]
    paragraphs = title.source.split("\n\n")
    if (
        "Open this chapter in Colab]" not in paragraphs[1]
        or "google.colab" not in setup.source
    ):
        raise ValueError(
            f"{path.name} must begin with a cell whose second paragraph links to Colab, "
            "and the cell that sets Colab up"
        )
    paragraphs[1] = f"[![Open this chapter in Colab][badge]]({here.colab(path.stem)})"
    if paragraphs[-1].startswith("[badge]: "):
        paragraphs.pop()
    # The picture lies in the notebook: there is no file beside it in Colab.
    picture = b64encode(BADGE.read_bytes()).decode()
    paragraphs.append(f"[badge]: data:image/png;base64,{picture}")
    title.source, setup.source = "\n\n".join(paragraphs), setup_cell(here)
    notebook.metadata.pop("accelerator", None)
    notebook.metadata.update(metadata(path.stem, about))
    return nbformat.writes(notebook) + "\n"


if __name__ == "__main__":
    main()
