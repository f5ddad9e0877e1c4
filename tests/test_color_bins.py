"""Color bins against brute force, SciPy, and the paper's equations written out."""

import math
from functools import cache

import numpy as np
import pytest
import skimage.color
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from colorize_lib.color import rgb_to_lab
from colorize_lib.color_bins import (
    annealed_mean,
    bin_frequencies,
    gamut_bins,
    mode,
    rebalancing_weights,
    sample,
    soft_bins,
    undo_rebalancing,
)


@cache
def bins_of(step=10.0):
    return gamut_bins(step)


def lab_of(*channels):
    """ab ``(n, 2)`` of sRGB codes by scikit-image, float64."""
    rgb = np.stack(np.broadcast_arrays(*channels), axis=-1).reshape(-1, 3)
    return skimage.color.rgb2lab(rgb.astype(np.uint8))[:, 1:]


def squares(ab, step):
    """The numbers of the squares that colors lie in, each once."""
    a, b = np.round(ab / step).astype(int).T
    return set(np.unique(1000 * a + b).tolist())


def random_ab(seed=0, size=(3, 5, 7)):
    """Colors of sRGB, ``(B, 2, H, W)``, no side as long as another."""
    random = torch.Generator().manual_seed(seed)
    count, height, width = size
    shape = (count, 3, height, width)
    rgb = torch.randint(0, 256, shape, dtype=torch.uint8, generator=random)
    return rgb_to_lab(rgb)[:, 1:]


def pixels(x):
    """``(B, C, H, W)`` to NumPy ``(B * H * W, C)``."""
    return x.permute(0, 2, 3, 1).flatten(0, 2).numpy()


# ------------------------------------------------------------ bins


def test_261_squares_in_order():
    bins = bins_of()
    assert bins.shape == (261, 2)
    assert bins.dtype == torch.float32
    places = [tuple(center) for center in bins.tolist()]
    assert places == sorted(set(places))
    assert all(x % 10 == 0 for center in places for x in center)
    assert (0.0, 0.0) in places
    assert not (torch.signbit(bins) & (bins == 0)).any(), "-0 looks odd where printed"


@cache
def cube(every):
    """Colors of the whole cube, every so many codes."""
    codes = np.arange(0, 256, every)
    return lab_of(*np.meshgrid(codes, codes, codes))


@cache
def surface():
    """All colors of the six faces."""
    codes = np.arange(256)
    one, two = np.meshgrid(codes, codes)
    faces = [
        lab_of(*others[:channel], np.array(end), *others[channel:])
        for channel in range(3)
        for end in (0, 255)
        for others in [(one, two)]
    ]
    return np.concatenate(faces)


@pytest.mark.parametrize("step", [10.0, 7.0])
def test_the_squares_are_those_with_colors(step):
    bins = squares(bins_of(step).numpy(), step)
    assert squares(cube(8), step) <= bins
    assert bins == squares(surface(), step)


@pytest.mark.parametrize("step", [0, math.nan])
def test_bins_without_a_side_are_refused(step):
    with pytest.raises(ValueError, match=f"side above 0 Lab units, not {step}"):
        gamut_bins(step)


# ------------------------------------------------------------ soft bins


@given(
    seed=st.integers(0, 1000),
    neighbors=st.integers(1, 9),
    softness=st.floats(1, 30),
    step=st.sampled_from([10.0, 20.0]),
)
@settings(max_examples=10)
def test_soft_bins_are_gaussians_of_the_nearest(seed, neighbors, softness, step):
    bins, ab = bins_of(step), random_ab(seed)
    nearest, probabilities = soft_bins(ab, bins, neighbors, softness)
    assert nearest.shape == probabilities.shape == (3, neighbors, 5, 7)
    tree = cKDTree(bins.double().numpy())
    apart, _ = tree.query(pixels(ab).astype(float), k=range(1, neighbors + 1))
    gaussian = np.exp(-(apart**2) / (2 * softness**2))
    expected = gaussian / gaussian.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(pixels(probabilities), expected, atol=2e-3)
    # Not the numbers of the bins: of several at the same distance any may come first.
    chosen = bins.numpy()[pixels(nearest)]
    ours = np.linalg.norm(chosen - pixels(ab)[:, None], axis=2)
    np.testing.assert_allclose(ours, apart, atol=2e-3)
    assert all(len(set(row)) == neighbors for row in pixels(nearest).tolist())


