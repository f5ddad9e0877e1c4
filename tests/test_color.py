"""colorize_lib.color against scikit-image, hand-computed values, and itself."""

import re

import numpy as np
import pytest
import skimage.color
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import tensor
from torch.autograd import gradcheck
from torch.utils._python_dispatch import TorchDispatchMode

from colorize_lib import color
from colorize_lib.color import (
    AB_SCALE,
    BEYOND_WHITE,
    denormalize_lab,
    lab_to_rgb,
    lab_to_xyz,
    lightness_to_gray,
    linear_to_xyz,
    normalize_lab,
    out_of_gamut,
    reduce_chroma,
    rgb_to_lab,
    rgb_to_uint8,
    srgb_to_linear,
    xyz_to_linear,
)

# Published values of the sRGB primaries (D65); gray 128 by hand:
# 116 * 0.21586 ** (1 / 3) - 16.
PRIMARIES = {
    (255, 255, 255): (100.0, 0.0, 0.0),
    (0, 0, 0): (0.0, 0.0, 0.0),
    (128, 128, 128): (53.585, 0.0, 0.0),
    (255, 0, 0): (53.241, 80.092, 67.203),
    (0, 255, 0): (87.735, -86.183, 83.179),
    (0, 0, 255): (32.297, 79.188, -107.860),
}


def pixel(*values, dtype=torch.float32):
    return tensor(values, dtype=dtype).view(3, 1, 1)


def as_skimage(pictures):
    return pictures.movedim(-3, -1).numpy()


# ------------------------------------------------------------ reference values


@pytest.mark.parametrize(
    ("reds", "step"),
    [(range(0, 256, 5), 5)]
    + [
        pytest.param(range(red, red + 16), 1, marks=pytest.mark.slow)
        for red in range(0, 256, 16)
    ],
    ids=str,
)
def test_every_srgb_color_agrees_with_skimage_and_returns_to_its_own_code(reds, step):
    """Every fifth code of each channel; by night all 16,777,216 colors."""
    codes = torch.arange(0, 256, step, dtype=torch.uint8)
    red = tensor(reds, dtype=torch.uint8)
    rgb = torch.stack(torch.meshgrid(red, codes, codes, indexing="ij")).flatten(1, 2)
    lab = rgb_to_lab(rgb)
    expected = tensor(skimage.color.rgb2lab(as_skimage(rgb))).movedim(-1, -3).float()
    torch.testing.assert_close(lab, expected, rtol=0, atol=1e-4)
    assert torch.equal(rgb_to_uint8(lab_to_rgb(lab)), rgb)
    assert not out_of_gamut(lab).any()
    ab = normalize_lab(lab)[1]
    assert ab.abs().max() < 1


@pytest.mark.parametrize(("rgb", "lab"), PRIMARIES.items())
def test_known_colors(rgb, lab):
    computed = rgb_to_lab(pixel(*rgb, dtype=torch.uint8))
    torch.testing.assert_close(computed, pixel(*lab), rtol=0, atol=6e-3)


def test_lab_to_rgb_agrees_with_skimage_inside_the_gamut():
    random = torch.Generator().manual_seed(0)
    rgb = torch.rand(3, 50, 50, generator=random, dtype=torch.float64)
    lab = rgb_to_lab(rgb)
    expected = skimage.color.lab2rgb(as_skimage(lab))
    torch.testing.assert_close(
        lab_to_rgb(lab), tensor(expected).movedim(-1, -3), rtol=0, atol=1e-9
    )


# ------------------------------------------------------------ shapes, types, errors


@pytest.mark.parametrize("shape", [(3, 5, 7), (0, 3, 4, 4), (2, 5, 3, 4, 6)])
@pytest.mark.parametrize("function", [rgb_to_lab, lab_to_rgb, reduce_chroma])
def test_shapes(function, shape):
    assert function(torch.rand(shape)).shape == shape


IMAGES = [rgb_to_lab, lab_to_rgb, reduce_chroma, normalize_lab, out_of_gamut]
STEPS = [linear_to_xyz, xyz_to_linear, lab_to_xyz, rgb_to_uint8, srgb_to_linear]


