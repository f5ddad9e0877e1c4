"""Publish a finished run: its weights, its result, and a card that names both.

    python tools/store_model.py runs/unet-squeezenet ...

The run is that of `colorize train`. The library's default model goes into the package,
the others into weights/; every result into results/, every card into weights/. Of some
recipes, which say so, only the result is kept: there is room for few weights."""

import argparse
import json
import shutil
from hashlib import sha256
from pathlib import Path

from colorize_lib.evaluation.choose import CHOSEN_BY
from colorize_lib.evaluation.results import FOLDER as RESULTS
from colorize_lib.evaluation.results import load_result
from colorize_lib.evaluation.scores import markdown_table
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
    name = json.loads((run / "result.json").read_text())["recipe"]["name"]
    result = RESULTS / f"{name}.json"
    if RECIPES[name].scores_only:
        RESULTS.mkdir(exist_ok=True)
        shutil.copyfile(run / "result.json", result)
        return [result]
    weights = FOLDERS[0 if name == DEFAULT else 1] / f"{name}.safetensors"
    content = (run / "model.safetensors").read_bytes()
    if len(content) > MOST_BYTES:
        raise SystemExit(f"{run}: {len(content):,} bytes, at most {MOST_BYTES:,}")
    with replacing(weights) as file:
        file.write(content)
    RESULTS.mkdir(exist_ok=True)
    shutil.copyfile(run / "result.json", result)
    about = FOLDERS[1] / f"{name}.md"
    with replacing(about) as file:
        file.write(card(name, weights).encode())
    return [weights, result, about]


def card(name: str, weights: Path) -> str:
    """What a user of the weights wants to know, from the stored files alone."""
    network, metadata = load_weights(weights)
    result = load_result(name)
    photographs = result["photographs"]
    parts = [photographs["data"], photographs["also"], photographs["small"]]
    by_size = [
        f"{scores[CHOSEN_BY]:.3f} at {size} px"
        for size, scores in result["validation_by_size"].items()
    ]
    return CARD.format(
        **result | metadata,
        by_size=", ".join(by_size),
        vivid=_vivid(result),
        name=name,
        start=_start(result["recipe"]),
        parameters=sum(p.numel() for p in network.parameters()),
        file=weights.relative_to(FOLDERS[1].parent).as_posix(),
        bytes=weights.stat().st_size,
        digest=sha256(weights.read_bytes()).hexdigest(),
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
        kept = recipe.get("kept", 0)
        share = f", of which {kept:.0%} are kept in the end" if kept else ""
        return f"the stored weights of {recipe['start_from']}{share}"
    if recipe.get("pretrained"):
        learns = any(stage.get("unfreezes") for stage in recipe["stages"])
        left = ", left as it is" if recipe.get("frozen", True) and not learns else ""
        return f"an ImageNet encoder{left}"
    if recipe["network"].startswith("fusion"):
        return (
            "random weights; its classifier stayed as it was, and is not in this file"
        )
    return "random weights"


if __name__ == "__main__":
    main()
