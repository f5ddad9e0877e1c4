"""Write the result numbers into the pages that people type: README.md and book/*.md.

    python tools/stamp_results.py                 # bring all stamped numbers up to date
    python tools/stamp_results.py --keys pix2pix  # keys with this in them

A stamped number has its key right behind it, in a comment that no reader sees, neither
on GitHub nor in the book:

    it reaches 23.30<!--result unet-squeezenet.psnr--> dB

This script puts the value there; type any number in front of a new key. The keys:

    FILE.METRIC, FILE.gray.METRIC, FILE.truth.METRIC   means over the test photographs
    FILE.METRIC.low, FILE.METRIC.high                  95 % interval over photographs
    FILE.METRIC.above-gray, FILE.METRIC.below-gray     by how much more, less than gray
    FILE.colorfulness.percent                          of the truth's
    FILE.photographs, FILE.minutes                     tested on, trained for
    compare-NAME.VARIANT.METRIC                        mean over seeds and photographs
    evaluation.ROW.METRIC                              mean over photographs

FILE is a file of results/ without ``.json``; a variant or a row may have the same
endings, but for the interval. The digits are those of the book's tables; ``KEY .1f``
asks for others. A result number in prose that has no key is found by
tests/book/test_prose.py."""

import argparse
import difflib
import json
import re
from pathlib import Path

from colorize_lib.evaluation.results import FOLDER
from colorize_lib.evaluation.scores import GRAY, HEADINGS, TRUTH
from colorize_lib.files import replacing

ROOT = Path(__file__).parent.parent
MADE = "<!-- Made by tools/"  # at the top of the pages that scripts write
NUMBER = r"[-+]?\d[\d,]*(?:\.\d+)?"
STAMP = re.compile(rf"(?P<number>{NUMBER})?<!--\s*result\s+(?P<key>.*?)\s*-->", re.S)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--keys", metavar="PART", help="list the keys with PART in them"
    )
    part = parser.parse_args().keys
    known = numbers()
    if part is not None:
        for key in filter(lambda key: part in key, known):
            print(f"{text_of(key, known):>8}  {key}")
        return
    try:  # all of them first: a wrong key changes no page
        new = {path: stamped(path.read_text(), known, path.name) for path in pages()}
    except ValueError as error:
        raise SystemExit(str(error)) from error
    for path, text in new.items():
        if text != path.read_text():
            with replacing(path) as file:
                file.write(text.encode())
            print(f"{path.relative_to(ROOT)} is up to date again")


def pages() -> list[Path]:
    """The pages that people type, not those that scripts make."""
    book = sorted((ROOT / "book").glob("*.md"))
    return [
        ROOT / "README.md",
        *(path for path in book if MADE not in path.read_text()),
    ]


def stamped(text: str, known: dict[str, float], page: str) -> str:
    """A page with every stamped number as the result files have it.

    Raises:
        ValueError: an unknown key, or none in front of which a number stands; it names
            ``page``, the line, and the nearest known key.
    """

    def stamp(match):
        line = f"{page}, line {text[: match.end()].count(chr(10)) + 1}"
        if match["number"] is None:
            raise ValueError(f"{line}: no number right before the key {match['key']!r}")
        try:
            value = text_of(" ".join(match["key"].split()), known)
        except ValueError as error:
            raise ValueError(f"{line}: {error}") from error
        return match[0].replace(match["number"], value, 1)

    return STAMP.sub(stamp, text)


def text_of(key: str, known: dict[str, float]) -> str:
    """The number of a key as a page shows it; ``KEY .1f`` asks for other digits.

    Raises:
        ValueError: there is no such key.
    """
    name, _, spec = key.rpartition(" ")
    if not re.fullmatch(r"\.\d+f", spec):
        name, spec = key, None
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        raise ValueError(
            f"no result {name!r}" + "".join(f"; is it {k!r}?" for k in near)
        )
    return format(known[name], spec or _digits(name))


def numbers() -> dict[str, float]:
    """Every number that a page may show, by its key, from the result files."""
    found = {}
    for path in sorted(FOLDER.glob("*.json")):
        result = json.loads(path.read_text())
        if "photographs" in result and result.get("summary"):
            found |= _of_scores(path.stem, result)
    return found


# ------------------------------------------------------------ parts


def _digits(key):
    if key.endswith((".percent", ".photographs", ".minutes")):
        return ",.0f"
    metrics = [metric for metric in HEADINGS if metric in key.split(".")]
    return HEADINGS[metrics[0]][1] if metrics else ".3f"


def _of_scores(file, result):
    summary = result["summary"]
    photographs = result["photographs"]
    photographs = photographs.get("test") or photographs["validation"]
    known = {f"{file}.photographs": float(len(photographs))}
    known |= {f"{file}.minutes": result["minutes"]} if "minutes" in result else {}
    for metric in summary[GRAY]:
        gray, truth = (summary[row][metric]["mean"] for row in (GRAY, TRUTH))
        known |= {f"{file}.gray.{metric}": gray, f"{file}.truth.{metric}": truth}
        for row, means in _means(file, result, metric).items():
            key, mean = f"{row}.{metric}", sum(means) / len(means)
            known |= {key: mean, f"{key}.above-gray": mean - gray}
            known[f"{key}.below-gray"] = gray - mean
            if metric == "colorfulness":
                known[f"{key}.percent"] = 100 * mean / truth
        if file in summary:
            ours = summary[file][metric]
            known |= {f"{file}.{metric}.{end}": ours[end] for end in ("low", "high")}
    return known


def _means(file, result, metric):
    """By what a key begins with: means of a model, or of the seeds of a variant."""
    summary, means = result["summary"], {}
    runs = {
        f"{variant}, seed {seed}": variant for variant, seed in result.get("runs", [])
    }
    for row in [row for row in summary if row not in (GRAY, TRUTH)]:
        key = file if row == file else f"{file}.{runs.get(row, row)}"
        means.setdefault(key, []).append(summary[row][metric]["mean"])
    return means


if __name__ == "__main__":
    main()