@pytest.mark.parametrize("function", IMAGES)
def test_channels_last_images_are_refused_with_the_remedy(function):
    with pytest.raises(ValueError, match=r"not \(8, 8, 3\).*permute"):
        function(torch.rand(8, 8, 3))


@pytest.mark.parametrize("function", [*IMAGES, *STEPS, lightness_to_gray])
def test_what_is_no_tensor_is_told_how_to_become_one(function):
    with pytest.raises(TypeError, match=r"must be a tensor.*give torch.from_numpy"):
        function(np.zeros((8, 8, 3)))


def test_ambiguous_integers_are_refused():
    with pytest.raises(TypeError, match=r"uint8 in 0..255.*torch.int64"):
        rgb_to_lab(torch.zeros(3, 2, 2, dtype=torch.int64))


@pytest.mark.parametrize(
    "function", [lab_to_rgb, lab_to_xyz, normalize_lab, reduce_chroma]
)
def test_integer_lab_is_refused(function):
    with pytest.raises(TypeError, match=r"lab must be floating.*rgb_to_lab.*uint8"):
        function(torch.zeros(3, 2, 2, dtype=torch.uint8))


def test_what_has_8_bits_is_not_rounded_to_8_bits():
    with pytest.raises(TypeError, match=r"point in \[0, 1\], not torch.uint8"):
        rgb_to_uint8(torch.ones(3, 2, 2, dtype=torch.uint8))


def test_no_tensor_is_joined():
    l, ab = torch.zeros(1, 4, 4), torch.zeros(2, 4, 4)
    with pytest.raises(TypeError, match="l must be a tensor"):
        denormalize_lab(l.numpy(), ab)
    with pytest.raises(TypeError, match="ab must be a tensor"):
        denormalize_lab(l, ab.numpy())


# ------------------------------------------------------------ white at 255

TAKE_RGB = [rgb_to_lab, srgb_to_linear, rgb_to_uint8]


@given(
    st.sampled_from(TAKE_RGB),
    arrays(np.float64, (3, 3, 3), elements=st.floats(0, 255)),
    st.floats(BEYOND_WHITE + 0.1, 65_535),
    st.sampled_from([torch.float16, torch.bfloat16, torch.float32, torch.float64]),
)
@settings(max_examples=20, deadline=None)
def test_floats_whose_white_is_255_are_refused(function, rgb, largest, dtype):
    rgb[1, 2, 0] = largest
    rgb = tensor(rgb).to(dtype)
    assume(rgb.isfinite().all())
    reached = (
        f"rgb reaches {rgb.max().item():g}, where floating point must lie in [0, 1]"
    )
    with pytest.raises(ValueError, match=re.escape(reached) + ".*give rgb / 255$"):
        function(rgb)


def test_an_L_is_not_taken_for_the_l_of_a_network():
    L, ab = torch.full((1, 4, 4), 50.0), torch.zeros(2, 4, 4)
    with pytest.raises(
        ValueError, match=r"l reaches 50.*\[-1, 1\]; .*give L / 50 - 1$"
    ):
        denormalize_lab(L, ab)
    assert denormalize_lab(L / 50 - 1, ab)[0].unique().item() == 50


@given(st.floats(0, 100), st.floats(-640, 640), st.floats(-640, 640))
@settings(max_examples=30, deadline=None)
def test_no_lab_within_reach_of_a_network_is_beyond_white(L, a, b):
    rgb = lab_to_rgb(pixel(L, a, b))
    assert rgb.max() < BEYOND_WHITE
    rgb_to_lab(rgb), rgb_to_uint8(rgb)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_passes_as_it_is(value):
    rgb = torch.rand(3, 4, 4)
    expected = rgb_to_lab(rgb)
    rgb[:, 1, 1] = value
    here = rgb_to_lab(rgb)
    here[:, 1, 1] = expected[:, 1, 1] = 0
    torch.testing.assert_close(here, expected)


def test_what_has_no_values_passes():
    assert rgb_to_lab(torch.zeros(2, 3, 0, 4)).shape == (2, 3, 0, 4)
    assert rgb_to_lab(torch.zeros(3, 5, 4, device="meta")).shape == (3, 5, 4)


