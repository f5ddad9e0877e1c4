"""Publish a finished run: its weights, its result, and a card that names both.

    python tools/store_model.py runs/unet-squeezenet ...

The run is that of `colorize train`. The library's default model goes into the package,
the others into weights/; every result into results/, every card into weights/. Of some
recipes, which say so, only the result is kept: there is room for few weights."""

import argparse
import shutil
from hashlib import sha256
from pathlib import Path

from colorize_lib.evaluation.choose import CHOSEN_BY
from colorize_lib.evaluation.results import FOLDER as RESULTS
from colorize_lib.evaluation.results import read_result
from colorize_lib.evaluation.tables import markdown_table
from colorize_lib.files import replacing
from colorize_lib.training.recipes import RECIPES
from colorize_lib.weights import DEFAULT, FOLDERS, load_weights

MOST_BYTES = 16 * 2**20  # a file of the repository; all of them together at most 60 MB

CARD = """\
# {name}

{about}, by `colorize train`. {parameters:,} parameters, stored as float16 safetensors.
It sees photographs with a shorter side of {size} px, chosen on validation photographs
(mean CIEDE2000 there: {by_size}).
{vivid}
| | |
|---|---|
| file | `{file}`, {bytes:,} bytes |
| SHA-256 | `{digest}` |
| began from | {start} |
| trained on | {pictures} |
| command | `{command}` |
| took | {minutes:.0f} minutes on {device}, {date}, torch {torch} |
| code | {commit} |

Scores on {count} photographs that it never saw, and that no choice was made with. {protocol}

{table}

Every number above, and those of each picture and each epoch, are in `results/{name}.json`.
The licenses of most training photographs are unstated; none of them is in this repository.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    for run in parser.parse_args().runs:
        print(f"{run}: {' and '.join(map(str, store(run)))} written")


def store(run: Path) -> list[Path]:
    """Copy what a run left, and write its card; returns the files."""
    result = read_result(run / "result.json")
    name = result["recipe"]["name"]
    files = [] if RECIPES[name].scores_only else _weights_and_card(run, name, result)
    RESULTS.mkdir(exist_ok=True)
    copied = RESULTS / f"{name}.json"
    shutil.copyfile(run / "result.json", copied)
    return [*files, copied]


def _weights_and_card(run, name, result):
    weights = FOLDERS[0 if name == DEFAULT else 1] / f"{name}.safetensors"
    content = (run / "model.safetensors").read_bytes()
    if len(content) > MOST_BYTES:
        raise SystemExit(f"{run}: {len(content):,} bytes, at most {MOST_BYTES:,}")
    with replacing(weights) as file:
        file.write(content)
    about = FOLDERS[1] / f"{name}.md"
    with replacing(about) as file:
        file.write(card(name, weights, result).encode())
    return [weights, about]


def card(name: str, weights: Path, result: dict) -> str:
    """A page about a stored model, from its result and its file."""
    network, metadata = load_weights(weights)
    photographs, means = result["photographs"], result["validation_by_size"]
    by_size = [f"{means[size][CHOSEN_BY]:.3f} at {size} px" for size in means]
    parts = [photographs["data"], photographs["also"], photographs["small"]]
    content = weights.read_bytes()
    return CARD.format(
        **result | metadata,
        by_size=", ".join(by_size),
        vivid=_vivid(result),
        name=name,
        start=_start(result["recipe"]),
        parameters=sum(p.numel() for p in network.parameters()),
        file=weights.relative_to(FOLDERS[1].parent).as_posix(),
        bytes=len(content),
        digest=sha256(content).hexdigest(),
        pictures=", ".join(filter(None, parts)),
        torch=result["versions"]["torch"],
        count=len(photographs["test"]),
        table=markdown_table(result["scores"]),
    )


def _vivid(result):
    if (share := result["recipe"].get("colorfulness")) is None:
        return ""
    return (
        f"What its last tanh is given was then multiplied by {result['vividness']:g}: the "
        f"least factor that gives validation photographs {share:.0%} of their colorfulness.\n"
    )


def _start(recipe):
    if recipe.get("start_from"):
        return f"the stored weights of {recipe['start_from']}"
    if recipe.get("pretrained"):
        left = ", left as it is" if recipe.get("frozen", True) else ""
        return f"an ImageNet encoder{left}"
    if recipe["network"].startswith("fusion"):
        return (
            "random weights; its classifier stayed as it was, and is not in this file"
        )
    return "random weights"


if __name__ == "__main__":
    main()
