"""Result numbers in prose: where they stand, and whether a cell has printed them.

A result number is what a measurement gave. Taken for one is a number with the unit of
a score or of a training (dB, Lab units, %, minutes, hours), and, in a sentence that
names a score, one with a decimal point or right behind the name. For a row of a table
the head counts, too.

Not looked at: code, mathematics, what stands in double quotes (somebody else's words),
sentences with a link to a source, "95 % interval", and the minutes of a plan ("meant to
take", "at most"). So a definition, a sum done by hand or a made-up example is marked by
setting it as mathematics: $60$ %. Numbers in words ("two thirds") are not found."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

SCORES = {
    "PSNR": r"\bdB\b|psnr|decibel",
    "SSIM": r"\bssim\b",
    "CIEDE2000": r"ciede",
    "LPIPS": r"\blpips\b",
    "FID": r"\bfid\b|fréchet",
    "L1 of ab": r"\bab_l1\b|\bL1 of ab\b",
    "colorfulness": r"colorful",
}
SCORES = {name: re.compile(pattern, re.I) for name, pattern in SCORES.items()}
UNITS = {
    "PSNR": re.compile(r"\s*dB\b"),
    "%": re.compile(r"\s*%(?! (?:bootstrap )?interval)"),
    "time": re.compile(r"\s*(?:minutes?|hours?)\b"),
    "Lab units": re.compile(r"\s*Lab units?\b"),
}
NUMBER = re.compile(r"(?<![\w.,/^-])[-+−]?(?P<value>\d[\d,]*(?:\.\d+)?)(?!\w|\.\d)")
NAME_BEFORE = re.compile(
    r"(?:PSNR|SSIM|CIEDE2000|LPIPS|FID|[Cc]olorfulness)(?: (?:of|is|from|at))? $"
)
COUNTED = re.compile(r"\s*(?:million|billion|px|pixels?)\b")
PLAN = re.compile(r"\bmeant to\b|\bat most\b", re.I)
BLANKED = [
    re.compile(r"^```.*?^```", re.M | re.S),
    re.compile(r"`[^`]*`"),
    re.compile(r"\$\$.*?\$\$|\$[^$]+\$", re.S),
    re.compile(r"<[^>]*>"),
]
QUOTED = re.compile(r'"[^"]*"|“[^”]*”')
BLOCK_ENDS = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*#]|\d+\.)\s)")
SENTENCE_ENDS = re.compile(r"(?<=[.?!])[)*\"]*\s+(?=[(*\"]*[A-Z])")


@dataclass(frozen=True)
class ResultNumber:
    """A number in prose that somebody measured."""

    text: str
    kinds: frozenset[str]  # what it may be: names of SCORES and UNITS
    sentence: str


def result_numbers(markdown: str) -> Iterator[ResultNumber]:
    """All result numbers of a Markdown text, in their order."""
    for sentence in _sentences(markdown):
        if "](http" in sentence:
            continue
        prose = QUOTED.sub("_", re.sub(r"\]\([^)]*\)", "]", sentence))
        for match in NUMBER.finditer(prose):
            kinds = _kinds(prose, match)
            if kinds:
                yield ResultNumber(match["value"], frozenset(kinds), sentence)


def printed_numbers(cells: Iterable) -> list[tuple[float, set[str]]]:
    """What the cells of a notebook have printed: numbers, and what each may be.

    Shown source is not printed: the numbers in it are not results.
    """
    found = []
    for cell in cells:
        if cell.cell_type != "code" or "show_source(" in cell.source:
            continue
        for output in cell.outputs:
            found += _printed(output.get("text", ""))
            for kind in ("text/plain", "text/markdown"):
                found += _printed(output.get("data", {}).get(kind, ""))
    return found


def is_printed(number: ResultNumber, printed: Iterable[tuple[float, set[str]]]) -> bool:
    """Whether a number is one of the printed ones, rounded to its own digits.

    The sign is not looked at: "0.3 dB worse" is -0.3. Of the same score it must be.
    """
    value = float(number.text.replace(",", ""))
    digits = len(number.text.partition(".")[2])
    return any(
        abs(other - value) <= 0.5 * 10**-digits + 1e-9 and number.kinds & kinds
        for other, kinds in printed
    )


# ------------------------------------------------------------ parts


def _sentences(markdown):
    for pattern in BLANKED:
        markdown = pattern.sub("_", markdown)
    for block in BLOCK_ENDS.split(markdown):
        if block.lstrip().startswith("|"):
            head, *rows = block.strip().splitlines()
            yield from (f"{head} {row}" for row in rows)
            continue
        block = re.sub(r"^\s*(?:[-*#]+|\d+\.)\s+", "", block)
        yield from SENTENCE_ENDS.split(" ".join(block.split()))


def _kinds(prose, match):
    after = prose[match.end() :]
    for unit, pattern in UNITS.items():
        if pattern.match(after):
            return set() if unit == "time" and PLAN.search(prose) else {unit}
    if COUNTED.match(after):
        return set()
    if "." in match["value"] or NAME_BEFORE.search(prose[: match.start()]):
        return _named(prose)
    return set()


def _named(text):
    return {name for name, pattern in SCORES.items() if pattern.search(text)}


def _printed(text):
    """Numbers of an output: of what its line, its column and its row are said to be."""
    head, whole = None, _named(text)
    for line in text.splitlines():
        if not line.startswith("|"):
            head = None
            yield from _numbers(line, _named(line) or whole)
            continue
        cells = line.split("|")
        head = head or cells
        for title, cell in zip(head, cells, strict=False):
            yield from _numbers(cell, _named(f"{title} {cells[1]} {cell}"), title)


def _numbers(text, kinds, title=""):
    kinds = kinds | {"Lab units"}  # outputs seldom repeat this unit
    kinds |= {"%"} if "%" in title + text else set()
    kinds |= {"time"} if re.search(r"minute|hour", f"{title} {text}") else set()
    for match in re.finditer(r"\d[\d,]*(?:\.\d+)?", text):
        yield float(match[0].rstrip(",").replace(",", "")), kinds
