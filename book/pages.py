"""What the text notebooks of this folder share: stored results as tables.

Rows are by name, with an ``Estimate`` or a number for each column.
"""

from collections.abc import Iterable, Mapping

import pandas as pd
from IPython.display import Markdown

from colorize_lib.evaluation.results import FOLDER, load_result
from colorize_lib.evaluation.scores import (
    GRAY,
    HEADINGS,
    TRUTH,
    Estimate,
    paired_differences,
)
from colorize_lib.training.recipes import RECIPES
from colorize_lib.weights import DEFAULT

FOLDED = ("ssim", "ab_l1")
ROUNDED = 2e-4  # by so much may stored scores of the same pictures differ
# What the result files call something, in the words of the book.
WORDS = {"odds": "probabilities", "weights divided out": "rebalancing undone"}


def models() -> tuple[dict[str, dict], list[str]]:
    """Results of the recipes that may be compared with the default's; who may not."""
    stored = [name for name in RECIPES if (FOLDER / f"{name}.json").is_file()]
    results = {name: load_result(name) for name in stored}
    apart = [n for n in stored if not same_photographs(results[DEFAULT], results[n])]
    return {n: r for n, r in results.items() if n not in apart}, apart


def same_photographs(one: Mapping, other: Mapping) -> bool:
    """Whether two results may stand in one table: same protocol, names, and files.

    The files behind the names were the same if gray and truth have the same scores.
    """
    told = [(x["protocol"], x["photographs"]["test"]) for x in (one, other)]
    return told[0] == told[1] and all(
        (values - other["scores"][row].values[metric]).abs().max() <= ROUNDED
        for row in (GRAY, TRUTH)
        for metric, values in one["scores"][row].values.items()
        if metric in other["scores"][row].values
    )


def estimates(summary: Mapping[str, Mapping]) -> dict:
    """Means and their intervals over photographs, from the summary of a result file."""
    return {r: {m: Estimate(**x) for m, x in row.items()} for r, row in summary.items()}


def side_by_side(results: Mapping[str, dict]) -> dict:
    """The rows of several models, between gray and truth."""
    ends = next(iter(results.values()))["summary"]
    own = {name: result["summary"][name] for name, result in results.items()}
    return estimates({GRAY: ends[GRAY], **own, TRUTH: ends[TRUTH]})


def minus(results: Mapping[str, dict], base: str) -> dict:
    """Differences, photograph by photograph, from a model or from ``GRAY``."""
    below = results.get(base) or next(iter(results.values()))
    return {
        name: paired_differences(result["scores"][name], below["scores"][base])
        for name, result in results.items()
        if name != base
    }


def over_seeds(result: Mapping, variants: Iterable[str] = ()) -> dict:
    """Of a comparison, the mean over seeds with the lowest and the highest seed."""
    summary, wanted, seeds = result["summary"], set(variants), {GRAY: [GRAY]}
    for variant, seed in result["runs"]:
        if not wanted or variant in wanted:
            seeds.setdefault(variant, []).append(f"{variant}, seed {seed}")
    return {
        name: {m: spread(summary[row][m]["mean"] for row in rows) for m in HEADINGS}
        for name, rows in (seeds | {TRUTH: [TRUTH]}).items()
    }


def spread(seeds: Iterable[float]) -> Estimate:
    """The mean, the lowest and the highest."""
    seeds = list(seeds)
    return Estimate(sum(seeds) / len(seeds), min(seeds), max(seeds))


def scores(rows: Mapping[str, Mapping], signed: bool = False) -> Markdown:
    """The usual scores as a table, two of them folded away."""
    first = {m: head for m, head in HEADINGS.items() if m not in FOLDED}
    folded = {m: HEADINGS[m] for m in FOLDED}
    names = " and ".join(heading.rstrip(" ↑↓") for heading, _ in folded.values())
    details = f"<details><summary>{names}</summary>\n\n{table(rows, folded, signed)}"
    return Markdown(f"{table(rows, first, signed)}\n\n{details}\n\n</details>")


def table(rows: Mapping, columns: Mapping[str, tuple], signed: bool = False) -> str:
    """Two lines a cell, for phones; ``columns`` have their heading and digits."""
    digits = {c: digits for c, (_, digits) in columns.items()}
    cells = [
        [_cell(x.get(c), digits[c], signed) for c in columns] for x in rows.values()
    ]
    names = list(rows)
    for stored, words in WORDS.items():
        names = [name.replace(stored, words) for name in names]
    heads = [heading for heading, _ in columns.values()]
    return pd.DataFrame(cells, names, heads).to_markdown(disable_numparse=True)


def _cell(value, digits, signed):
    if not isinstance(value, Estimate):
        return "–" if value is None else f"{value:{digits}}"
    digits = f"+{digits}" if signed else digits
    mean, low, high = (f"{x:{digits}}" for x in vars(value).values())
    zero = " °" if signed and value.low <= 0 <= value.high else ""
    interval = f"<br><small>{low} to {high}</small>" if low != high else ""
    return f"{mean}{zero}{interval}"