def test_soft_bins_by_hand():
    """On a center, and halfway to the next; the paper's softness is 5 units."""
    bins = torch.tensor([[0, 0], [10, 0], [-10, 0], [0, 10], [0, -10], [50, 50.0]])
    ab = torch.tensor([[0, 5], [0, 0.0]]).view(1, 2, 1, 2)
    nearest, probabilities = soft_bins(ab, bins)
    e = math.exp(-2)  # of 10 units: 10^2 / (2 * 5^2)
    center = torch.tensor([1, e, e, e, e]) / (1 + 4 * e)
    torch.testing.assert_close(probabilities[0, :, 0, 0], center)
    assert nearest[0, 0, 0, 0] == 0
    assert set(nearest[0, :, 0, 0].tolist()) == {0, 1, 2, 3, 4}
    halfway = torch.tensor([1, 1, e, e, e * e]) / (2 + 2 * e + e * e)
    torch.testing.assert_close(probabilities[0, :, 0, 1], halfway)
    assert set(nearest[0, :2, 0, 1].tolist()) == {0, 1}
    assert nearest[0, 4, 0, 1] == 2


def test_where_there_are_fewer_bins_than_neighbors_all_have_probabilities():
    bins = torch.tensor([[0, 0], [60, 40], [0, -50.0]])
    nearest, probabilities = soft_bins(random_ab(), bins)
    assert nearest.shape == (3, 3, 5, 7)
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(3, 5, 7))


def test_bins_are_found_in_full_precision_under_autocast():
    """In bfloat16, 100^2 is known to 32 only: the wrong bins."""
    ab = random_ab()
    expected = soft_bins(ab, bins_of())
    with torch.autocast("cpu", torch.bfloat16):
        found = soft_bins(ab, bins_of())
    assert torch.equal(found[0], expected[0])
    assert torch.equal(found[1], expected[1])


# ------------------------------------------------------------ frequencies


def histogram(ab, bins, step=10):
    """By NumPy, whose squares need no nearest neighbor."""
    edges = np.arange(-115, 116, step)
    found, _, _ = np.histogram2d(*pixels(ab).astype(float).T, bins=(edges, edges))
    rows = np.round((bins.numpy() + 110) / step).astype(int)
    assert found.sum() == found[rows[:, 0], rows[:, 1]].sum(), "a color without a bin"
    return found[rows[:, 0], rows[:, 1]].astype(int).tolist()


def test_frequencies_are_those_of_a_histogram():
    """Of more pixels than are looked at together."""
    size = (7, 90, 110)
    ab = random_ab(4, size)
    counts = bin_frequencies(ab, bins_of())
    assert counts.tolist() == histogram(ab, bins_of())
    assert counts.dtype == torch.int64
    assert counts.sum() == math.prod(size)


# ------------------------------------------------------------ weights


def equation_4(frequencies, bins, uniform, softness):
    """Literally: loops, and no matrix."""
    count = len(bins)
    share = [f / sum(frequencies) for f in frequencies]
    smooth = [0.0] * count
    for source in range(count):
        kernel = [
            math.exp(-(math.dist(bins[source], bins[q]) ** 2) / (2 * softness**2))
            for q in range(count)
        ]
        for q in range(count):
            smooth[q] += share[source] * kernel[q] / sum(kernel)
    weights = [1 / ((1 - uniform) * p + uniform / count) for p in smooth]
    mean = sum(p * w for p, w in zip(share, weights, strict=True))
    return [w / mean for w in weights]


counts_of = st.lists(st.integers(0, 10_000), min_size=77, max_size=77).filter(any)


