"""What a chapter opens and closes with: scale, device, seed, sources, provenance."""

import hashlib
import inspect
import os
import platform
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from colorize_lib.evaluation.choose import choose_size, score_on_test
from colorize_lib.evaluation.results import load_result
from colorize_lib.evaluation.scores import Scores
from colorize_lib.experiments.compare import Comparison, compare
from colorize_lib.inference import Colorizer
from colorize_lib.notebook import plots
from colorize_lib.photos import (
    Source,
    cache_folder,
    coco_sample,
    combined,
    draw,
    drawn_photographs,
    find_gallery,
    from_path,
    read_photo,
)
from colorize_lib.photos.collection import Pictures
from colorize_lib.photos.gallery import GalleryPicture
from colorize_lib.training.recipes import Recipe
from colorize_lib.training.train import train

SCALES = ("quick", "colab", "full")
PACKAGE = "learning-to-colorize"
# What a chapter's run says of a sentence in its text.
AGREES, TOO_SHORT = "as in the text", "too short a run to tell"
DISAGREES = "NOT as in the text"
NO_GPU = (
    "No GPU is seen: this goes on at the quick scale, with drawn scenes and short "
    "trainings. To train on photographs, choose Runtime > Change runtime type > T4 GPU "
    "and then Runtime > Run all."
)


@dataclass(frozen=True)
class Gallery:
    """The pictures that every chapter colors.

    Attributes:
        pictures: what is known of each.
        photos: uint8 ``(n, 3, size, size)``.
    """

    pictures: list[GalleryPicture]
    photos: Tensor

    @property
    def colorable(self) -> list[int]:
        """Those whose true colors are known, by number."""
        return [i for i, picture in enumerate(self.pictures) if picture.color]

    @property
    def historical(self) -> list[int]:
        """Those that only exist in black and white, by number."""
        return [i for i, picture in enumerate(self.pictures) if not picture.color]

    def colored_by(self, model: Colorizer) -> list[Tensor]:
        """All of them as a model colors them."""
        return [model.color_in_place(photo.clone()) for photo in self.photos]


@dataclass(frozen=True)
class Trained:
    """A finished training: of this run, or as it was stored.

    Attributes:
        model: the colorizer.
        history: a line for each epoch, see :func:`.fit`.
        scores: on the test photographs, of gray, the model and the truth.
        by_size: mean validation scores, by the size at which the network sees them.
    """

    model: Colorizer
    history: list[dict]
    scores: dict[str, Scores]
    by_size: dict


