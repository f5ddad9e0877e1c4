"""Write book/all-results.md: what every stored model and every comparison has reached.

    python tools/results_page.py

All its numbers come from the files of results/; its tables from result_tables.py."""

import json
from collections.abc import Mapping
from pathlib import Path

from result_tables import (
    difference_tables,
    groups,
    judged_table,
    landing_tables,
    rows_table,
    same_photographs,
    score_tables,
    seeds_tables,
)
from run_full import CHAPTERS

from colorize_lib.evaluation.results import FOLDER, load_result
from colorize_lib.evaluation.scores import GRAY
from colorize_lib.experiments.compare import load_comparison
from colorize_lib.files import replacing
from colorize_lib.training.recipes import RECIPES, differences
from colorize_lib.weights import DEFAULT

# What neither trains nor compares models: the piece of `make full`, and its script.
SCRIPTS = {
    "evaluation": ("evaluate", "evaluate_models.py"),
    "readings": ("read odds", "read_odds.py"),
    "after-training": ("try answers", "try_after_training.py"),
}
# Pages that show a comparison, where they are not the one for which it is made.
SHOWN_IN = {
    "compare-games": ("07-pix2pix", "08-wgan-gp", "what-we-tried"),
    "compare-losses": ("10-why-brown", "what-we-tried"),
    "compare-ideas": ("what-we-tried",),
}
CARDS = FOLDER.parent / "weights"
PAGE = Path(__file__).parent.parent / "book" / "all-results.md"

INTRODUCTION = """\
# All results

<!-- Made by tools/results_page.py; change that, and run it again. -->

Every number on this page was written by a script, `tools/results_page.py`, from the files
in `results/`. Those hold more: the scores of each photograph and of each epoch. What the
scores mean is taught in [chapter 3](03-autoencoder).
"""
HOW_TO_READ = """\
A cell is the mean over the photographs and, below it, the 95 % interval over
*photographs*: what other photographs of the kind would likely have given. Each model was
trained **once**; what another seed would have given, no interval here tells. Colorfulness
is best when it is near the truth's. A picture without any error would have infinite PSNR;
it counts as the truth's row says.
"""
DIFFERENCES = """\
## Picture by picture

All models find the same photographs hard, so their difference is known much better than
either mean. Here the scores are subtracted photograph by photograph; below the mean
difference stands its 95 % interval, again over photographs. The sign ° marks an interval
with zero in it: these photographs show no difference.
"""
SEEDS = """\
## Comparisons over seeds

Short trainings, each with several seeds. They ask whether *one thing* makes a difference;
these are not the scores of finished models. A cell is the mean over seeds and photographs
and, below it, **no interval** but the spread over seeds: the lowest and the highest. The
intervals over photographs are in the chapters.
"""
JUDGED = """\
## Judged by networks

What {judged_by} makes of the colored pictures, on {count} photographs: "same class", how
often a picture is taken for the same as its photograph; "right class", on those whose class
is known. The scores depend on that network, and the Fréchet distance on the number of
pictures, too: no other paper's or page's may be put beside them. That of Lab is a mistake
on purpose, see [chapter 9](09-evaluation). Rows that are no models are given the true
colors and spoil them in a known way.
"""
READINGS = """\
## One model, read in several ways

`unet-squeezenet-classes` predicts odds of colors. How much of the training's weights is
divided out of them, and how they become one color, is decided afterwards: see [chapter
10](10-why-brown). A cell is the mean over the photographs and, below it, its interval.
"""
LANDINGS = """\
## Where methods land

The laws of a drawn scene name every color that a thing may have, so it can be measured
what a method answers: see [chapter 7](07-pix2pix) and [chapter 8](08-wgan-gp). Distances
in Lab units, means over seeds and, below, the lowest and the highest seed. The last column
is the share of pixels that have the same nearest true color.
"""
MAKE_AGAIN = """\
## What was trained when, and how to do it again

`make full` does all of it in order. Photographs are named as they lay on the disk of
whoever trained; with others the numbers will be others. A commit that ends in `-dirty`
means that files had been changed since: the code may differ from it. Other files in
`results/`, of which this page shows nothing: {others}.
"""


