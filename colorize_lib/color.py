"""sRGB <-> linear light <-> XYZ <-> Lab on tensors, and the scaling that networks see.

Tensors of shape ``(*, 3, H, W)`` in and out, on any device; other input is a TypeError
or a ValueError that tells the remedy. Half precision is computed in float32; results
are float64 for float64 input, else float32. Taught in chapter 1.

The constants are scikit-image's (D65, two-degree observer), so results agree with
``skimage.color`` to 1e-4 in Lab. Matrix products are written out element by element: a
matmul would run in bfloat16 under autocast (3 Lab units off) or in TF32 on a GPU (0.06
off).

Sources: IEC 61966-2-1 (sRGB); CIE 15:2004 (XYZ, Lab).
"""

import torch
from torch import Tensor

from colorize_lib.slips import check_picture, check_tensor

# IEC 61966-2-1, to the six digits that scikit-image uses. Agreement to 1e-4 needs these
# digits and their exact inverse.
RGB_TO_XYZ = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
XYZ_TO_RGB = torch.tensor(RGB_TO_XYZ, dtype=torch.float64).inverse().tolist()
D65_WHITE = (0.95047, 1.0, 1.08883)

# Over all sRGB colors a spans -86.18..98.23 and b -107.86..94.48: 110 is the first
# round number that holds both.
AB_SCALE = 110.0

# Where white is 1, nothing is above this: Lab with a and b in -128..128 reaches 2.0 in
# unclipped sRGB. Codes of 0..255 that are all below it show a picture that looks black.
BEYOND_WHITE = 8.0

# What errors say was wanted.
_RGB = "uint8 in 0..255 (if 255 is white, rgb.to(torch.uint8)) or floats in [0, 1]"
_RGB_FLOATS = "[0, 1]; if 255 is white, give rgb / 255"
_LAB = "floating point with L in 0..100, as rgb_to_lab makes it"


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """Convert sRGB to CIE Lab.

    Args:
        rgb: ``(*, 3, H, W)``, uint8 in 0..255 or floating point in [0, 1].

    Returns:
        ``(*, 3, H, W)``, L in 0..100, a and b in about -108..98.
    """
    check_picture(rgb, "rgb", 3)
    return xyz_to_lab(linear_to_xyz(srgb_to_linear(rgb)))


def lab_to_rgb(lab: Tensor) -> Tensor:
    """Convert CIE Lab to sRGB WITHOUT clipping.

    A color that sRGB cannot show comes back outside [0, 1]. Follow up with
    ``.clamp(0, 1)``, which is fast but changes the lightness, or call
    :func:`reduce_chroma` first, which does not. Rounding takes true sRGB colors outside
    by up to 1e-5.
    """
    return linear_to_srgb(xyz_to_linear(lab_to_xyz(lab)))


def lightness_to_gray(L: Tensor) -> Tensor:
    """The sRGB gray of a lightness, in three equal channels.

    What a network trained on color photographs should be shown of a gray one. The code
    value is not L / 100: L 50 is code 119 of 255, and L 53.59 is code 128.

    Args:
        L: ``(*, 1, H, W)`` in 0..100.

    Returns:
        ``(*, 3, H, W)`` sRGB in [0, 1].
    """
    check_picture(L, "L", 1)
    L = _full_precision(L, "L", "floating point in 0..100")
    # Not lab_to_rgb(L, 0, 0): its rounded matrix lets the channels differ by 4e-5.
    gray = linear_to_srgb(_f_inverse((L + 16) / 116))
    return torch.cat([gray, gray, gray], dim=-3)


def rgb_to_uint8(rgb: Tensor) -> Tensor:
    """Clip float sRGB to [0, 1] and round it to 8 bits, any shape."""
    check_tensor(rgb, "rgb")
    _check_floating(rgb, "rgb", "floating point in [0, 1]")
    _check_values(rgb, "rgb", _RGB_FLOATS)
    # Not `(rgb * 255).to(torch.uint8)`: truncating darkens the picture by half a code.
    return (rgb.clamp(0, 1) * 255).round().to(torch.uint8)


# ------------------------------------------------------------ the steps and back


