"""TIFF files of any kind, written by hand: an independent reference for the reader."""

import struct

import numpy as np

SHORT, LONG = 3, 4
LETTER, LENGTH = {SHORT: "H", LONG: "I"}, {SHORT: 2, LONG: 4}


def tiff(values, bits, photometric, *, kind=1, order="<", tags=()):
    """One page without compression.

    Args:
        values: ``(H, W)`` or ``(H, W, samples)``, as they shall lie in the file.
        bits: of each sample.
        photometric: 0: white is zero, 1: black is zero, 2: RGB.
        kind: 1 unsigned, 2 signed, 3 floating point.
        order: ``"<"`` or ``">"``.
        tags: further ones, each a number, a type and its values.
    """
    values = np.atleast_3d(values)
    height, width, samples = values.shape
    rows = packed(values, bits, kind, order)
    table = [
        (256, LONG, [width]), (257, LONG, [height]), (258, SHORT, [bits] * samples),
        (259, SHORT, [1]), (262, SHORT, [photometric]), (273, LONG, [0]),
        (277, SHORT, [samples]), (278, LONG, [height]), (279, LONG, [len(rows)]),
        (339, SHORT, [kind] * samples), *tags,
    ]  # fmt: skip
    table = sorted(table)
    start = 8 + 2 + 12 * len(table) + 4
    outside = [LENGTH[t] * len(v) for _, t, v in table if LENGTH[t] * len(v) > 4]
    pixels_at = start + sum(outside) + sum(outside) % 2
    entries, body = struct.pack(f"{order}H", len(table)), b""
    for tag, letter, numbers in table:
        numbers = [pixels_at] if tag == 273 else numbers
        raw = struct.pack(order + LETTER[letter] * len(numbers), *numbers)
        entries += struct.pack(f"{order}HHI", tag, letter, len(numbers))
        if len(raw) <= 4:
            entries += raw.ljust(4, b"\0")
        else:
            entries += struct.pack(f"{order}I", start + len(body))
            body += raw
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8)
    body = body.ljust(pixels_at - start, b"\0")
    return head + entries + struct.pack(f"{order}I", 0) + body + rows


def packed(values, bits, kind, order):
    """Rows of samples as bytes; a row begins on a byte."""
    if kind == 3:
        return values.astype(f"{order}f{bits // 8}").tobytes()
    if bits in (8, 16, 32, 64):
        return values.astype(f"{order}{'i' if kind == 2 else 'u'}{bits // 8}").tobytes()
    rows = values.reshape(len(values), -1).astype(np.int64) & (2**bits - 1)
    single = (rows[..., None] >> np.arange(bits - 1, -1, -1)) & 1
    return np.packbits(single.reshape(len(values), -1).astype(np.uint8), 1).tobytes()