@given(counts=counts_of, uniform=st.floats(0.05, 1), softness=st.floats(2, 40))
@settings(max_examples=10)
def test_weights_are_those_of_equation_4(counts, uniform, softness):
    bins = bins_of(20.0)
    weights = rebalancing_weights(torch.tensor(counts), bins, uniform, softness)
    expected = equation_4(counts, bins.tolist(), uniform, softness)
    assert weights.tolist() == pytest.approx(expected, rel=1e-4)
    assert weights.dtype == torch.float32


def test_the_papers_constants_are_the_default():
    counts = torch.arange(1, 78) ** 2
    weights = rebalancing_weights(counts, bins_of(20.0))
    expected = equation_4(counts.tolist(), bins_of(20.0).tolist(), 0.5, 5.0)
    assert weights.tolist() == pytest.approx(expected, rel=1e-5)


FAR_APART = torch.tensor([[0, 0], [90, 0], [0, 90], [-80, 0], [0, -100.0]])


def test_weights_by_hand():
    """Nothing is spread over 90 units: 1 / (share / 2 + 1 / 10), scaled."""
    counts = [6, 2, 2, 0, 0]
    raw = [1 / (n / 20 + 0.1) for n in counts]  # 2.5, 5, 5, 10, 10
    mean = 0.6 * 2.5 + 0.4 * 5
    weights = rebalancing_weights(torch.tensor(counts), FAR_APART)
    assert weights.tolist() == pytest.approx([w / mean for w in raw])


@pytest.mark.parametrize("uniform", [0, 1.1])
def test_a_share_that_leaves_weights_without_limit_is_refused(uniform):
    with pytest.raises(ValueError, match=rf"in \(0, 1\], not {uniform}"):
        rebalancing_weights(torch.ones(5), FAR_APART, uniform)


def test_weights_of_no_pixels_are_refused():
    with pytest.raises(ValueError, match="no pixel was counted"):
        rebalancing_weights(torch.zeros(5, dtype=torch.int64), FAR_APART)


# ------------------------------------------------------------ from logits to a color

RED, BLUE, GREEN = [60.0, 40.0], [10.0, -50.0], [-50.0, 40.0]
COLORS = torch.tensor([RED, BLUE, GREEN])


def logits_of(*probabilities, size=(1, 1)):
    """The same probabilities everywhere, off by a constant as a network's may be."""
    logits = torch.tensor(probabilities).log() + 3
    return logits.view(1, -1, 1, 1).expand(1, -1, *size)


def random_logits(seed=0, count=261):
    random = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(2, count, 3, 4, generator=random)


def equation_5(logits, bins, temperature):
    """Literally, pixel by pixel, in float64."""
    ab = []
    for z in pixels(logits.softmax(dim=1)).astype(float):
        sharp = np.exp(np.log(z) / temperature)
        ab.append((sharp[:, None] / sharp.sum() * bins.numpy()).sum(axis=0))
    return np.stack(ab)


@pytest.mark.parametrize("given", [(), (0.2,), (1.0,)], ids=str)
def test_annealed_means_are_those_of_equation_5(given):
    logits = random_logits()
    ab = annealed_mean(logits, bins_of(), *given)
    assert ab.shape == (2, 2, 3, 4)
    expected = equation_5(logits, bins_of(), *(given or (0.38,)))
    np.testing.assert_allclose(pixels(ab), expected, atol=1e-3)


def test_near_a_temperature_of_0_it_is_the_mode():
    logits = random_logits()
    coldest = annealed_mean(logits, bins_of(), 1e-3)
    torch.testing.assert_close(coldest, mode(logits, bins_of()), rtol=0, atol=1e-2)


def test_in_between_the_likelier_color_prevails():
    """60 : 40, sharpened at .38: 74 : 26."""
    ab = annealed_mean(logits_of(0.6, 0.4), COLORS[:2]).flatten()
    share = 1 / (1 + (0.4 / 0.6) ** (1 / 0.38))
    assert share == pytest.approx(0.744, abs=1e-3)
    expected = [share * r + (1 - share) * b for r, b in zip(RED, BLUE, strict=True)]
    assert ab.tolist() == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("temperature", [0, math.nan])
def test_a_temperature_that_is_none_is_refused(temperature):
    with pytest.raises(ValueError, match=rf"above 0, not {temperature}: .*mode\(\)"):
        annealed_mean(random_logits(), bins_of(), temperature)


