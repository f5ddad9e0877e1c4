"""What all studies share: the options, the photographs, the folder and the result."""

import argparse
import itertools
import json
import time
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import asdict
from functools import cached_property
from pathlib import Path

import torch
from torch import nn

from colorize_lib.evaluation.choose import PROTOCOL, TEST_SIZE
from colorize_lib.evaluation.results import FOLDER, save_result
from colorize_lib.experiments.compare import Comparison, compare
from colorize_lib.experiments.variants import SEEN_AT
from colorize_lib.files import replacing
from colorize_lib.photos import coco_sample, from_path
from colorize_lib.photos.collection import Pictures
from colorize_lib.training.recipes import Recipe

PHOTOGRAPHS = {
    "data": "photographs, as the stored models were trained on: then the same are held "
    "out; without it, COCO sample",
    "also": "more of them, for training alone",
    "small": "small pictures, where a training begins with those",
}


class Study:
    """One question, answered by the file in results/ that has the script's name."""

    def __init__(self, file: str, doc: str):
        parser = argparse.ArgumentParser(
            description=doc,
            epilog="All studies have these options, and ignore what they do not need.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        folder = {"type": Path, "metavar": "DIR"}
        for option, told in PHOTOGRAPHS.items():
            repeated = {"action": "append", "default": []}
            parser.add_argument(f"--{option}", help=told, **folder, **repeated)
        told = "where prepared photographs are kept; by default in the cache folder"
        parser.add_argument("--prepared", help=told, **folder)
        parser.add_argument("--seeds", type=int, default=3, help="of what is trained")
        gpu = torch.cuda.is_available()
        parser.add_argument("--device", default="cuda" if gpu else "cpu")
        self.options = parser.parse_args()
        name = Path(file).stem.replace("_", "-")
        self.path, self.runs = FOLDER / f"{name}.json", Path("runs") / name
        self.seeds, self.device = range(self.options.seeds), self.options.device
        self.prepared = self.options.prepared

    @cached_property
    def sources(self) -> dict[str, list]:
        """The collections given, by option."""
        given = vars(self.options)
        found = {name: [from_path(x) for x in given[name]] for name in PHOTOGRAPHS}
        return found | {"data": found["data"] or [coco_sample()]}

    @cached_property
    def pictures(self) -> Pictures:
        """What a model is trained and scored on: all that was given."""
        return Pictures(**self.sources, folder=self.prepared)

    def names(self, option: str = "data") -> str:
        """The collections as results name them: without the folders of this machine."""
        named = [path.resolve().name for path in vars(self.options)[option]]
        return ", ".join(named) or ("coco_sample" if option == "data" else "")

    def held_out(self, part: str) -> list[str]:
        """The names of the photographs that scores are of."""
        return self.pictures.held_out(part, TEST_SIZE).names

    def write(self, **answer: object) -> None:
        """Write what is no score of photographs."""
        with replacing(self.path) as file:
            file.write((json.dumps(answer, indent=1) + "\n").encode())

    def save(self, scores: dict, *, part: str = "test", **about: object) -> None:
        """Write scores on a held-out part of the photographs."""
        photographs = {"data": self.names(), part: self.held_out(part)}
        about |= {"photographs": photographs, "device": self.device}
        save_result(self.path, scores, [], **about)

    def so_far(self) -> Comparison:
        """What an earlier call, perhaps elsewhere, has stored of the answer."""
        return Comparison.read(self.path) if self.path.exists() else Comparison([])

    def missing(
        self, variants: Iterable[str], comparison: Comparison
    ) -> list[tuple[int, str]]:
        """Seed and variant of what is still to be trained, all of one seed first."""
        done = {(run.seed, run.variant) for run in comparison.runs}
        wanted = itertools.product(self.seeds, variants)
        return [pair for pair in wanted if pair not in done]

    def compared(
        self, recipes: Mapping[str, Recipe], *, size: int = SEEN_AT, **others
    ) -> Comparison:
        """What :func:`.compare` finds on all that was given."""
        settings = {"pictures": self.pictures, "seeds": self.seeds} | others
        settings |= {"folder": self.runs, "size": size, "device": self.device}
        return compare(recipes, **settings)

    def save_comparison(
        self, comparison: Comparison, *, size: int = SEEN_AT, **recipes
    ) -> None:
        """Write the scores of what was trained by ``recipe`` or by ``recipes``."""
        if "recipes" in recipes:
            its = {name: asdict(one) for name, one in recipes["recipes"].items()}
            recipes["recipes"] = its
        lines = [line for run in comparison.runs for line in run.history]
        seconds = sum(line["seconds"] for line in lines)
        photographs = {name: self.names(name) for name in PHOTOGRAPHS}
        photographs["test"] = self.held_out("test")
        about = {"size": size, "photographs": photographs, "device": self.device}
        about |= {"minutes": round(seconds / 60, 1), "protocol": PROTOCOL}
        comparison.save(self.path, **recipes, **about)
        print(comparison.markdown())


def once(
    path: Path, network: nn.Module, train: Callable[..., nn.Module], **settings
) -> tuple[nn.Module, float]:
    """A trained copy of a network, and minutes: an earlier call's, if it is there."""
    if path.exists():
        stored = torch.load(path, weights_only=True)
        network = deepcopy(network).eval()
        network.load_state_dict(stored["network"])
        return network, stored["minutes"]
    started = time.monotonic()
    network = train(network, **settings).cpu()
    minutes = (time.monotonic() - started) / 60
    with replacing(path) as file:
        torch.save({"network": network.state_dict(), "minutes": minutes}, file)
    return network, minutes
