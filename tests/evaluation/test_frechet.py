"""The Fréchet distance against SciPy and closed forms; what its networks are shown."""

import sys

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import nn
from torchvision.models import SqueezeNet1_1_Weights
from torchvision.transforms import v2

from colorize_lib.evaluation import (
    InceptionFeatures,
    PooledFeatures,
    frechet_distance,
    frechet_name,
)
from colorize_lib.models.pretrained import WeightsUnavailableError


def features(n, channels=8, seed=0):
    """Correlated, of unequal spread and far from 0, as the features of networks are."""
    random = torch.Generator().manual_seed(seed)
    mixing = torch.randn(channels, channels, generator=random)
    return torch.randn(n, channels, generator=random) @ mixing + 3


def by_scipy(x, y, correction=1):
    x, y = x.double().numpy(), y.double().numpy()
    s1, s2 = (np.cov(z, rowvar=False, ddof=correction) for z in (x, y))
    root = scipy.linalg.sqrtm(s1 @ s2).real
    apart = ((x.mean(0) - y.mean(0)) ** 2).sum()
    return apart + np.trace(s1 + s2 - 2 * root)


@pytest.mark.parametrize(("n", "m", "channels"), [(20, 80, 2), (60, 40, 12)])
def test_agrees_with_scipy(n, m, channels):
    x, y = features(n, channels), features(m, channels, 1) * 1.3
    assert frechet_distance(x, y) == pytest.approx(by_scipy(x, y), rel=1e-6)
    assert frechet_distance(y, x) == pytest.approx(by_scipy(x, y), rel=1e-6)


def test_biased_covariances_are_another_number():
    x, y = features(12, 4), features(15, 4, seed=1)
    assert abs(by_scipy(x, y, correction=0) / frechet_distance(x, y) - 1) > 1e-2


def test_fewer_images_than_features():
    """There sqrtm fails; the trace of the root is a sum of singular values as well."""
    x, y = features(10, 40), features(15, 40, seed=1)
    a, b = ((z.double() - z.double().mean(0)).numpy() for z in (x, y))
    roots = np.linalg.svd(a @ b.T / np.sqrt(9 * 14), compute_uv=False).sum()
    spread = (a**2).sum() / 9 + (b**2).sum() / 14
    apart = (x.double().mean(0) - y.double().mean(0)).square().sum().item()
    expected = apart + spread - 2 * roots
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-5)
    assert 0 <= frechet_distance(x, x) < 1e-4


def test_closed_forms():
    x = features(50)
    shift = torch.arange(8.0)
    assert frechet_distance(x + shift, x) == pytest.approx(140, rel=1e-5)
    centered = x - x.mean(0)
    spread = centered.double().var(0).sum().item()
    assert frechet_distance(3 * centered, centered) == pytest.approx(4 * spread)


def test_samples_of_one_distribution_are_apart_and_less_so_the_more_there_are():
    crowd = features(4000, 16)
    one, other = crowd[::2], crowd[1::2]
    distances = [frechet_distance(one[:n], other[:n]) for n in (10, 100, 2000)]
    assert distances[0] > 3 * distances[1] > 9 * distances[2] > 0


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (torch.rand(1, 8), torch.rand(9, 8), "at least 2 pictures, not 1"),
        (torch.rand(9, 8), torch.rand(9, 7), r"not \(9, 8\) and \(9, 7\)"),
        (torch.full((5, 3), torch.nan), torch.rand(5, 3), "not finite"),
    ],
)
def test_what_has_no_distance(x, y, message):
    with pytest.raises(ValueError, match=message):
        frechet_distance(x, y)


# ------------------------------------------------------------ features


def test_features_of_squeezenet(squeezenet, pictures):
    extractor = PooledFeatures.load("squeezenet1_1")
    assert frechet_name(extractor) == "Fréchet distance (SqueezeNet)"
    preset = SqueezeNet1_1_Weights.DEFAULT.transforms()
    shown = v2.Compose(
        [
            v2.ToDtype(torch.float32, scale=True),
            v2.Resize((224, 224), v2.InterpolationMode.BILINEAR, antialias=True),
            v2.Normalize(preset.mean, preset.std),
        ]
    )(pictures)
    with torch.inference_mode():
        expected = squeezenet.features(shown).mean(dim=(2, 3))
    ours = extractor(pictures)
    assert ours.shape == (3, 512)
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-5)
    assert (expected.std(0) > 1e-3).any(), "else any answer would do"
    one_by_one = torch.cat([extractor(picture) for picture in pictures.split(1)])
    torch.testing.assert_close(ours, one_by_one, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match=r"uint8.*not torch.float32"):
        extractor(pictures.float())


def test_features_of_a_network_that_ends_otherwise(pictures):
    extractor = PooledFeatures.load("resnet18", pretrained=False)
    until_pooled = nn.Sequential(*list(extractor.network.children())[:-1])
    with torch.inference_mode():
        expected = until_pooled(extractor.see(pictures)).flatten(1)
    torch.testing.assert_close(extractor(pictures), expected)
    assert expected.shape == (3, 512)


def test_missing_weights_of_a_classifier(hub):
    with pytest.raises(WeightsUnavailableError, match="squeezenet1_1-b8a52dc0"):
        PooledFeatures.load("squeezenet1_1")
    with pytest.raises(ValueError, match="no classification network 'magic'"):
        PooledFeatures.load("magic")


@pytest.fixture
def fidelity():
    return pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")


def test_the_inception_of_fid(fidelity, pictures, monkeypatch):
    kind = fidelity.FeatureExtractorInceptionV3
    monkeypatch.setattr(fidelity, "load_state_dict_from_url", lambda *_, **__: {})
    monkeypatch.setattr(kind, "load_state_dict", lambda *_: None)
    extractor = InceptionFeatures()
    assert frechet_name(extractor) == "FID"
    assert frechet_name(PooledFeatures(nn.Identity(), "Inception")) != "FID"
    ours = extractor(pictures)
    assert ours.shape == (3, 2048)
    assert ours.dtype == torch.float32


def test_missing_weights_of_the_inception_say_what_to_put_where(fidelity, hub):
    file = "weights-inception-2015-12-05-6726825d.pth"
    with pytest.raises(WeightsUnavailableError, match=f"put it at {hub / file}"):
        InceptionFeatures()


def test_without_torch_fidelity_the_message_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch_fidelity", None)
    with pytest.raises(ModuleNotFoundError, match="pip install torch-fidelity, or"):
        InceptionFeatures()
