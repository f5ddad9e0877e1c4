"""The tables of the results page: two lines a cell and few columns, to fit on a phone.

Results of different photographs do not get into one table."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from colorize_lib.evaluation.scores import (
    GRAY,
    HEADINGS,
    TRUTH,
    Estimate,
    paired_differences,
)
from colorize_lib.evaluation.tables import Column, stored_columns
from colorize_lib.experiments.compare import Run
from colorize_lib.experiments.on_scenes import COLUMNS, SEVERAL
from colorize_lib.weights import DEFAULT

FIRST = (
    "psnr",
    "ciede2000",
    "colorfulness",
)  # with a name before them, a phone's width
ROUNDED = 2e-4  # by so much may stored scores of the same pictures differ


def same_photographs(one: Mapping, other: Mapping) -> bool:
    """Whether two results may stand in one table.

    They have the same protocol and name the same photographs, and the gray picture and
    the truth of each score the same: the files behind the names were the same, too.
    """
    if one["protocol"] != other["protocol"]:
        return False
    if one["photographs"]["test"] != other["photographs"]["test"]:
        return False
    return all(
        (values - other["scores"][row].values[metric]).abs().max() <= ROUNDED
        for row in (GRAY, TRUTH)
        for metric, values in one["scores"][row].values.items()
        if metric in other["scores"][row].values
    )


def groups(results: Mapping[str, dict]) -> list[dict[str, dict]]:
    """Results that may stand in one table; those of the default model come first."""
    found = []
    for name, result in results.items():
        for group in found:
            if same_photographs(next(iter(group.values())), result):
                group[name] = result
                break
        else:
            found.append({name: result})
    return sorted(found, key=lambda group: DEFAULT not in group)


def score_tables(results: Mapping[str, dict]) -> str:
    """Means and their intervals over photographs: gray, then each model, then truth.

    Args:
        results: of :func:`.load_result`, by name.

    Raises:
        ValueError: they are of different photographs or protocols.
    """
    first, reference = next(iter(results.items()))
    for name, result in results.items():
        if not same_photographs(reference, result):
            raise ValueError(
                f"{name} was scored on other photographs than {first}, or in another "
                "way: they do not belong in one table"
            )
    rows = {GRAY: reference["summary"][GRAY]}
    rows |= {name: result["summary"][name] for name, result in results.items()}
    rows |= {TRUTH: reference["summary"][TRUTH]}
    return rows_table(rows)


def rows_table(summary: Mapping[str, Mapping[str, Mapping]]) -> str:
    """Means and their intervals over photographs, of the rows of one result."""
    estimates = {
        row: {metric: Estimate(**estimate) for metric, estimate in scores.items()}
        for row, scores in summary.items()
    }
    return _tables(estimates, _with_interval)


def difference_tables(results: Mapping[str, dict], base: str) -> str:
    """Mean differences from a row, picture by picture, with intervals over photographs.

    Args:
        results: all of the same photographs.
        base: what is subtracted: the name of a model, or ``GRAY``.
    """
    reference = results.get(base) or next(iter(results.values()))
    rows = {
        name: paired_differences(result["scores"][name], reference["scores"][base])
        for name, result in results.items()
        if name != base
    }
    return _tables(rows, _difference)


def seeds_tables(runs: Sequence[Run]) -> str:
    """Means over seeds and photographs, and the lowest and the highest seed."""
    rows = {GRAY: [runs[0].scores[GRAY].means()]}
    for run in runs:
        rows.setdefault(run.variant, []).append(run.scores[run.variant].means())
    rows[TRUTH] = [runs[0].scores[TRUTH].means()]
    by_metric = {
        row: {metric: [means[metric] for means in seeds] for metric in seeds[0]}
        for row, seeds in rows.items()
    }
    return _tables(by_metric, _with_spread)


def judged_table(result: Mapping) -> str:
    """What other networks make of the colored pictures, of tools/evaluate_models.py."""
    rows, name = list(result["summary"]), result["judged_by"]
    lpips = {row: Estimate(**result["summary"][row]["lpips"]) for row in rows}
    columns = [Column(f"LPIPS ({name}) ↓", lpips, ".3f")]
    columns += stored_columns(result, rows)
    lines = [[row, *(_in_column(column, row) for column in columns)] for row in rows]
    return markdown(["", *(column.heading for column in columns)], lines)


def _in_column(column, row):
    cell = column.cells[row]
    if isinstance(cell, Estimate):
        return _with_interval(cell, column.digits)
    return column.text(row)


def landing_tables(runs: Sequence[dict]) -> str:
    """Where methods land on each thing, with the lowest and the highest seed.

    Args:
        runs: as of :func:`.load_landings`.
    """
    parts = []
    for thing in SEVERAL:
        # Of a thing with two colors, only nearness to a true one tells.
        columns = COLUMNS if thing == "balloon" else ("mode", "commonest")
        rows = {}
        for run in runs:
            rows.setdefault(run["method"], []).append(run[thing])
        lines = [
            [method, *(_with_spread([s[c] for s in seeds], _spec(c)) for c in columns)]
            for method, seeds in rows.items()
        ]
        table = markdown(["", *(COLUMNS[column] for column in columns)], lines)
        parts.append(f"**{thing.capitalize()}s**\n\n{table}")
    return "\n\n".join(parts)


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


# ------------------------------------------------------------ cells


def _tables(rows: Mapping[str, Mapping], cell: Callable) -> str:
    """Two tables: of the first metrics, and folded away the others."""
    others = [metric for metric in HEADINGS if metric not in FIRST]
    names = " and ".join(HEADINGS[metric][0].rstrip(" ↑↓") for metric in others)
    folded = f"<details><summary>{names}</summary>\n\n{_part(rows, cell, others)}"
    return f"{_part(rows, cell, FIRST)}\n\n{folded}\n\n</details>"


def _part(rows, cell, metrics):
    lines = [
        [name, *(cell(row[m], HEADINGS[m][1]) if m in row else "–" for m in metrics)]
        for name, row in rows.items()
    ]
    return markdown(["", *(HEADINGS[metric][0] for metric in metrics)], lines)


def _with_interval(estimate, spec):
    return (
        f"{estimate.mean:{spec}}"
        f"<br><small>{estimate.low:{spec}} to {estimate.high:{spec}}</small>"
    )


def _difference(estimate, spec):
    zero = " °" if estimate.low <= 0 <= estimate.high else ""
    low, high = f"{estimate.low:+{spec}}", f"{estimate.high:+{spec}}"
    return f"{estimate.mean:+{spec}}{zero}<br><small>{low} to {high}</small>"


def _with_spread(seeds, spec):
    mean = f"{sum(seeds) / len(seeds):{spec}}"
    if len(seeds) == 1:
        return mean
    return f"{mean}<br><small>{min(seeds):{spec}} to {max(seeds):{spec}}</small>"


def _spec(column):
    return ".0%" if column == "commonest" else ".1f"
