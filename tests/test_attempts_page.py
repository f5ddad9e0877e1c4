"""The page of attempts: up to date, comparing what may be compared, and frank."""

from copy import deepcopy

import attempts_page
import pytest
from attempts_page import BEFORE, METHODS, PAGE, methods, page, stands

from colorize_lib.evaluation.results import load_result
from colorize_lib.evaluation.scores import GRAY, TRUTH, Scores
from colorize_lib.experiments.compare import load_comparison
from colorize_lib.weights import DEFAULT


def test_the_page_is_what_the_result_files_say():
    assert PAGE.read_text() == page(), "run tools/attempts_page.py"


def test_nothing_is_left_to_be_written():
    assert "TODO" not in page()
    assert "{" not in page()


def test_all_methods_have_three_seeds_and_the_same_photographs_and_pictures():
    runs = methods()
    wanted = [variant for variants in METHODS.values() for variant in variants]
    for variant in wanted:
        assert sorted(r.seed for r in runs if r.variant == variant) == [0, 1, 2]
    about = [load_comparison(name)[1] for name in METHODS]
    assert about[0]["photographs"] == about[1]["photographs"]
    for name, result in zip(METHODS, about, strict=True):
        for variant in METHODS[name]:
            recipe = result["recipes"][variant]
            assert recipe["start_from"] == BEFORE
            [stage] = recipe["stages"]
            seen = stage["size"], stage["epochs"], stage["batch_size"]
            assert (*seen, stage["small_pictures"]) == (32, 3, 16, False)


def test_every_idea_sees_as_many_pictures_as_the_first():
    runs, about = load_comparison("compare-ideas")
    assert {seed for _, seed in about["runs"]} == {0, 1, 2}
    seen = {}
    for run in runs:
        seconds = [line["seconds"] * line["images_per_second"] for line in run.history]
        seen.setdefault(run.variant, sum(seconds))
    first, *others = [n for name, n in seen.items() if name != "no landscapes"]
    assert others == pytest.approx([first] * len(others), rel=0.03)


def with_psnr_and_colorfulness(psnr, colorfulness):
    """The default's result, whose photographs gain so much over gray."""
    result = deepcopy(load_result(DEFAULT))
    values = dict(result["scores"][DEFAULT].values)
    values["psnr"] = result["scores"][GRAY].values["psnr"] + psnr
    truth = result["scores"][TRUTH].values["colorfulness"]
    values["colorfulness"] = colorfulness * truth
    result["scores"][DEFAULT] = Scores(values)
    return result


@pytest.mark.parametrize(
    ("psnr", "colorfulness", "reached", "hoped"),
    [
        (0.9, 0.62, True, False),
        (0.7, 0.62, False, False),
        (0.9, 0.4, False, False),
        (1.6, 0.55, True, False),
        (1.6, 0.62, True, True),
    ],
)
def test_the_goal_is_said_to_be_reached_where_it_is(psnr, colorfulness, reached, hoped):
    result = with_psnr_and_colorfulness(psnr, colorfulness)
    said = stands(result, load_result(BEFORE))
    assert (attempts_page.REACHED in said) == reached
    assert (attempts_page.MISSED in said) != reached
    assert (attempts_page.HOPED in said) == hoped
    assert (attempts_page.NOT_HOPED in said) != hoped
    assert f"{psnr:+.2f} dB from gray [{psnr:+.2f}" in said
    assert f"with {100 * colorfulness:.0f} %" in said