def test_the_mode_is_the_likeliest_bin_of_each_pixel():
    logits = random_logits()
    ab = mode(logits, bins_of())
    assert ab.shape == (2, 2, 3, 4)
    expected = bins_of().numpy()[pixels(logits).argmax(axis=1)]
    np.testing.assert_array_equal(pixels(ab), expected)


def test_samples_are_as_frequent_as_their_probabilities():
    probabilities = [0.5, 0.3, 0.17, 0.03, 0.0]
    side = 400
    random = torch.Generator().manual_seed(0)
    drawn = sample(logits_of(*probabilities, size=(side, side)), FAR_APART, random)
    assert drawn.shape == (1, 2, side, side)
    for color, p in zip(FAR_APART, probabilities, strict=True):
        share = (drawn == color.view(1, 2, 1, 1)).all(dim=1).double().mean().item()
        assert abs(share - p) <= 4 * math.sqrt(p * (1 - p)) / side


def test_pixels_are_drawn_one_by_one_each_by_its_own_probabilities():
    logits = torch.full((2, 3, 30, 50), -math.inf)
    logits[0, 0, :, :20] = logits[0, 1, :, 20:] = logits[1, 2] = 0
    logits[1, 1] = 0
    drawn = sample(logits, COLORS, torch.Generator().manual_seed(0))
    assert (drawn[0, :, :, :20] == COLORS[0].view(2, 1, 1)).all()
    assert (drawn[0, :, :, 20:] == COLORS[1].view(2, 1, 1)).all()
    green = (drawn[1] == COLORS[2].view(2, 1, 1)).all(dim=0)
    assert 0 < green.float().mean() < 1
    # As often beside its like as beside the other: no pixel asks its neighbor.
    assert (green[:, 1:] == green[:, :-1]).float().mean().item() == pytest.approx(
        0.5, abs=0.06
    )


# ------------------------------------------------------------ weights divided out


def learned(true, weights):
    """The logits that minimize a cross-entropy weighted by the true bin."""
    logits = torch.zeros_like(true, requires_grad=True)
    descent = torch.optim.LBFGS(
        [logits], max_iter=100, tolerance_grad=1e-9, line_search_fn="strong_wolfe"
    )

    def loss():
        descent.zero_grad()
        value = -(true * weights * logits.log_softmax(dim=0)).sum()
        value.backward()
        return value

    descent.step(loss)
    return logits.detach()


@given(seed=st.integers(0, 1000))
@settings(max_examples=3)
def test_what_is_learned_under_weights_and_without_them(seed):
    random = torch.Generator().manual_seed(seed)
    shape = {"dtype": torch.float64, "generator": random}
    probabilities = (2 * torch.rand(6, **shape)).softmax(dim=0)
    weights = (4 * torch.rand(6, **shape) - 2).exp()
    logits = learned(probabilities, weights)
    distorted = probabilities * weights / (probabilities @ weights)
    torch.testing.assert_close(logits.softmax(dim=0), distorted, rtol=0, atol=1e-4)
    true = undo_rebalancing(logits.view(1, 6, 1, 1), weights).softmax(dim=1)
    torch.testing.assert_close(true.flatten(), probabilities, rtol=0, atol=1e-4)


def test_weights_are_divided_out_in_every_pixel():
    """Three bins in pictures of three pixels: no dimension is taken for another."""
    weights = torch.tensor([0.5, 2, 8])
    random = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 3, 3, 3, generator=random)
    true = undo_rebalancing(logits, weights).softmax(dim=1)
    expected = logits.softmax(dim=1) / weights[:, None, None]
    torch.testing.assert_close(true, expected / expected.sum(dim=1, keepdim=True))


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_share_of_the_weights_is_divided_out(share):
    weights = torch.tensor([0.5, 2, 8])
    ours = undo_rebalancing(logits_of(0.5, 0.3, 0.2), weights, share).softmax(dim=1)
    expected = torch.tensor([0.5, 0.3, 0.2]) / weights**share
    torch.testing.assert_close(ours.flatten(), expected / expected.sum())
