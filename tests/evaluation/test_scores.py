"""Scores of several colorizers, their intervals, and the table with its gray row."""

import numpy as np
import pytest
import scipy.stats
import torch

from colorize_lib.color import normalize_lab, rgb_to_lab
from colorize_lib.evaluation import frechet_distance
from colorize_lib.evaluation.scores import (
    GRAY,
    METRICS,
    TRUTH,
    Scores,
    bootstrap,
    evaluate,
    paired_differences,
)
from colorize_lib.metrics import psnr


def pictures(count=6, size=24, seed=0):
    random = torch.Generator().manual_seed(seed)
    corners = torch.rand(count, 3, 5, 5, generator=random)
    smooth = torch.nn.functional.interpolate(corners, (size, size), mode="bilinear")
    return (smooth * 255).to(torch.uint8)


def truth_teller(truths):
    return lambda l: normalize_lab(rgb_to_lab(truths))[1]


def test_rows_gray_first_and_truth_last():
    truths = pictures()
    scores = evaluate({"oracle": truth_teller(truths)}, [truths])
    assert list(scores) == [GRAY, "oracle", TRUTH]
    gray, oracle, truth = (row.compute() for row in scores.values())
    # Not 0: of a gray halfway between two codes, one channel may round the other way.
    assert gray["colorfulness"].mean < 0.2 < 10 < truth["colorfulness"].mean
    assert oracle["psnr"].mean == truth["psnr"].mean == 100
    assert truth["ciede2000"].mean == 0
    assert gray["psnr"].mean < 40


def test_colorizers_are_given_lightness_alone():
    truths, seen = pictures(), []
    scores = evaluate({"spy": lambda l: seen.append(l) or dull(l)}, [truths])
    assert seen[0].shape == (6, 1, 24, 24)
    assert scores["spy"].compute() == scores[GRAY].compute()


def dull(l):
    return torch.zeros_like(l).repeat(1, 2, 1, 1)


def refuse(l):
    raise AssertionError("this row is known: its colorizer is not asked")


@pytest.mark.parametrize("names", [(GRAY, TRUTH), ("oracle",)])
def test_rows_that_are_known_are_handed_on_unscored(names, monkeypatch):
    truths = pictures()
    colorizers = {"oracle": truth_teller(truths), "dull": dull}
    expected = evaluate(colorizers, [truths])
    marks = torch.arange(len(truths)).float()
    known = {name: Scores({"psnr": marks.clone()}) for name in names}
    scored, update = [], Scores.update
    monkeypatch.setattr(
        Scores, "update", lambda row, *both: scored.append(row) or update(row, *both)
    )
    asked = colorizers | {name: refuse for name in names if name in colorizers}
    scores = evaluate(asked, [truths], known=known)
    assert list(scores) == [GRAY, "oracle", "dull", TRUTH]
    assert len(scored) == 4 - len(names), "scoring is what takes the time"
    for name, row in scores.items():
        if name in names:
            assert row is known[name]
            assert list(row.values) == ["psnr"]
            assert torch.equal(row.values["psnr"], marks)
        else:
            assert row.compute() == expected[name].compute()
    assert list(known) == list(names)


def test_the_mean_is_of_pictures_not_of_pooled_errors():
    truths = pictures()
    brighter = truths.int() + torch.arange(6).view(6, 1, 1, 1) * 8
    brighter = brighter.clamp(0, 255).to(torch.uint8)
    scores = Scores()
    scores.update(brighter, truths)
    expected = psnr(brighter, truths).double().mean()
    assert scores.compute()["psnr"].mean == pytest.approx(expected)


def test_intervals_agree_with_scipy():
    values = torch.randn(200, generator=torch.Generator().manual_seed(1)) * 3 + 10
    ours = bootstrap(values, resamples=4000)
    theirs = scipy.stats.bootstrap(
        (values.numpy(),), np.mean, n_resamples=4000, method="percentile", rng=1
    ).confidence_interval
    assert ours.mean == pytest.approx(values.mean().item(), rel=1e-6)
    assert ours.low == pytest.approx(theirs.low, abs=0.03)
    assert ours.high == pytest.approx(theirs.high, abs=0.03)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    random = torch.Generator().manual_seed(2)
    draws = [
        bootstrap(torch.randn(50, generator=random), resamples=300) for _ in range(200)
    ]
    covered = sum(draw.low <= 0 <= draw.high for draw in draws)
    assert 175 <= covered <= 198