def srgb_to_linear(rgb: Tensor) -> Tensor:
    """Undo the sRGB transfer curve: codes, of any shape, to linear light in [0, 1]."""
    check_tensor(rgb, "rgb")
    if rgb.dtype == torch.uint8:
        # Only 256 inputs exist: looking the power up gives the same values, sooner.
        return _LINEAR_OF_CODE.to(rgb.device)[rgb.long()]
    rgb = _full_precision(rgb, "rgb", _RGB)
    _check_values(rgb, "rgb", _RGB_FLOATS)
    return _linear_of(rgb)


def linear_to_srgb(linear: Tensor) -> Tensor:
    """Apply the sRGB transfer curve: linear light to codes in [0, 1].

    Below 0 it goes on as a straight line.
    """
    # The clamp keeps the branch that `where` drops finite: at black its gradient would
    # be inf * 0 = nan.
    curve = 1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear <= 0.0031308, 12.92 * linear, curve)


def linear_to_xyz(linear: Tensor) -> Tensor:
    """Linear sRGB light to CIE XYZ, Y = 1 for white."""
    return _matrix_times(RGB_TO_XYZ, linear, "linear")


def xyz_to_linear(xyz: Tensor) -> Tensor:
    """CIE XYZ to linear sRGB light; outside [0, 1] where sRGB cannot show the color."""
    return _matrix_times(XYZ_TO_RGB, xyz, "xyz")


def xyz_to_lab(xyz: Tensor) -> Tensor:
    """CIE XYZ to CIE Lab for the D65 white (CIE 15:2004, section 8.2.1)."""
    fx, fy, fz = (
        _f(t / white) for t, white in zip(xyz.unbind(-3), D65_WHITE, strict=True)
    )
    return torch.stack([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)], dim=-3)


def lab_to_xyz(lab: Tensor) -> Tensor:
    """CIE Lab to CIE XYZ for the D65 white."""
    L, a, b = _checked_lab(lab).unbind(-3)
    fy = (L + 16) / 116
    fx, fz = fy + a / 500, fy - b / 200
    relative = (_f_inverse(f) for f in (fx, fy, fz))
    return torch.stack(
        [white * t for white, t in zip(D65_WHITE, relative, strict=True)], dim=-3
    )


# ------------------------------------------------------------ what networks see


def normalize_lab(lab: Tensor) -> tuple[Tensor, Tensor]:
    """Split Lab into what a colorizer is given and what it must predict.

    Args:
        lab: ``(*, 3, H, W)``, L in 0..100.

    Returns:
        ``l``, that is L / 50 - 1, of shape ``(*, 1, H, W)`` in [-1, 1]; and ``ab``,
        divided by 110, of shape ``(*, 2, H, W)``, inside [-1, 1] for every sRGB color.
        (Others divide by 128: their losses and weights differ from ours by a factor of
        1.164.)
    """
    check_picture(lab, "lab", 3)
    _check_floating(lab, "lab", _LAB)
    L, ab = lab.split([1, 2], dim=-3)
    return L / 50 - 1, ab / AB_SCALE


def denormalize_lab(l: Tensor, ab: Tensor) -> Tensor:
    """Join a network's input and output to Lab: the inverse of :func:`normalize_lab`.

    Args:
        l: ``(*, 1, H, W)`` in [-1, 1].
        ab: ``(*, 2, H, W)``, in [-1, 1] where the network ends in tanh.

    Returns:
        ``(*, 3, H, W)``, L in 0..100.
    """
    check_picture(l, "l", 1)
    check_picture(ab, "ab", 2)
    if l.shape[:-3] != ab.shape[:-3] or l.shape[-2:] != ab.shape[-2:]:
        raise ValueError(
            f"l {tuple(l.shape)} and ab {tuple(ab.shape)} must differ in channels only"
        )
    wanted = "floating point in [-1, 1]"
    l, ab = (_full_precision(x, "l and ab", wanted) for x in (l, ab))
    _check_values(l, "l", "[-1, 1]; of L in 0..100 give L / 50 - 1")
    return torch.cat([(l + 1) * 50, ab * AB_SCALE], dim=-3)