@dataclass(frozen=True)
class Chapter:
    """A running chapter; notebooks make it with :func:`start`."""

    name: str
    scale: str
    device: torch.device
    seed: int
    started: float = field(default_factory=time.monotonic)

    def settings(
        self, *, quick: dict, colab: dict | None = None, full: dict | None = None
    ) -> SimpleNamespace:
        """A chapter's settings for the scale at hand, as attributes.

        Args:
            quick: all of them, by name.
            colab: those that differ from ``quick``.
            full: those that differ from ``colab``.

        Raises:
            ValueError: ``colab`` or ``full`` has a name that ``quick`` has not.
        """
        chosen = dict(quick)
        for scale, changes in (("colab", colab or {}), ("full", full or {})):
            if unknown := sorted(set(changes) - set(quick)):
                raise ValueError(
                    f"quick has no {', '.join(unknown)}, which {scale} sets; "
                    "give it a value there, too"
                )
            if self._reaches(scale):
                chosen |= changes
        return SimpleNamespace(**chosen)

    def pick(self, *, quick: Any, colab: Any = None, full: Any = None) -> Any:
        """The value for the scale at hand; by default that of the next smaller one."""
        colab = quick if colab is None else colab
        full = colab if full is None else full
        return {"quick": quick, "colab": colab, "full": full}[self.scale]

    def photographs(self, most: int | None = None) -> Source:
        """The photographs that a chapter learns from.

        Those of ``COLORIZE_PHOTOS``, folders or archives with ``os.pathsep`` between
        them; without it drawn scenes at the quick scale, and COCO sample at the others.

        Args:
            most: of more than so many, as many are drawn, the same ones each time.
        """
        source = self._all_photographs()
        too_many = most is not None and len(source) > most
        return source.subset(draw(source, most, seed=0)) if too_many else source

    def _all_photographs(self):
        if paths := os.environ.get("COLORIZE_PHOTOS"):
            sources = [from_path(path) for path in paths.split(os.pathsep)]
            return sources[0] if len(sources) == 1 else combined(*sources)
        if self.kind == "photographs":
            return coco_sample()
        if "google.colab" in sys.modules:
            print(NO_GPU)
        return drawn_photographs()

    @property
    def kind(self) -> str:
        """What :meth:`photographs` gives: photographs, or drawn scenes instead."""
        drawn = self.scale == "quick" and not os.environ.get("COLORIZE_PHOTOS")
        return "drawn scenes" if drawn else "photographs"

    def agrees(self, claim: str, shown: bool, *, enough: str = "quick") -> None:
        """Print whether this run shows what the text below it says.

        The text was written after one run; a reader's own may be shorter, or differ.

        Args:
            claim: what the text says.
            shown: whether the numbers of this run say so, too.
            enough: the smallest scale whose run is long enough to tell.
        """
        _check_scale("enough", enough)
        otherwise = DISAGREES if self._reaches(enough) else TOO_SHORT
        print(f"{AGREES if shown else otherwise}: {claim}")

    def folder(self, recipe: Any) -> Path:
        """Where this chapter's training by ``recipe`` lies, to be gone on with.

        Another recipe, other photographs or another edition of the book get another
        folder: an older run is neither mixed with a new one nor in its way. They lie in
        ``COLORIZE_RUNS``, by default in the cache folder.
        """
        settings = (recipe, os.environ.get("COLORIZE_PHOTOS"), _version(PACKAGE))
        digest = hashlib.sha256(repr(settings).encode()).hexdigest()
        runs = Path(os.environ.get("COLORIZE_RUNS") or cache_folder() / "runs")
        return runs / f"{self.name}-{self.scale}-{digest[:8]}"

    def pictures(self, most: int | None = None, **held_out: int) -> Pictures:
        """:meth:`photographs`, split into training, validation and test.

        Args:
            most: as of :meth:`photographs`.
            held_out: ``validation`` and ``test``, as of
                :class:`.collection.Pictures`.
        """
        verbose = self.scale != "quick"
        return Pictures([self.photographs(most)], verbose=verbose, **held_out)

    def gallery(self, size: int = 256) -> Gallery:
        """The pictures that every chapter colors, and none trains on."""
        found = find_gallery(download=self.scale != "quick", verbose=False)
        return Gallery(found, torch.stack([read_photo(x.path, size) for x in found]))

    def train_or_load(
        self, recipe: Recipe, pictures: Pictures, *, even_quick: bool = False
    ) -> Trained:
        """Train a colorizer and score it, or load a longer training's stored result.

        The quick scale loads it, too: a minute makes no colorizer.

        Args:
            recipe: its name is that of the stored result.
            pictures: to learn from, to choose the network's size by, and to score on.
            even_quick: let the quick scale train all the same, to show that it runs.
        """
        if not (self.load if even_quick else self.shows_stored):
            folder = self.folder(recipe)
            network, history = train(recipe, pictures, folder, device=self.device)
            print(f"trained on {self.kind}, loss {history[-1]['loss']:.3f} at the end")
        if self.shows_stored:
            result = load_result(recipe.name)
            print("loaded: " + _provenance(result))
            model = Colorizer.load(recipe.name, self.device)
            by_size = result["validation_by_size"]
            return Trained(model, result["history"], result["scores"], by_size)
        size, by_size = choose_size(network, pictures, device=self.device)
        scores = score_on_test(
            network, pictures, name=recipe.name, size=size, device=self.device
        )
        return Trained(Colorizer(network, size), history, scores, by_size)

    def compare_or_load(
        self,
        name: str,
        recipes: Mapping[str, Recipe],
        pictures: Pictures,
        *,
        size: int,
        seeds: Iterable[int],
        networks: Mapping[str, Callable[[], nn.Module]] | None = None,
    ) -> Comparison:
        """Compare short trainings, or load a comparison of longer ones.

        The quick scale does both: its own runs only show that all of them run.

        Args:
            name: of the stored comparison.
            recipes, pictures, size, seeds, networks: as of :func:`.compare`.
        """
        if not self.load:
            comparison = compare(
                recipes,
                pictures,
                self.folder(recipes),
                size=size,
                networks=networks,
                seeds=seeds,
                device=self.device,
            )
            print(f"trained on {self.kind}:", *recipes, sep="\n    ")
        if self.shows_stored:
            comparison = Comparison.load(name)
            print("loaded: " + _provenance(comparison.about))
        return comparison

    @property
    def load(self) -> bool:
        """Whether stored weights were asked for (``COLORIZE_LOAD=1``) over training."""
        return os.environ.get("COLORIZE_LOAD", "") not in ("", "0")

    @property
    def shows_stored(self) -> bool:
        """Whether long trainings are shown as stored, which the quick scale does."""
        return self.load or self.scale == "quick"

    def finish(self) -> None:
        """Print how long the chapter took, when, and with which versions."""
        minutes = (time.monotonic() - self.started) / 60
        where = f"at the {self.scale} scale on {_hardware(self.device)}"
        print(f"{self.name}: {minutes:.1f} minutes {where}")
        packages = ("torch", "torchvision", "numpy", PACKAGE)
        versions = [f"{name} {_version(name)}" for name in packages]
        python = f"Python {platform.python_version()}"
        print(date.today().isoformat(), python, *versions, sep=" · ")

    def _reaches(self, scale):
        return SCALES.index(self.scale) >= SCALES.index(scale)


