"""colorize_lib.metrics against scikit-image, published data, and hand-computed cases.

Each score is also held against the wrong version that is found in the wild: where the
two agree on the test's pictures, the test could not tell them apart, and fails.
"""

import math

import pytest
import skimage.color
import skimage.metrics
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from colorize_lib import metrics
from colorize_lib.color import rgb_to_lab
from colorize_lib.metrics import (
    ab_l1,
    ciede2000,
    colorfulness,
    colorfulness_abs,
    delta_e_2000,
    psnr,
    ssim,
)

PAIRED = [psnr, ssim, ciede2000, ab_l1]


def random_pictures(seed=0, count=3, size=(24, 17)):
    random = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, *size), dtype=torch.uint8, generator=random)


def noisy(pictures, strength=40, seed=1):
    random = torch.Generator().manual_seed(seed)
    noise = torch.randint(-strength, strength + 1, pictures.shape, generator=random)
    return (pictures.int() + noise).clamp(0, 255).to(torch.uint8)


def plain(*rgb, size=16):
    color = torch.tensor(rgb, dtype=torch.uint8).view(1, 3, 1, 1)
    return color.expand(1, 3, size, size)


EDGES = {
    "random": (random_pictures(), noisy(random_pictures())),
    "black against white": (plain(0, 0, 0), plain(255, 255, 255)),
    "gray against red": (plain(128, 128, 128), plain(255, 0, 0)),
    "gray against noise": (
        random_pictures()[:, :1].expand(-1, 3, -1, -1),
        random_pictures(),
    ),
    "smallest for SSIM": (
        random_pictures(size=(11, 11)),
        random_pictures(3, size=(11, 11)),
    ),
}


def as_skimage(pictures):
    return [picture.permute(1, 2, 0).numpy() for picture in pictures]


def reference(score, pictures, truths):
    """Each picture's score by scikit-image, float64."""
    values = []
    for picture, truth in zip(as_skimage(pictures), as_skimage(truths), strict=True):
        lab, true_lab = skimage.color.rgb2lab(picture), skimage.color.rgb2lab(truth)
        if score is psnr:
            values.append(skimage.metrics.peak_signal_noise_ratio(truth, picture))
        elif score is ssim:
            values.append(
                skimage.metrics.structural_similarity(
                    truth, picture, gaussian_weights=True, sigma=1.5,
                    use_sample_covariance=False, channel_axis=2, data_range=255,
                )
            )  # fmt: skip
        elif score is ciede2000:
            values.append(skimage.color.deltaE_ciede2000(true_lab, lab).mean())
        else:
            values.append(abs(lab - true_lab)[..., 1:].mean())
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize("score", PAIRED)
@pytest.mark.parametrize("edge", EDGES)
def test_agrees_with_skimage(score, edge):
    pictures, truths = EDGES[edge]
    expected = reference(score, pictures, truths)
    torch.testing.assert_close(
        score(pictures, truths).double(), expected, rtol=1e-4, atol=2e-4
    )


@given(
    st.integers(0, 10_000),
    st.integers(1, 255),
    st.integers(11, 30),
    st.integers(11, 30),
)
@settings(max_examples=6, deadline=None)
def test_agrees_with_skimage_on_any_pictures(seed, strength, height, width):
    truths = random_pictures(seed, count=1, size=(height, width))
    pictures = noisy(truths, strength, seed)
    assume(not torch.equal(pictures, truths))
    for score in PAIRED:
        expected = reference(score, pictures, truths)
        torch.testing.assert_close(
            score(pictures, truths).double(), expected, rtol=1e-4, atol=2e-4
        )


def test_identical_pictures():
    pictures = torch.cat(
        [random_pictures(size=(16, 16)), plain(0, 0, 0), plain(90, 90, 90)]
    )
    assert psnr(pictures, pictures).tolist() == [metrics.PSNR_OF_IDENTICAL] * 5
    torch.testing.assert_close(ssim(pictures, pictures), torch.ones(5))
    assert ciede2000(pictures, pictures).tolist() == [0] * 5
    assert ab_l1(pictures, pictures).tolist() == [0] * 5


