"""How far a set of images is from the true set: the Fréchet distance of features.

Features are kept per image, the distance is computed at the end: so sets add up exactly
over batches, and part of a set costs no second look.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn

from colorize_lib.evaluation.recognition import NAMES, default_weights, normalized
from colorize_lib.metrics import _check as check_pictures
from colorize_lib.models.pretrained import fetching, torchvision_network


@dataclass(frozen=True)
class PooledFeatures:
    """What the last layer of a classifier is given: a vector per image.

    Attributes:
        network: what ``see`` returns to ``(B, F)``, or to maps ``(B, F, h, w)``, which
            are averaged over positions; in evaluation mode.
        name: of the network.
        see: uint8 ``(B, 3, H, W)`` to what the network is shown.
    """

    network: nn.Module
    name: str
    see: Callable[[Tensor], Tensor] = field(default=normalized, repr=False)

    @classmethod
    def load(
        cls, name: str = "squeezenet1_1", *, pretrained: bool = True
    ) -> "PooledFeatures":
        """Of torchvision's ImageNet classifier of this name; SqueezeNet has 512.

        Images are shown whole, resized to the square that it was trained on: the colors
        at their edges count. Raises as :func:`.torchvision_network`.
        """
        network = torchvision_network(name, pretrained=pretrained).eval()
        weighted = [
            part
            for part, layer in network.named_modules()
            if isinstance(layer, nn.Linear | nn.Conv2d)
        ]
        network.set_submodule(weighted[-1], nn.Identity())
        side = default_weights(name).transforms().crop_size[0]
        return cls(network, NAMES.get(name, name), partial(normalized, side=side))

    @torch.inference_mode()
    def __call__(self, pictures: Tensor) -> Tensor:
        """``(B, F)`` float32; raises as :func:`.psnr`."""
        check_pictures(pictures, pictures)
        features = self.network.to(pictures.device)(self.see(pictures)).float()
        return features if features.ndim == 2 else features.flatten(2).mean(dim=2)


class InceptionFeatures:
    """The 2,048 features of FID, from the last pooling of the Inception v3 of 2015.

    torch-fidelity's port, with the resize to 299 pixels of that time. Another Inception
    (torchvision's is one) or another resize gives other numbers, which are no FID.

    Raises:
        ModuleNotFoundError: torch-fidelity is not installed.
        WeightsUnavailableError: its weights cannot be had; the message says what to do.
    """

    def __init__(self):
        try:
            from torch_fidelity import feature_extractor_inceptionv3 as fidelity
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "the Inception of FID comes from torch-fidelity: "
                "pip install torch-fidelity, or take PooledFeatures.load()"
            ) from error
        with fetching("the Inception of FID", fidelity.URL_INCEPTION_V3):
            self.network = fidelity.FeatureExtractorInceptionV3(
                "inception-v3-compat", ["2048"]
            )

    @torch.inference_mode()
    def __call__(self, pictures: Tensor) -> Tensor:
        """``(B, 2048)`` float32; raises as :func:`.psnr`."""
        check_pictures(pictures, pictures)
        (features,) = self.network.to(pictures.device)(pictures)
        return features


def frechet_distance(features: Tensor, true_features: Tensor) -> float:
    """How far apart two sets of features are, each taken for a normal distribution.

    ``|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))`` of means and unbiased covariances:
    Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local
    Nash Equilibrium" (2017), eq. 6, in float64. With :class:`InceptionFeatures`: FID.

    It is biased: two samples of ONE distribution are a distance apart, which shrinks as
    n grows; with fewer images than features the bias can be most of the number. So say
    n beside it, and compare only sets of equal n. Papers have 5,000 or 50,000.

    Args:
        features, true_features: ``(n, F)`` and ``(m, F)``; the order does not matter.

    Raises:
        ValueError: a set of fewer than 2 images, another shape, or not finite.
    """
    for x in (features, true_features):
        _check_features(x, like=features)
    # Not at the top: it takes seconds, also of those who only color a photograph.
    from torchmetrics.image.fid import FrechetInceptionDistance

    distance = FrechetInceptionDistance(_AsTheyAre(features.shape[1]))
    distance.set_dtype(torch.float64)
    distance.update(true_features.cpu().double(), real=True)
    distance.update(features.cpu().double(), real=False)
    return max(distance.compute().item(), 0.0)  # of equal sets, rounding may be below


def frechet_name(extractor: PooledFeatures | InceptionFeatures) -> str:
    """``"FID"`` of its own Inception alone, else as ``Fréchet distance (ResNet18)``."""
    if isinstance(extractor, InceptionFeatures):
        return "FID"
    return f"Fréchet distance ({extractor.name})"


class _AsTheyAre(nn.Identity):
    """For torchmetrics, a network that has seen the pictures already."""

    def __init__(self, num_features):
        super().__init__()
        self.num_features = num_features


def _check_features(x, like):
    if x.ndim != 2 or x.shape[1] != like.shape[1]:
        raise ValueError(
            "features must be (n, F) and (m, F), "
            f"not {tuple(like.shape)} and {tuple(x.shape)}"
        )
    if len(x) < 2:
        raise ValueError(
            f"a Fréchet distance needs at least 2 pictures, not {len(x)}, and hundreds to "
            "mean something: one picture has no covariance"
        )
    if not x.isfinite().all():
        raise ValueError("features that are not finite have no Fréchet distance")
