"""LPIPS against the formula of its paper, computed here from the network's own layers.

The wrong versions that are found in the wild must be other numbers on these pictures:
else the tests could not tell them apart.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
import torchmetrics

from colorize_lib.evaluation import LPIPS
from colorize_lib.models.pretrained import WeightsUnavailableError

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
ENDS = (1, 4, 7, 9, 10, 11, 12)  # SqueezeNet's layers that LPIPS looks at


def linear_weights(net):
    """As the authors learned them, a vector a layer, from torchmetrics' own file."""
    folder = Path(torchmetrics.__file__).parent / "functional" / "image"
    file = folder / "lpips_models" / f"{net}.pth"
    state = torch.load(file, weights_only=True, map_location="cpu")
    return [w.double().flatten().numpy() for w in state.values()]


def feature_maps(network, pictures, scaled):
    x = torch.from_numpy(scaled(pictures.permute(0, 2, 3, 1).numpy()))
    x, maps = x.permute(0, 3, 1, 2), []
    for number, layer in enumerate(network.double().features):
        x = layer(x)
        if number in ENDS:
            maps.append(x.detach().numpy().copy())
    network.float()
    return maps


def by_the_paper(network, pictures, truths, weights=None, *, scaled=None):
    """Zhang et al. 2018, eq. 1, in float64."""
    scaled = scaled or (lambda codes: (codes / 255 - MEAN) / STD)
    total = np.zeros(len(pictures))
    maps, true_maps = (feature_maps(network, x, scaled) for x in (pictures, truths))
    for layer, (x, y) in enumerate(zip(maps, true_maps, strict=True)):
        x, y = (z / np.sqrt((z**2).sum(1, keepdims=True) + 1e-8) for z in (x, y))
        w = np.ones(x.shape[1]) if weights is None else weights[layer]
        total += np.einsum("nchw,c->nhw", (x - y) ** 2, w).mean((1, 2))
    return torch.from_numpy(total).float()


def close(ours, expected):
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-6)


def test_lpips_is_that_of_the_paper(squeezenet, pictures, truths):
    lpips = LPIPS("squeeze")
    assert lpips.name == "LPIPS (SqueezeNet)"
    scores = lpips(pictures, truths)
    assert scores.shape == (3,)
    assert scores.dtype == torch.float32
    close(scores, by_the_paper(squeezenet, pictures, truths, linear_weights("squeeze")))


@pytest.mark.parametrize(
    "scaled",
    [
        lambda codes: (codes / 255 - (1 + MEAN) / 2) / (STD / 2) / 2,  # not in [-1, 1]
        lambda codes: codes / 255,  # not normalized
        lambda codes: (codes[..., ::-1] / 255 - MEAN) / STD,  # BGR
        lambda codes: (codes - MEAN) / STD,  # codes of 0..255 where 0..1 belong
    ],
    ids=["0 to 1", "not normalized", "BGR", "codes"],
)
def test_a_wrong_input_is_another_number(squeezenet, pictures, truths, scaled):
    weights = linear_weights("squeeze")
    wrong = by_the_paper(squeezenet, pictures, truths, weights, scaled=scaled)
    right = LPIPS("squeeze")(pictures, truths)
    assert ((wrong - right).abs() / right).min() > 1e-3


def test_a_score_belongs_to_its_picture_alone(squeezenet, pictures, truths):
    score = LPIPS("squeeze")
    together = score(pictures, truths)
    one_by_one = [score(pictures[i : i + 1], truths[i : i + 1]) for i in range(3)]
    assert [x.shape for x in one_by_one] == [(1,)] * 3
    close(together, torch.cat(one_by_one))
    turned = torch.tensor([2, 0, 1])
    close(score(pictures[turned], truths[turned]), together[turned])
    assert together.unique().numel() == 3
    close(score(truths, pictures), together)


def test_equal_pictures_score_0(squeezenet, pictures):
    assert LPIPS("squeeze")(pictures, pictures).tolist() == [0, 0, 0]


def test_what_is_no_8_bit_picture_is_refused(squeezenet, pictures):
    score = LPIPS("squeeze")
    with pytest.raises(ValueError, match=r"uint8.*not torch.float32"):
        score(pictures.float(), pictures)
    with pytest.raises(ValueError, match=r"truths \(2, 3, 64, 48\)"):
        score(pictures, pictures[:2])


def test_too_small_pictures_are_refused_and_the_smallest_are_not(squeezenet, truths):
    lpips = LPIPS("squeeze")
    with pytest.raises(ValueError, match=r"at least 32 x 32 pixels, not \(31, 48\)"):
        lpips(truths[..., :31, :], truths[..., :31, :])
    assert lpips(truths[..., :32, :32], truths[..., :32, :32]).shape == (3,)


@pytest.mark.parametrize(
    ("net", "file"),
    [("alex", "alexnet-owt-7be5be79.pth"), ("squeeze", "squeezenet1_1-b8a52dc0.pth")],
)
def test_missing_weights_say_what_to_put_where(hub, net, file):
    with pytest.raises(WeightsUnavailableError) as caught:
        LPIPS(net)
    message = str(caught.value)
    assert f"https://download.pytorch.org/models/{file}" in message
    assert message.endswith(f"put it at {hub / file}")


def test_another_network_is_refused():
    with pytest.raises(ValueError, match="alex, vgg, squeeze, not 'resnet'"):
        LPIPS("resnet")