@pytest.mark.parametrize("score", PAIRED)
def test_a_score_belongs_to_its_picture_alone(score):
    pictures, truths = EDGES["random"]
    together = score(pictures, truths)
    one_by_one = [
        score(pictures[i : i + 1], truths[i : i + 1]) for i in range(len(pictures))
    ]
    torch.testing.assert_close(together, torch.cat(one_by_one))
    assert together.shape == (3,)


def test_what_is_no_8_bit_picture_is_refused():
    score = psnr
    good = random_pictures(size=(16, 16))
    remedy = r"rgb_to_uint8\(pictures\)$"
    with pytest.raises(
        ValueError, match=f"pictures .*uint8.*not torch.float32.*{remedy}"
    ):
        score(good.float(), good)
    remedy = r"truths.to\(torch.uint8\)$"
    with pytest.raises(ValueError, match=f"truths .*uint8.*not torch.int64.*{remedy}"):
        score(good, good.long())
    with pytest.raises(ValueError, match=r"\(3, 16, 16\); give pictures\[None\]"):
        score(good[0], good[0])
    with pytest.raises(
        ValueError, match=r"\(3, 3, 16, 16\) and truths \(2, 3, 16, 16\)"
    ):
        score(good, good[:2])


@pytest.mark.parametrize("score", [ssim, lambda x, _: colorfulness(x)])
def test_arrays_are_refused_with_the_code_that_makes_tensors_of_them(score):
    good = random_pictures(size=(16, 16))
    array = good.permute(0, 2, 3, 1).numpy()
    code = r"torch.from_numpy\(pictures\).permute\(0, 3, 1, 2\)"
    with pytest.raises(TypeError, match=rf"not a NumPy array .*; give {code}$"):
        score(array, good)


def test_lab_of_another_shape_is_refused():
    lab = rgb_to_lab(random_pictures())
    with pytest.raises(ValueError, match=r"lab must .*; give lab\[None\]"):
        delta_e_2000(lab[0], lab[0])
    with pytest.raises(TypeError, match="other must be a tensor"):
        delta_e_2000(lab, lab.numpy())


def test_ssim_refuses_what_is_smaller_than_its_window():
    small = random_pictures(size=(10, 30))
    with pytest.raises(ValueError, match=r"11 x 11 pixels, not \(10, 30\)"):
        ssim(small, small)


# ------------------------------------------------------------ wrong versions, as found


def test_twenty_times_the_logarithm_is_another_number():
    pictures, truths = EDGES["random"]
    errors = ((pictures / 255 - truths / 255) ** 2).mean((1, 2, 3))
    assert (psnr(pictures, truths) + 20 * errors.log10()).abs().min() > 5


def test_the_psnr_of_a_pooled_error_is_another_number():
    truths = random_pictures()
    pictures = torch.cat([noisy(truths[:1], 2), noisy(truths[1:], 100)])
    pooled = -10 * ((pictures / 255 - truths / 255) ** 2).mean().log10()
    assert psnr(pictures, truths).mean() - pooled > 3


def test_ssim_of_uniform_windows_is_another_number():
    pictures, truths = EDGES["random"]
    uniform = skimage.metrics.structural_similarity(
        *(as_skimage(x)[0] for x in (truths, pictures)), channel_axis=2, data_range=255
    )
    assert abs(ssim(pictures, truths)[0] - uniform) > 2e-3


def test_cie76_is_another_number():
    pictures, truths = EDGES["random"]
    cie76 = (rgb_to_lab(pictures) - rgb_to_lab(truths)).norm(dim=1).mean(dim=(1, 2))
    assert (ciede2000(pictures, truths) - cie76).abs().min() > 1


# ------------------------------------------------------------ colorfulness