TRANSFORMS = {
    "vmap of grad": lambda f: torch.vmap(torch.func.grad(lambda x: f(x).sum())),
    "jacfwd": torch.func.jacfwd,
    "compiled": lambda f: torch.compile(f, backend="aot_eager", fullgraph=True),
}
SLOW = pytest.param("compiled", marks=pytest.mark.slow)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*is deprecated")
@pytest.mark.parametrize("transform", ["vmap of grad", "jacfwd", SLOW])
def test_transformed_as_before_the_values_were_looked_at(transform, monkeypatch):
    rgb = torch.rand(2, 3, 2, 2, dtype=torch.float64)
    result = TRANSFORMS[transform](rgb_to_lab)(rgb)
    monkeypatch.setattr(color, "_check_values", lambda *arguments: None)
    torch.testing.assert_close(result, TRANSFORMS[transform](rgb_to_lab)(rgb))


class NoWaiting(TorchDispatchMode):
    """On a GPU, the program would wait where a value comes to Python."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        assert "_local_scalar_dense" not in str(function)
        return function(*args, **(kwargs or {}))


def test_what_a_training_calls_waits_for_no_value():
    photographs = torch.randint(0, 256, (2, 3, 4, 4), dtype=torch.uint8)
    with NoWaiting():
        lab = rgb_to_lab(photographs)
        normalize_lab(lab)
        lab_to_rgb(lab)
        lightness_to_gray(lab[:, :1])
        with pytest.raises(AssertionError):
            rgb_to_lab(photographs / 255)


def test_sizes_that_differ_are_refused_when_joined():
    with pytest.raises(ValueError, match=r"\(1, 4, 4\) and ab \(2, 4, 5\)"):
        denormalize_lab(torch.zeros(1, 4, 4), torch.zeros(2, 4, 5))


@pytest.mark.parametrize(
    ("given", "computed"),
    [
        (torch.bfloat16, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test_half_precision_is_computed_in_single(given, computed):
    rgb = torch.rand(3, 4, 4).to(given)
    assert rgb_to_lab(rgb).dtype == computed
    assert torch.equal(rgb_to_lab(rgb), rgb_to_lab(rgb.to(computed)))


def test_unmoved_by_autocast():
    rgb = torch.rand(3, 32, 32)
    lab = rgb_to_lab(rgb)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(rgb_to_lab(rgb), lab)
        back = lab_to_rgb(lab)
        joined = denormalize_lab(*normalize_lab(lab))
    assert torch.equal(back, lab_to_rgb(lab))
    assert joined.dtype == torch.float32


# ------------------------------------------------------------ round trips and gradients

floats = arrays(np.float64, (3, 4, 4), elements=st.floats(0, 1))


@given(floats)
@settings(max_examples=30, deadline=None)
def test_round_trips_of_any_float_color(rgb):
    lab = rgb_to_lab(tensor(rgb))
    torch.testing.assert_close(lab_to_rgb(lab), tensor(rgb), rtol=0, atol=2e-6)
    l, ab = normalize_lab(lab)
    assert l.abs().max() <= 1 + 1e-9
    torch.testing.assert_close(ab * AB_SCALE, lab[1:])
    torch.testing.assert_close(denormalize_lab(l, ab), lab)


@pytest.mark.parametrize("rgb", [(0, 0, 0), (1, 1, 1), (0.001,) * 3, (1, 0, 0)])
def test_gradients_are_right_at_black_white_gray_and_the_primaries(rgb):
    rgb = pixel(*rgb, dtype=torch.float64).requires_grad_()
    assert gradcheck(rgb_to_lab, rgb, eps=1e-7, atol=1e-4)
    lab = rgb_to_lab(rgb).detach().requires_grad_()
    assert gradcheck(lab_to_rgb, lab, eps=1e-7, atol=1e-4)


# ------------------------------------------------------------ gray of a lightness


def test_gray_of_a_lightness_agrees_with_skimage():
    L = torch.linspace(0, 100, 2001, dtype=torch.float64)
    expected = skimage.color.lab2rgb(np.stack([L.numpy(), 0 * L, 0 * L], axis=-1))
    gray = lightness_to_gray(L[None, None])
    # Its rounded matrix tints a gray a little; ours has three equal channels.
    torch.testing.assert_close(
        gray[:, 0], tensor(expected).movedim(-1, 0), rtol=0, atol=5e-5
    )
    assert torch.equal(gray[0], gray[1])
    assert torch.equal(gray[0], gray[2])


def test_every_gray_code_returns_from_its_lightness():
    codes = torch.arange(256, dtype=torch.uint8).expand(3, 1, 256)
    L = rgb_to_lab(codes)[:1]
    gray = lightness_to_gray(L)
    assert torch.equal(rgb_to_uint8(gray), codes)
    torch.testing.assert_close(gray * 255, codes.float(), rtol=0, atol=5e-3)


def test_what_is_no_lightness_is_refused():
    with pytest.raises(ValueError, match=r"L must have shape .*1, H, W.*\(3, 4, 4\)"):
        lightness_to_gray(torch.rand(3, 4, 4))
    with pytest.raises(TypeError, match=r"L must be floating.*torch.uint8"):
        lightness_to_gray(torch.zeros(1, 4, 4, dtype=torch.uint8))


@pytest.mark.parametrize("L", [0, 7.9, 8.1, 100])
def test_the_gradient_of_a_gray_is_right(L):
    L = tensor([[[L]]], dtype=torch.float64).requires_grad_()
    assert gradcheck(lightness_to_gray, L, eps=1e-6, atol=1e-4)


# ------------------------------------------------------------ the gamut


def test_out_of_gamut_is_counted_with_a_tolerance():
    lab = torch.cat([pixel(50, 0, 0), pixel(50, 120, 0), pixel(100, 0, 0)], dim=-1)
    assert out_of_gamut(lab).tolist() == [[False, True, False]]
    barely = rgb_to_lab(pixel(1.0005, 0.5, 0.5))
    assert not out_of_gamut(barely).any()
    assert out_of_gamut(barely, tolerance=1e-4).all()


anywhere = arrays(np.float32, (4,), elements=st.floats(0, 1, width=32))


@given(anywhere, anywhere, anywhere)
@settings(max_examples=20, deadline=None)
def test_reduced_chroma_is_in_the_gamut_at_the_same_lightness_and_hue(L, a, b):
    lab = torch.stack([tensor(L) * 100, tensor(a) * 220 - 110, tensor(b) * 220 - 110])
    lab = lab[:, None]
    reduced = reduce_chroma(lab)
    assert not out_of_gamut(reduced, tolerance=2e-4).any()
    assert torch.equal(reduced[0], lab[0])
    factor = reduced[1:].norm(dim=0) / lab[1:].norm(dim=0).clamp(min=1e-6)
    torch.testing.assert_close(reduced[1:], lab[1:] * factor, rtol=0, atol=1e-3)
    seen = rgb_to_lab(lab_to_rgb(reduced).clamp(0, 1))
    torch.testing.assert_close(seen[0], lab[0], rtol=0, atol=0.05)


def test_reduced_chroma_reaches_the_boundary():
    lab = pixel(80, 60, -60)
    reduced = reduce_chroma(lab)
    a_little_more = torch.cat([reduced[:1], reduced[1:] * 1.01])
    assert out_of_gamut(a_little_more).all()


def test_clipping_moves_the_lightness_and_reducing_the_chroma_does_not():
    lab = pixel(80, 60, -60)
    clipped = rgb_to_lab(lab_to_rgb(lab).clamp(0, 1))
    reduced = rgb_to_lab(lab_to_rgb(reduce_chroma(lab)).clamp(0, 1))
    assert clipped[0].item() == pytest.approx(77.6, abs=0.1)
    assert reduced[0].item() == pytest.approx(80, abs=0.01)


def test_colors_inside_are_left_alone_and_the_input_is_not_written():
    inside, outside = rgb_to_lab(torch.rand(3, 5, 5)), torch.full((3, 5, 5), 90.0)
    lab = torch.cat([inside, outside], dim=-1)
    before = lab.clone()
    reduced = reduce_chroma(lab)
    assert torch.equal(lab, before)
    assert torch.equal(reduced[..., :5], lab[..., :5])
