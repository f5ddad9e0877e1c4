"""Result numbers in prose are found, in notebooks and in pages, and little else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from prose import is_printed, printed_numbers, result_numbers
from stamp_results import STAMP, numbers, pages

from colorize_lib.training.recipes import RECIPES


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_a_page_has_no_result_number_without_a_key(page):
    text = STAMP.sub("_", page.read_text())
    typed = [f"{found.text} in {found.sentence!r}" for found in result_numbers(text)]
    assert not typed, (
        f"{page.name}: {typed}: put a key behind each, see tools/stamp_results.py"
    )


def test_what_a_recipe_says_of_its_result_is_what_its_file_says():
    known = numbers()
    for name, recipe in RECIPES.items():
        held = [(x, ANY) for key, x in known.items() if key.startswith(f"{name}.")]
        for found in result_numbers(recipe.about):
            assert is_printed(found, held), f"{name}: {found.text} in {recipe.about!r}"


ANY = {"PSNR", "SSIM", "CIEDE2000", "colorfulness", "L1 of ab", "%", "time"}
FOUND = {
    "It reaches 23.30 dB.": ["23.30"],
    "It reaches 23 dB.": ["23"],
    "A CIEDE2000 of 10.32 against 11.1, and 37 % of the color.": [
        "10.32",
        "11.1",
        "37",
    ],
    "An FID of 35 on 1,000 pictures.": ["35"],
    "The LPIPS is 0.21.": ["0.21"],
    "A training took 44 minutes.": ["44"],
    "Its colors are 4.5 Lab units off.": ["4.5"],
    "The colorfulness of 41 is the truth's.": ["41"],
    "> **Note** SSIM\n> falls to 0.91.": ["0.91"],
    "- a point: 0.5 dB\n- another: 1.5 dB": ["0.5", "1.5"],
    "| model | PSNR |\n|---|---|\n| ours | 23.3 |": ["23.3"],
    "See [chapter 3](03-autoencoder): 0.66 dB.": ["0.66"],
    "It loses -1.3 dB, or −2.4 dB.": ["1.3", "2.4"],
}
NOT_FOUND = [
    "CIEDE2000 and L1 of 399 photographs of 256 px in chapter 5.",
    "The interval is a 95 % interval of the PSNR, a 95 % bootstrap interval.",
    'Who says "my model reaches 23 dB" has said nothing.',
    "Roofs are red with $60$ %; the score would be $23.3$ dB, or `23.3 dB`.",
    "```\n23.3 dB\n```",
    "Zhang reports 24.5 dB ([2016](https://arxiv.org/abs/1603.08511)).",
    "This is meant to take 20 minutes; at most 90 minutes.",
    "A network of 3.6 million parameters has more PSNR.",
    "At a rate of 0.0002 it learns. PSNR is another matter.",
    "- the PSNR\n- a rate of 0.5",
    "Version 2.15.0 of 2026-11-21 computes the SSIM.",
    "| what | do |\n|---|---|\n| colorfulness falls | stop |\n| a loss of 0.69 | wait |",
    "<!-- PSNR 23.3 dB --> Nothing.",
]


@pytest.mark.parametrize("markdown", FOUND)
def test_result_numbers_are_found(markdown):
    assert [found.text for found in result_numbers(markdown)] == FOUND[markdown]


@pytest.mark.parametrize("markdown", NOT_FOUND)
def test_other_numbers_are_not(markdown):
    assert list(result_numbers(markdown)) == []


def test_a_stamped_number_is_none_that_was_typed():
    stamp = "It reaches 23.30<!--result net.psnr--> dB, and 0.93 in SSIM."
    found = result_numbers(STAMP.sub("_", stamp))
    assert [number.text for number in found] == ["0.93"]


# ------------------------------------------------------------ what cells have printed


def cell(text, kind=None, source="print(scores)"):
    output = (
        new_output("stream", text=text)
        if kind is None
        else new_output("display_data", data={kind: text})
    )
    return new_code_cell(source, outputs=[output])


TABLE = """\
| | PSNR, dB ↑ | CIEDE2000 ↓ | right |
|---|---|---|---|
| gray | 22.49 [22.02, 22.95] | 11.10 | 17% |
| 1,900 pictures | 23.15 | 10.65 | 81% |"""
LINES = """\
psnr       network minus gray: +0.664 [+0.458, +0.863]
ciede2000  network minus gray: -0.453
loaded: 54 minutes on cpu"""
TABLE += "\nThen:\n| epoch | SSIM |\n|---|---|\n| 7 | 0.875 |"
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
        ("It gains 0.66 dB.", True),
        ("It gains 0.67 dB.", False),
        ("Its CIEDE2000 falls by 0.45.", True),  # -0.453
        ("Its CIEDE2000 falls by 0.664.", False),
        ("It is right in 81 %.", True),
        ("Its SSIM is 0.875.", True),  # in another table of the same output
        ("Its PSNR is 0.875.", False),
        ("It is right in 54 %.", False),
        ("It took 54 minutes.", True),
        ("It took 81 minutes.", False),
        ("CIEDE2000 began at 14.7.", True),  # the line names no score, the head does
        ("It is 14.7 Lab units off.", True),
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


@given(st.decimals(0, 99, places=2), st.integers(1, 9), st.sampled_from(["dB", "%"]))
def test_what_was_printed_is_accepted_and_another_last_digit_is_not(value, off, unit):
    printed = printed_numbers([cell(f"the result: {value} {unit}")])
    (right,) = result_numbers(f"It has {value} {unit}.")
    (wrong,) = result_numbers(f"It has {float(value) + off / 100:.2f} {unit}.")
    assert is_printed(right, printed)
    assert not is_printed(wrong, printed)
