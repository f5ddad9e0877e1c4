"""What every network of the book must do; one enters by being named in COLORIZERS."""

import pytest
import torch
from torch.nn import functional as F

from colorize_lib.models import COLORIZERS


@pytest.fixture(params=COLORIZERS)
def network(request):
    torch.manual_seed(0)
    return COLORIZERS[request.param]()


def lightness(size=(32, 32), count=2, seed=0):
    random = torch.Generator().manual_seed(seed)
    return torch.rand(count, 1, *size, generator=random) * 2 - 1


@pytest.mark.parametrize("size", [(32, 32), (64, 32), (96, 128)])
def test_shape_and_range(network, size):
    ab = network.eval()(lightness(size))
    assert ab.shape == (2, 2, *size)
    assert ab.isfinite().all()
    assert ab.abs().max() <= 1


def test_every_parameter_gets_a_gradient(network):
    network.train()(lightness()).square().mean().backward()
    without = [name for name, p in network.named_parameters() if p.grad is None]
    zero = [
        name
        for name, p in network.named_parameters()
        if p.grad is not None and not p.grad.any()
    ]
    assert not without
    assert not zero


def test_state_dict_round_trip(network):
    torch.manual_seed(1)
    other = type(network)()
    l = lightness()
    network.eval(), other.eval()
    assert not torch.equal(network(l), other(l))
    other.load_state_dict(network.state_dict())
    assert torch.equal(network(l), other(l))


def test_pictures_of_a_batch_do_not_mix_in_evaluation(network):
    network.eval()
    l = lightness(count=3)
    one_by_one = torch.cat([network(picture[None]) for picture in l])
    torch.testing.assert_close(network(l), one_by_one, rtol=1e-4, atol=1e-5)


def test_channels_last_equals_contiguous(network):
    network.eval()
    l = lightness()
    expected = network(l)
    network.to(memory_format=torch.channels_last)
    torch.testing.assert_close(network(l), expected, rtol=1e-4, atol=1e-5)


def test_traced_by_the_compiler_equals_eager(network):
    network.eval()
    l = lightness()
    compiled = torch.compile(network, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(l), network(l), rtol=1e-4, atol=1e-5)


def test_learns_one_batch(network):
    random = torch.Generator().manual_seed(2)
    l = lightness()
    corners = torch.rand(2, 2, 2, 2, generator=random) - 0.5
    target = F.interpolate(corners, l.shape[-2:], mode="bilinear")
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    network.train()
    losses = []
    for _ in range(60):
        loss = F.l1_loss(network(l), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    change = f"from {losses[0]:.3f} to {losses[-1]:.3f} only"
    assert losses[-1] < 0.5 * losses[0], change


def test_what_is_not_one_channel_is_refused(network):
    with pytest.raises(ValueError, match=r"\(B, 1, H, W\), not \(2, 3, 32, 32\)"):
        network(torch.zeros(2, 3, 32, 32))


@pytest.mark.parametrize("size", [(33, 32), (32, 41), (7, 7)])
def test_odd_sizes_work_or_are_refused_with_the_numbers(network, size):
    message = ""
    try:
        shape = network.eval()(lightness(size)).shape[-2:]
    except ValueError as error:
        shape, message = None, str(error)
    refused = f"height {size[0]} and width {size[1]} must be multiples" in message
    assert shape == size or refused