def main() -> None:
    text = page()  # all of it, before the old page is touched
    with replacing(PAGE) as file:
        file.write(text.encode())


def page() -> str:
    """The whole page, from the result files alone."""
    names = [path.stem for path in FOLDER.glob("*.json")]
    read = {name: _read(name) for name in sorted(names, key=_place)}
    files = {
        name: result
        for name, result in read.items()
        if "scores" in result and "test" in result["photographs"]
    }
    first, *others = groups({n: r for n, r in files.items() if n in r["scores"]})
    reference = next(iter(first.values()))

    parts = [INTRODUCTION, _comparable(files, reference), *_models(first)]
    for number, group in enumerate(others, start=1):
        protocol = _protocol(next(iter(group.values())))
        parts += [f"## On other photographs, {number}", protocol, score_tables(group)]
    parts.append(SEEDS)
    for name in (name for name in files if "runs" in files[name]):
        parts += [f"### {name}", _budget(name, files[name], reference)]
        parts.append(seeds_tables(load_comparison(name)[0]))
    for result in (result for result in files.values() if "columns" in result):
        parts += [
            JUDGED.format(**result, count=len(result["photographs"]["test"])),
            judged_table(result),
        ]
    for result in (result for result in files.values() if "validation" in result):
        parts += [READINGS, rows_table(result["summary"])]
    parts += [LANDINGS, landing_tables(read["landings"]["runs"])]
    rest = [f"`{name}.json`" for name in read if name not in {*files, "landings"}]
    parts.append(MAKE_AGAIN.format(others=", ".join(rest) or "none"))
    parts += [_provenance(name, files) for name in files]
    parts.append(_provenance_of_landings(read["landings"]))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _models(group):
    """The main tables, of the models that can be compared with the default one."""
    reference = next(iter(group.values()))
    yield from ("## The models", _protocol(reference), score_tables(group))
    unstored = [f"`{name}`" for name in group if not (CARDS / f"{name}.md").exists()]
    if unstored:
        yield f"Only the scores are kept, and no weights, of {', '.join(unstored)}."
    yield from (HOW_TO_READ, DIFFERENCES)
    yield from ("**Minus the gray picture**", difference_tables(group, GRAY))
    if DEFAULT in group:
        yield f"**Minus `{DEFAULT}`**, which `colorize` uses"
        yield difference_tables(group, DEFAULT)


def _read(name):
    scored = "scores" in (result := json.loads((FOLDER / f"{name}.json").read_text()))
    return load_result(name) if scored else result


def _place(name):
    """The order of the chapters; what none of them shows comes last."""
    pieces = [piece for pieces in CHAPTERS.values() for piece in pieces]
    piece = _piece(name)
    return pieces.index(piece) if piece in pieces else len(pieces), name


def _piece(name):
    """What `make full` calls the training of a result file."""
    if name in SCRIPTS:
        return SCRIPTS[name][0]
    compared = name.removeprefix("compare-")
    return f"train {name}" if compared == name else f"compare {compared}"


def _shown_in(name):
    made_for = [page for page, pieces in CHAPTERS.items() if _piece(name) in pieces]
    links = [f"[{_called(page)}]({page})" for page in SHOWN_IN.get(name, made_for)]
    return f"Shown in {', '.join(links)}. " if links else ""


def _called(page):
    return f"chapter {int(page[:2])}" if page in CHAPTERS else page.replace("-", " ")


# ------------------------------------------------------------ what was scored on what