# ------------------------------------------------------------ the gamut


def out_of_gamut(lab: Tensor, tolerance: float = 1e-3) -> Tensor:
    """Which Lab colors sRGB cannot show.

    Args:
        lab: ``(*, 3, H, W)``.
        tolerance: how far outside [0, 1] an sRGB channel may lie; the default is a
            quarter of an 8-bit step. Not 0: rounding alone takes 123,897 of the
            16,777,216 sRGB colors outside.

    Returns:
        bool ``(*, H, W)``. ``.float().mean()`` is the share of such pixels.
    """
    rgb = lab_to_rgb(lab)
    return (rgb < -tolerance).any(dim=-3) | (rgb > 1 + tolerance).any(dim=-3)


@torch.no_grad()
def reduce_chroma(lab: Tensor, tolerance: float = 1e-4, steps: int = 16) -> Tensor:
    """Bring colors into the sRGB gamut by scaling a and b toward gray.

    L and the hue angle stay. Clipping RGB instead moves the lightness: Lab
    (80, 60, -60) becomes L 77.6. Only colors outside are touched, each by bisection of
    its own factor: the cost follows their number. No gradient.

    Args:
        lab: ``(*, 3, H, W)``, L in 0..100.
        tolerance: as in :func:`out_of_gamut`, smaller because clipping comes next.
        steps: bisections; 16 end at most 1/65536 of the chroma short of the boundary.

    Returns:
        A new tensor like ``lab``, in the gamut to within the tolerance.
    """
    lab = _checked_lab(lab).clone()
    outside = out_of_gamut(lab, tolerance)
    L, ab = lab.movedim(-3, 0)[:, outside].split([1, 2])
    inside_factor, outside_factor = torch.zeros_like(L), torch.ones_like(L)
    for _ in range(steps):
        factor = (inside_factor + outside_factor) / 2
        too_far = out_of_gamut(torch.cat([L, ab * factor])[:, :, None], tolerance).T
        inside_factor = torch.where(too_far, inside_factor, factor)
        outside_factor = torch.where(too_far, factor, outside_factor)
    lab.movedim(-3, 0)[1:, outside] = ab * inside_factor
    return lab


# ------------------------------------------------------------ parts


def _matrix_times(matrix, x, name):
    check_picture(x, name, 3)
    c0, c1, c2 = x.unbind(-3)
    return torch.stack(
        [row[0] * c0 + row[1] * c1 + row[2] * c2 for row in matrix], dim=-3
    )


def _linear_of(rgb):
    curve = ((rgb.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4
    return torch.where(rgb <= 0.04045, rgb / 12.92, curve)


def _f(t: Tensor) -> Tensor:
    return torch.where(
        t > 0.008856, t.clamp(min=0.008856) ** (1 / 3), 7.787 * t + 16 / 116
    )


def _f_inverse(f: Tensor) -> Tensor:
    return torch.where(f > 0.2068966, f**3, (f - 16 / 116) / 7.787)


def _checked_lab(lab):
    check_picture(lab, "lab", 3)
    return _full_precision(lab, "lab", _LAB)


def _full_precision(x, name, wanted):
    _check_floating(x, name, wanted)
    return x if x.dtype == torch.float64 else x.float()


def _check_floating(x, name, wanted):
    if not x.is_floating_point():
        raise TypeError(f"{name} must be {wanted}, not {x.dtype}")


def _check_values(x, name, wanted):
    """Refuse floats on the scale of codes or of L, where white must be 1."""
    if torch.compiler.is_compiling() or not x.numel():
        return
    try:
        # On a GPU the program waits here for the values: no step of a training may come
        # by, and none does, since they take uint8 or Lab.
        largest = x.detach().amax().item()
    except RuntimeError:  # under vmap or on the meta device there are no values to see
        return
    if BEYOND_WHITE < largest < float("inf"):
        raise ValueError(
            f"{name} reaches {largest:g}, where floating point must lie in {wanted}"
        )


_LINEAR_OF_CODE = _linear_of(torch.arange(256, dtype=torch.float64) / 255).float()
