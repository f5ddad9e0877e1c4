"""Result numbers in prose are found, in notebooks and in pages, and little else is."""

import json
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from prose import is_printed, printed_numbers, result_numbers

from colorize_lib.evaluation.results import FOLDER
from colorize_lib.evaluation.scores import GRAY, TRUTH
from colorize_lib.training.recipes import RECIPES
from colorize_lib.weights import DEFAULT

ROOT = Path(__file__).parents[2]


def stored(name):
    return json.loads((FOLDER / f"{name}.json").read_text())


# ------------------------------------------------------------ numbers that people type


@pytest.mark.parametrize(
    "page", sorted((ROOT / "book").glob("*.md")), ids=lambda p: p.name
)
def test_numbers_of_a_page_come_from_its_cells(page):
    typed = [f"{x.text} in {x.sentence!r}" for x in result_numbers(page.read_text())]
    assert not typed, (
        f"{page.name}: let a cell compute {typed}, and show it by {{eval}}"
    )


def test_the_two_numbers_of_the_readme_are_those_of_the_default_model():
    summary = stored(DEFAULT)["summary"]
    told = [number.text for number in result_numbers((ROOT / "README.md").read_text())]
    assert told == [f"{summary[row]['psnr']['mean']:.2f}" for row in (DEFAULT, GRAY)]


@pytest.mark.parametrize(
    "name", [n for n in RECIPES if (FOLDER / f"{n}.json").exists()]
)
def test_what_a_recipe_says_of_its_result_is_what_its_file_says(name):
    result = stored(name)
    ours, gray, truth = (result["summary"][row] for row in (name, GRAY, TRUTH))
    gain = abs(ours["psnr"]["mean"] - gray["psnr"]["mean"])
    share = 100 * ours["colorfulness"]["mean"] / truth["colorfulness"]["mean"]
    held = [(gain, {"PSNR"}), (share, {"%"}), (result["minutes"], {"time"})]
    for found in result_numbers(RECIPES[name].about):
        assert is_printed(found, held), f"{found.text} in {found.sentence!r}"


# ------------------------------------------------------------ what is a result number

FOUND = {
    "It reaches 23.30 dB.": ["23.30"],
    "A CIEDE2000 of 10.32 against 11.1, and 37 % of the color.": [
        "10.32",
        "11.1",
        "37",
    ],
    "An FID of 35 on 1,000 pictures.": ["35"],
    "A training took 44 minutes.": ["44"],
    "Its colors are 4.5 Lab units off.": ["4.5"],
    "- a point: 0.5 dB\n- another: 1.5 dB": ["0.5", "1.5"],
    "| model | PSNR |\n|---|---|\n| ours | 23.3 |": ["23.3"],
    "See [chapter 3](03-autoencoder): 0.66 dB.": ["0.66"],
    "It loses -1.3 dB, or −2.4 dB.": ["1.3", "2.4"],
    "CIEDE2000 and L1 of 399 photographs of 256 px in chapter 5.": [],
    "The interval is a 95 % interval of the PSNR, a 95 % bootstrap interval.": [],
    'Who says "my model reaches 23 dB" has said nothing.': [],
    "Roofs are red with $60$ %; the score would be $23.3$ dB, or `23.3 dB`.": [],
    "```{code-cell}\n23.3 dB\n```\n\nIt is {eval}`gain` dB.": [],
    "Zhang reports 24.5 dB ([2016](https://arxiv.org/abs/1603.08511)).": [],
    "This is meant to take 20 minutes; at most 90 minutes.": [],
    "A network of 3.6 million parameters has more PSNR.": [],
    "At a rate of 0.0002 it learns. PSNR is another matter.": [],
    "Version 2.15.0 of 2026-11-21 computes the SSIM.": [],
    "| what | do |\n|---|---|\n| colorfulness falls | stop |\n| a loss of 0.69 | wait |": [],
}


@pytest.mark.parametrize("markdown", FOUND)
def test_result_numbers_are_found_and_others_are_not(markdown):
    assert [found.text for found in result_numbers(markdown)] == FOUND[markdown]


# ------------------------------------------------------------ what cells have printed


def cell(text, kind=None, source="print(scores)"):
    output = new_output("stream", text=text)
    if kind is not None:
        output = new_output("display_data", data={kind: text})
    return new_code_cell(source, outputs=[output])


TABLE = """\
| | PSNR, dB ↑ | CIEDE2000 ↓ | right |
|---|---|---|---|
| gray | 22.49 [22.02, 22.95] | 11.10 | 17% |
| 1,900 pictures | 23.15 | 10.65 | 81% |
Then:
| epoch | SSIM |
|---|---|
| 7 | 0.875 |"""
LINES = """\
psnr       network minus gray: +0.664 [+0.458, +0.863]
ciede2000  network minus gray: -0.453
loaded: 54 minutes on cpu"""
EPOCHS = "epoch  CIEDE2000\n    1      14.69"
CELLS = [cell(TABLE, "text/markdown"), cell(LINES), cell(EPOCHS)]


@pytest.mark.parametrize(
    ("prose", "printed"),
    [
        ("It reaches 23.15 dB.", True),
        ("It reaches 23 dB.", True),
        ("It reaches 23.16 dB.", False),
        ("It reaches 10.65 dB.", False),  # printed, but as another score
        ("Its CIEDE2000 is 10.65.", True),
        ("Its CIEDE2000 falls by 0.45.", True),  # -0.453
        ("Its CIEDE2000 falls by 0.664.", False),
        ("It is right in 81 %.", True),
        ("It is right in 54 %.", False),
        ("Its SSIM is 0.875.", True),  # in another table of the same output
        ("It took 54 minutes.", True),
        ("It took 81 minutes.", False),
        ("CIEDE2000 began at 14.7.", True),  # the line names no score, the head does
    ],
)
def test_a_number_counts_as_printed_rounded_and_of_its_own_score(prose, printed):
    (found,) = result_numbers(prose)
    assert is_printed(found, printed_numbers(CELLS)) == printed


def test_neither_shown_source_nor_prose_nor_a_picture_prints_a_number():
    cells = [
        cell("PSNR 23.3", "text/markdown", source="show_source(psnr)"),
        new_markdown_cell("PSNR 23.3"),
        cell("PSNR 23.3", "text/html"),
        new_code_cell("psnr = 23.3"),
    ]
    assert printed_numbers(cells) == []