def test_nothing_scored():
    with pytest.raises(ValueError, match="no picture was scored"):
        bootstrap(torch.zeros(0))


def test_paired_differences_are_sharper_than_two_intervals():
    hard = torch.randn(300, generator=torch.Generator().manual_seed(3)) * 5
    one, other = Scores({"psnr": hard + 0.3}), Scores({"psnr": hard})
    difference = paired_differences(one, other)["psnr"]
    assert difference.mean == pytest.approx(0.3, abs=1e-5)
    assert difference.high - difference.low < 0.01
    assert one.compute()["psnr"].low < other.compute()["psnr"].high
    with pytest.raises(ValueError, match="300 pictures against 2"):
        paired_differences(one, Scores({"psnr": hard[:2]}))


def test_known_rows_of_another_number_of_pictures_are_refused():
    random = torch.Generator().manual_seed(0)
    truths = torch.randint(0, 256, (3, 3, 16, 16), dtype=torch.uint8, generator=random)
    known = evaluate({}, [truths[:2]])
    with pytest.raises(ValueError, match=r"known rows are of other pictures.*: 2.*: 3"):
        evaluate({"net": lambda l: torch.cat([l, -l], 1) / 4}, [truths], known=known)


# ------------------------------------------------------------ other metrics, features


def brightness(pictures, truths):
    return pictures.float().mean(dim=(1, 2, 3)) - truths.float().mean(dim=(1, 2, 3))


def colors(shown):
    """Features: the mean of each channel."""
    return shown.float().mean(dim=(2, 3))


def reddest(shown):
    """Classes: the channel with the highest mean."""
    return colors(shown).argmax(dim=1)


SEEN = {"colors": colors, "classes": reddest}


def distance(scores):
    sets = (scores[name].features["colors"] for name in (GRAY, TRUTH))
    return frechet_distance(*sets)


def test_features_are_of_every_row_and_the_truth_is_looked_at_once():
    truths, looked_at = pictures(), []

    def spy(shown):
        looked_at.append(shown)
        return colors(shown)

    rows = {"oracle": truth_teller(truths), "dull": dull}
    scores = evaluate(rows, [truths], features={"colors": spy, "classes": reddest})
    assert len(looked_at) == 4
    assert (
        sum(torch.equal(shown, truths) for shown in looked_at[:1] + looked_at[2:]) == 1
    )
    for row, shown in zip(scores.values(), looked_at, strict=True):
        assert torch.equal(row.features["colors"], colors(shown))
        assert row.features["classes"].dtype == torch.int64
        assert row.features["classes"].shape == (6,)
        assert row.count == 6
    gray = scores[GRAY].features["colors"]
    assert (gray.amax(1) - gray.amin(1)).max() < 1


def test_halves_merge_to_the_whole_exactly():
    truths = pictures(12)
    halves = truths.split(6)
    settings = {"metrics": METRICS | {"brightness": brightness}, "features": SEEN}
    whole = evaluate({"dull": dull}, halves, **settings)
    one, other = (evaluate({"dull": dull}, [half], **settings) for half in halves)
    for name, row in whole.items():
        one[name].merge(other[name])
        assert one[name].values.keys() == row.values.keys()
        assert one[name].features.keys() == row.features.keys()
        for kind in ("values", "features"):
            for key, x in getattr(row, kind).items():
                assert torch.equal(getattr(one[name], kind)[key], x)
    assert distance(one) == distance(whole) > 1
    assert whole["dull"].count == 12


def test_a_known_row_without_the_features_is_refused_before_anything_is_scored():
    truths = pictures()
    known = evaluate({}, [truths], features={"colors": colors})
    with pytest.raises(
        ValueError, match=r"known row 'gray.* no features classes: score"
    ):
        evaluate({"net": refuse}, [truths], known=known, features=SEEN)


def test_scores_of_different_pictures_cannot_be_counted():
    scores = Scores({"psnr": torch.ones(3)})
    scores.merge(Scores({"ssim": torch.ones(2)}))
    with pytest.raises(ValueError, match=r"not every score.*'psnr': 3, 'ssim': 2"):
        _ = scores.count
    assert Scores().count == 0
