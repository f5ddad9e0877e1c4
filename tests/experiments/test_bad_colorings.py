import pytest
import torch

from colorize_lib.color import AB_SCALE
from colorize_lib.color_bins import gamut_bins
from colorize_lib.evaluation.scores import METRICS
from colorize_lib.experiments.bad_colorings import (
    BLUR,
    BROWN,
    PROBES,
    blurred,
    brown,
    evaluate_probes,
    half_the_color,
    of_another_picture,
    opposite,
)
from colorize_lib.experiments.on_scenes import load_color_counts


@pytest.fixture
def ab():
    return torch.rand(3, 2, 64, 48, generator=torch.Generator().manual_seed(0)) - 0.5


@pytest.mark.parametrize("probe", PROBES.values())
def test_shapes_stay_and_the_truth_is_not_touched(probe, ab):
    before = ab.clone()
    assert probe(ab).shape == ab.shape
    assert torch.equal(ab, before)


def test_half_the_chroma_and_the_same_hue(ab):
    half = half_the_color(ab)
    torch.testing.assert_close(half.norm(dim=1), ab.norm(dim=1) / 2)
    cosine = torch.cosine_similarity(half, ab, dim=1)
    torch.testing.assert_close(cosine, torch.ones_like(cosine))


def test_opposite_hues_have_the_same_chroma(ab):
    turned = opposite(ab)
    torch.testing.assert_close(turned.norm(dim=1), ab.norm(dim=1))
    assert torch.equal(turned + ab, torch.zeros_like(ab))


def test_one_brown_is_everywhere(ab):
    colors = brown(ab).permute(0, 2, 3, 1).reshape(-1, 2) * AB_SCALE
    torch.testing.assert_close(colors, torch.tensor([BROWN]).expand_as(colors))


def test_brown_is_the_mean_color_of_the_counted_photographs():
    counts = torch.tensor(load_color_counts()["counts"]).double()
    mean = (counts[:, None] * gamut_bins()).sum(0) / counts.sum()
    # Bins are 10 wide: the mean of their centers is not quite that of the colors.
    torch.testing.assert_close(mean, torch.tensor(BROWN).double(), rtol=0, atol=0.5)


def test_the_blurred_color_is_the_mean_of_a_square():
    ab = torch.zeros(1, 2, 4 * BLUR, 4 * BLUR)
    ab[..., : 2 * BLUR] = 0.4  # a vertical edge
    soft = blurred(ab)
    across = soft[0, 0, 2 * BLUR]
    assert across[0] == pytest.approx(0.4, rel=1e-4)
    assert across[-1] == 0
    assert (across.diff() <= 1e-5).all()
    assert ((across > 0.01) & (across < 0.39)).sum() >= BLUR - 2
    assert soft.mean() == pytest.approx(0.2, rel=1e-4)
    even = torch.full_like(ab, 0.3)
    torch.testing.assert_close(blurred(even), even)


def test_no_picture_keeps_its_own_colors(ab):
    moved = of_another_picture(ab)
    assert all(torch.equal(moved[i], ab[i - 1]) for i in range(3))


def test_scores_of_gray_photographs_are_those_of_probes_that_cannot_change_them():
    gray = torch.randint(0, 256, (4, 1, 32, 32), dtype=torch.uint8).repeat(1, 3, 1, 1)
    scores = evaluate_probes([gray[:3], gray[3:]])
    assert list(scores) == list(PROBES)
    for name, row in scores.items():
        assert row.values.keys() == METRICS.keys()
        assert row.count == 4
        same = name != "one brown for all"
        assert (row.values["psnr"] > 50).all() == same


def test_what_is_right_by_half_scores_higher_than_what_is_opposite():
    truth = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    scores = evaluate_probes([truth])
    half, wrong = scores["right hues, half the color"], scores["opposite hues"]
    assert (half.values["psnr"] > wrong.values["psnr"]).all()
    assert (half.values["ciede2000"] < wrong.values["ciede2000"]).all()
    assert (half.values["colorfulness"] < wrong.values["colorfulness"]).all()