def test_colorfulness_by_hand():
    # Half red, half green: rg = +-255, yb = 127.5; std 255 and 0, means 0 and 127.5.
    half = torch.cat([plain(255, 0, 0), plain(0, 255, 0)], dim=-1)
    assert colorfulness(half).item() == pytest.approx(255 + 0.3 * 127.5)
    # With absolute values the spread is gone and the mean is there: another number.
    assert colorfulness_abs(half).item() == pytest.approx(0.3 * math.hypot(255, 127.5))
    assert colorfulness(plain(0, 0, 255)).item() == pytest.approx(0.3 * 255)


def test_grays_have_no_colorfulness():
    grays = random_pictures()[:, :1].expand(-1, 3, -1, -1)
    assert colorfulness(grays).tolist() == [0, 0, 0]
    assert colorfulness_abs(grays).tolist() == [0, 0, 0]


def test_unsigned_colorfulness_is_another_number():
    pictures = random_pictures()
    assert (colorfulness(pictures) - colorfulness_abs(pictures)).min() > 20


# Sharma, Wu and Dalal 2005, table 1: L, a, b, L, a, b, and the difference of the two.
SHARMA = """
50 2.6772 -79.7751 50 0 -82.7485 2.0425
50 3.1571 -77.2803 50 0 -82.7485 2.8615
50 2.8361 -74.0200 50 0 -82.7485 3.4412
50 -1.3802 -84.2814 50 0 -82.7485 1.0000
50 -1.1848 -84.8006 50 0 -82.7485 1.0000
50 -0.9009 -85.5211 50 0 -82.7485 1.0000
50 0 0 50 -1 2 2.3669
50 -1 2 50 0 0 2.3669
50 2.4900 -0.0010 50 -2.4900 0.0009 7.1792
50 2.4900 -0.0010 50 -2.4900 0.0010 7.1792
50 2.4900 -0.0010 50 -2.4900 0.0011 7.2195
50 2.4900 -0.0010 50 -2.4900 0.0012 7.2195
50 -0.0010 2.4900 50 0.0009 -2.4900 4.8045
50 -0.0010 2.4900 50 0.0010 -2.4900 4.8045
50 -0.0010 2.4900 50 0.0011 -2.4900 4.7461
50 2.5 0 50 0 -2.5 4.3065
50 2.5 0 73 25 -18 27.1492
50 2.5 0 61 -5 29 22.8977
50 2.5 0 56 -27 -3 31.9030
50 2.5 0 58 24 15 19.4535
50 2.5 0 50 3.1736 0.5854 1.0000
50 2.5 0 50 3.2972 0 1.0000
50 2.5 0 50 1.8634 0.5757 1.0000
50 2.5 0 50 3.2592 0.3350 1.0000
60.2574 -34.0099 36.2677 60.4626 -34.1751 39.4387 1.2644
63.0109 -31.0961 -5.8663 62.8187 -29.7946 -4.0864 1.2630
61.2901 3.7196 -5.3901 61.4292 2.2480 -4.9620 1.8731
35.0831 -44.1164 3.7933 35.0232 -40.0716 1.5901 1.8645
22.7233 20.0904 -46.6940 23.0331 14.9730 -42.5619 2.0373
36.4612 47.8580 18.3852 36.2715 50.5065 21.2231 1.4146
90.8027 -2.0831 1.4410 91.1528 -1.6435 0.0447 1.4441
90.9257 -0.5406 -0.9208 88.6381 -0.8985 -0.7239 1.5381
6.7747 -0.2908 -2.4247 5.8714 -0.0985 -2.2286 0.6377
2.0776 0.0795 -1.1350 0.9033 -0.0636 -0.5514 0.9082
"""


def test_ciede2000_on_the_published_pairs():
    rows = [[float(x) for x in line.split()] for line in SHARMA.strip().split("\n")]
    table = torch.tensor(rows, dtype=torch.float64)
    lab, other = table[:, 0:3, None, None], table[:, 3:6, None, None]
    difference = delta_e_2000(lab, other).flatten()
    torch.testing.assert_close(difference, table[:, 6], rtol=0, atol=6e-5)
    torch.testing.assert_close(delta_e_2000(other, lab).flatten(), difference)