def start(name: str, *, data: str, seed: int = 0) -> Chapter:
    """Open a chapter: choose scale and device, seed torch, say so.

    Args:
        name: the notebook's, as ``"01-rgb-and-lab"``.
        data: what the chapter computes on, for the reader.
        seed: of everything random in the chapter.

    Returns:
        The chapter, at the scale of the environment variable ``COLORIZE_SCALE``;
        without it, ``colab`` where a GPU is seen and ``quick`` elsewhere.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    by_device = "colab" if device.type == "cuda" else "quick"
    scale = os.environ.get("COLORIZE_SCALE") or by_device
    _check_scale("COLORIZE_SCALE", scale)
    torch.manual_seed(seed)
    plots.use_style()
    print(f"Scale: {scale} · device: {_hardware(device)} · data: {data} · seed: {seed}")
    return Chapter(name, scale, device, seed)


def show_source(*objects: Any) -> Any:
    """The source of the library's own functions, classes or methods, highlighted.

    What a reader sees is what was tested: the tests compare stored pages with it.
    """
    from IPython.display import Markdown

    blocks = []
    for thing in objects:
        thing = inspect.unwrap(thing)  # a decorator lies in another file
        file = Path(inspect.getsourcefile(thing)).as_posix()
        where = file[file.rindex("colorize_lib/") :]
        source = textwrap.dedent(inspect.getsource(thing)).rstrip()
        blocks.append(f"From `{where}`:\n\n```python\n{source}\n```")
    return Markdown("\n\n".join(blocks))


def _provenance(result):
    minutes, device = result["minutes"], result["device"]
    return f"{minutes:.0f} minutes on {device}, {result['date']}"


def _check_scale(what, scale):
    if scale not in SCALES:
        raise ValueError(f"{what} must be one of {', '.join(SCALES)}, not {scale!r}")


def _hardware(device):
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' if threads > 1 else ''}"


def _version(name):
    try:
        return version(name).split("+")[0]
    except PackageNotFoundError:
        return "from a folder"
