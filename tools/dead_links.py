"""Say which external links of the book are dead, and where they stand.

    jupyter-book build . --builder linkcheck
    python tools/dead_links.py

Reads what Sphinx's link check has left and prints a report in Markdown. Ends with 1 if
a link is dead. A site that is slow, down, or closed to robots tells nothing about its
link: those without an answer are listed apart, and do not count."""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat

ROOT = Path(__file__).parent.parent
FOUND = ROOT / "_build" / "html" / "output.json"  # Jupyter Book 1 has it write here
SOURCES = ("book/*.md", "book/*.bib", "book/*.ipynb", "colorize_lib/**/*.py")
# myst-nb counts lines from here in the first cell, from twice this in the second.
CELL = 10_000
MOVED_FOR_GOOD = (301, 308)
NO_ANSWER = re.compile(
    r"^(401|403|405|406|408|418|425|429|451|5\d\d) (Client|Server) Error"
    r"|unauthorized|service unavailable|timed out|Temporary failure in name resolution"
    r"|Connection (refused|reset|aborted)|closed connection without response"
    r"|Exceeded \d+ redirects|SSLError|SSLCert"
)


@dataclass(frozen=True)
class Link:
    """An address, the places where it stands, and what came back from it."""

    address: str
    places: tuple[str, ...]
    says: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("found", nargs="?", type=Path, default=FOUND)
    path = parser.parse_args().found
    if not path.exists():
        raise SystemExit(f"{path} is missing: the link check has not come to its end")
    found = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    asked = [one for one in found if one["uri"].startswith("http")]
    if not any(one["status"] in ("working", "redirected") for one in asked):
        raise SystemExit(f"None of {len(asked)} links works: is there a network?")
    kinds = {"dead": [], "no answer": [], "moved": []}
    for one in found:
        if (kind := verdict(one)) in kinds:
            places = tuple(places_of(one["uri"], ROOT)) or (place(one),)
            kinds[kind].append(Link(one["uri"], places, one["info"]))
    print(report(len(asked), **{kind.replace(" ", "_"): kinds[kind] for kind in kinds}))
    return bool(kinds["dead"])


def verdict(one: dict) -> str:
    """What one line of Sphinx's output.json says: fine, moved, no answer or dead."""
    if one["status"] == "redirected":
        return "moved" if one["code"] in MOVED_FOR_GOOD else "fine"
    if one["status"] == "timeout" or NO_ANSWER.search(
        one["info"].split(" for url:")[0]
    ):
        return "no answer"
    return "dead" if one["status"] == "broken" else "fine"


def places_of(address: str, root: Path) -> Iterator[str]:
    """Every place in the book's sources where an address stands.

    Sphinx names one of them, and for a reference of the bibliography only its page.
    """
    # A bibliography has the bare DOI. A longer address is another address.
    bare = address.removeprefix("https://doi.org/")
    pattern = re.compile(re.escape(bare) + r"(?![\w/.#?=&%-]*\w)")
    for path in sorted(path for glob in SOURCES for path in root.glob(glob)):
        name = path.relative_to(root).as_posix()
        for where, text in _texts(path):
            for number, line in enumerate(text.splitlines(), start=1):
                if pattern.search(line):
                    yield f"{name}, {where}line {number}"


def place(one: dict) -> str:
    """Where Sphinx has seen a link that is in no source: a page that something made."""
    cell, line = divmod(one["lineno"], CELL)
    if cell:  # and there it counts from 2
        return f"{one['filename']}, cell {cell}, line {line - 1}"
    return f"{one['filename']}, line {line}"


def report(
    asked: int, dead: list[Link], no_answer: list[Link], moved: list[Link]
) -> str:
    """The page for the summary of the run; whoever mends links needs only the top."""
    lines = [f"### {len(dead)} of {asked} external links are dead", "", *_table(dead)]
    for links, what in (
        (no_answer, "without an answer today, which need not mean anything"),
        (
            moved,
            "moved for good; the new address may outlive the old one's redirection",
        ),
    ):
        if links:
            lines += ["<details>", f"<summary>{len(links)} {what}</summary>", ""]
            lines += [*_table(links), "</details>", ""]
    return "\n".join(lines)


# ------------------------------------------------------------ parts


def _texts(path):
    if path.suffix != ".ipynb":
        return [("", path.read_text("utf-8"))]
    cells = nbformat.read(path, as_version=4).cells
    return [(f"cell {n}, ", cell.source) for n, cell in enumerate(cells, start=1)]


def _table(links):
    if not links:
        return
    yield "| where | address | what came back |"
    yield "|---|---|---|"
    for link in sorted(links, key=lambda link: link.places):
        # Of "Max retries exceeded with url: ... (Caused by ...)" the cause is enough.
        says = re.sub(r" for url:.*|.*\(Caused by (?=.*\)$)", "", link.says)
        says = says.replace("|", r"\|").replace("\n", " ")
        yield f"| {'<br>'.join(link.places)} | {link.address} | {says} |"
    yield ""


if __name__ == "__main__":
    sys.exit(main())