def _comparable(files, reference):
    same = [name for name in files if same_photographs(reference, files[name])]
    count = len(reference["photographs"]["test"])
    how_many = "All" if len(same) == len(files) else f"{len(same)} of the"
    text = (
        f"**What may be compared?** {how_many} {len(files)} files with scores name the "
        f"same protocol and the same {count} test photographs. In all of these files the "
        "gray picture of each photograph has the same scores, too: it was the same file."
    )
    if rest := [name for name in files if name not in same]:
        text += f" **Not to be compared with these**: {', '.join(rest)}."
    return text + (
        " The trials of the [recipes](all-recipes) have test photographs of their own, and "
        "are in no table here."
    )


def _protocol(result):
    count = len(result["photographs"]["test"])
    return f"Scored on {count} photographs. {result['protocol']}"


def _budget(name, result, reference):
    seeds = len({seed for _, seed in result["runs"]})
    recipes = result.get("recipes", {}).values() or [result["recipe"]]
    budgets = sorted({_stages(recipe) for recipe in recipes})
    text = _shown_in(name) + (
        f"{seeds} seeds of each: {'; or '.join(budgets)}. {result['minutes']:.0f} minutes "
        f"in all. Test photographs are seen at {result['size']} px. "
    )
    if same_photographs(reference, result):
        return text + "The test photographs are those of the stored models."
    return text + "**The test photographs are not those of the stored models.**"


# ------------------------------------------------------------ how it was made


def _provenance(name: str, files: Mapping[str, dict]) -> str:
    """Under a heading of its own: data, seed, minutes, device, versions, commands."""
    result = files[name]
    photographs, versions = result["photographs"], result["versions"]
    kinds = {"data": "", "also": "also ", "small": "small pictures of "}
    pictures = [kinds[k] + photographs[k] for k in kinds if photographs.get(k)]
    done = "Scoring" if name in SCRIPTS else "Training"
    lines = [f"### {done} {name}", "", f"- on {'; '.join(pictures)}"]
    if name in result["scores"]:
        lines += _of_the_recipe(result["recipe"], files)
    lines.append(
        f"- {result['date']}: {_minutes(result)}on {result['device']}; commit "
        f"`{result['commit']}`, Python {versions['python']}, torch {versions['torch']}"
    )
    return "\n".join([*lines, "", "```", *_commands(name, result), "```"])


def _of_the_recipe(recipe, files):
    yield f"- seed {recipe['seed']}; {_stages(recipe)}"
    if before := recipe.get("start_from"):
        minutes = _minutes(files.get(before, {}))
        yield f"- goes on from {before}, whose {minutes or 'minutes '}come on top"
    now = RECIPES.get(recipe.get("name"))
    if now is None:
        yield "- **its recipe is no longer in the library**: this attempt was not kept"
    elif differences(recipe, now):
        yield "- **its recipe is another one by now**, and will give others"


def _minutes(result):
    return f"{result['minutes']:.0f} minutes " if "minutes" in result else ""


def _provenance_of_landings(landings):
    minutes = sum(run["minutes"] for run in landings["runs"])
    about = f"- {landings['date']}: {minutes:.0f} minutes on {landings['device']}"
    about += "; commit and versions were not noted"
    command = "```\npython tools/land_on_scenes.py\n```"
    return f"### Training on drawn scenes\n\n{about}\n\n{command}"


def _stages(recipe):
    stages = []
    for stage in recipe["stages"]:
        epochs = "1 epoch" if stage["epochs"] == 1 else f"{stage['epochs']} epochs"
        stages.append(f"{epochs} at {stage['size']} px")
    return ", then ".join(stages)


def _commands(name, result):
    if "command" in result and name not in SCRIPTS:
        return [result["command"], f"python tools/store_model.py runs/{name}"]
    compared = name.removeprefix("compare-")
    words = ["python tools/compare_networks.py", compared]
    if name in SCRIPTS:
        words = [f"python tools/{SCRIPTS[name][1]}"]
    for option in ("data", "also", "small"):
        named = filter(None, result["photographs"].get(option, "").split(", "))
        words += [f"--{option} {folder}" for folder in named]
    return [" ".join(words)]


if __name__ == "__main__":
    main()
