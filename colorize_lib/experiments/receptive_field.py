"""What one output of a network sees of its input, measured by the gradient.

Most of it is seen but faintly: Luo, Li, Urtasun and Zemel, "Understanding the Effective
Receptive Field in Deep Convolutional Neural Networks" (2016). Taught in chapter 6.
"""

import torch
from torch import Tensor, nn


def gradient_map(
    network: nn.Module, *inputs: Tensor, position: tuple[int, int] | None = None
) -> Tensor:
    """How much one output of the first picture depends on every pixel of a batch.

    The network is used as it is: in training mode BatchNorm ties the pictures together,
    in evaluation mode it does not.

    Args:
        network: of the inputs to maps ``(B, C, h, w)``.
        inputs: such as l ``(B, 1, H, W)`` and ab ``(B, 2, H, W)``, of the same H and W.
        position: row and column of the output; the middle by default.

    Returns:
        ``(B, H, W)``: absolute derivatives of that output (the sum of its channels),
        added up over the channels of all inputs.
    """
    # Copies: the caller's tensors and the parameters collect no gradient.
    inputs = [x.detach().clone().requires_grad_() for x in inputs]
    with torch.enable_grad():
        output = network(*inputs)
        row, column = position or (n // 2 for n in output.shape[-2:])
        gradients = torch.autograd.grad(output[0, :, row, column].sum(), inputs)
    return torch.cat(gradients, dim=1).abs().sum(dim=1)


def receptive_field(
    network: nn.Module, *channels: int, size: int = 256, pictures: int = 2
) -> int | None:
    """Pixels of a side that the middle output sees; None if it may see everything.

    Put the network into evaluation mode first. A ReLU and a maximum hide pixels of a
    picture, so what is seen of several random ones counts. Parts that compute without a
    gradient, such as a frozen classifier, are found by another test: whether anything
    changes if all that has no gradient does.

    Args:
        network: of the inputs to a map ``(B, C, h, w)``.
        channels: of each input: ``receptive_field(colorizer, 1)`` for l alone,
            ``receptive_field(judge, 1, 2)`` for l and ab.
        size: pixels of the pictures' sides, to be larger than the field.
        pictures: how many of them.

    Returns:
        The longer side of what is seen. None if that reaches an edge of the pictures.

    Raises:
        ValueError: no gradient reaches any pixel.
    """
    device = next(network.parameters()).device
    random = torch.Generator().manual_seed(0)
    drawn = [
        [_noise(n, size, random).to(device) for n in channels] for _ in range(pictures)
    ]
    seen = torch.stack([gradient_map(network, *inputs)[0] > 0 for inputs in drawn])
    seen = seen.any(dim=0)
    if not seen.any():
        raise ValueError("the middle output has no gradient at any pixel")
    rows, columns = (seen.any(dim=dim).nonzero().flatten().tolist() for dim in (1, 0))
    at_an_edge = 0 in (rows[0], columns[0]) or size - 1 in (rows[-1], columns[-1])
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    if at_an_edge or _sees_outside(network, drawn[0], window):
        return None
    return max(side.stop - side.start for side in window)


def _noise(channels, size, random):
    return 2 * torch.rand(1, channels, size, size, generator=random) - 1


@torch.inference_mode()
def _sees_outside(network, inputs, window):
    # Bright all around: noise of the same mean would move a global average too little.
    others = [torch.ones_like(x) for x in inputs]
    for x, other in zip(inputs, others, strict=True):
        other[..., *window] = x[..., *window]
    outputs = network(*inputs), network(*others)
    row, column = (n // 2 for n in outputs[0].shape[-2:])
    before, after = (output[..., row, column] for output in outputs)
    # Not equality: what lies around a pixel may change how its sums are rounded.
    return not torch.allclose(before, after, rtol=1e-5, atol=1e-7)
