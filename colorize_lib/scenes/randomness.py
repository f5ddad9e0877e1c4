"""Random numbers by address: each depends on (seed, scene, stream, position) only.

An ordinary generator hands out one long sequence, so scene 100 depends on how much the
99 before it have used up. Here every number is a hash of its address. Scene 100 is the
same whether it is drawn alone or among a thousand, and the dice for colors cannot feel
the dice for shapes. The arithmetic is on integers, so every device agrees on it to the
bit.

Source of the hash: Steele, Lea and Flood, "Fast splittable pseudorandom number
generators", 2014 (SplitMix64).
"""

import zlib

import torch
from torch import Tensor

_GOLDEN = 0x9E3779B97F4A7C15


def scene_keys(seed: int, scenes: Tensor) -> Tensor:
    """One int64 key for each scene number (n,) of the world with this seed."""
    root = _mix(torch.tensor(_signed(seed + _GOLDEN), device=scenes.device))
    return _mix(root + scenes * _signed(_GOLDEN))


def uniform(keys: Tensor, stream: str, *shape: int) -> Tensor:
    """Uniform float32 (n, *shape) in [0, 1) for keys (n,), others for each stream."""
    count = torch.Size(shape).numel()
    key = _mix(keys + _signed(zlib.crc32(stream.encode()) * _GOLDEN))
    position = torch.arange(1, count + 1, device=keys.device) * _signed(_GOLDEN)
    bits = _mix(key[:, None] + position)
    # float32 holds 24 bits: take the upper ones. More would round up to 1.0 at times.
    return (_shift(bits, 40).float() / 2**24).view(len(keys), *shape)


def _mix(z):
    z = (z ^ _shift(z, 30)) * _signed(0xBF58476D1CE4E5B9)
    z = (z ^ _shift(z, 27)) * _signed(0x94D049BB133111EB)
    return z ^ _shift(z, 31)


def _shift(z, bits):
    # torch has no unsigned 64-bit shift: >> would drag the sign along.
    return (z >> bits) & ((1 << (64 - bits)) - 1)


def _signed(value):
    """The int64 with the same 64 bits."""
    value %= 1 << 64
    return value - (1 << 64) if value >= 1 << 63 else value
