"""What several networks need: the check of their input."""

from torch import Tensor


def check_input(l: Tensor, multiple_of: int) -> None:
    """Refuse what would fail deep inside a network or come out at another size.

    Args:
        l: should be ``(B, 1, H, W)``.
        multiple_of: what H and W must be divisible by.

    Raises:
        ValueError: it is not so; the message says which size would do.
    """
    if l.ndim != 4 or l.shape[1] != 1:
        raise ValueError(f"l must have shape (B, 1, H, W), not {tuple(l.shape)}")
    height, width = l.shape[-2:]
    if height % multiple_of or width % multiple_of or not height or not width:
        nearest = [
            max(multiple_of, round(n / multiple_of) * multiple_of)
            for n in (height, width)
        ]
        raise ValueError(
            f"height {height} and width {width} must be multiples of {multiple_of}; "
            f"resize or pad l, for example to {nearest[0]} x {nearest[1]}"
        )
