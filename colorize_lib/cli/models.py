"""``colorize models``: every network of the book, counted."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from colorize_lib.experiments.receptive_field import receptive_field
from colorize_lib.models import COLORIZERS, FusionAutoencoder, PatchGAN

EPILOG = """\
trained, frozen  parameters, as the book's recipes use the network
MB               of a weight file: two bytes for each parameter in it
sees             side in pixels of the square that one output value depends on
GMAC             billions of multiplications for one picture of size "at", a side in pixels
"""
ROW = "{:24}{:>12}{:>12}{:>8}{:>10}{:>9}{:>6}{:>9}"
FIELD_WITHIN = 256  # pixels of a side, in which receptive fields are measured


@dataclass(frozen=True)
class Listed:
    """A network of the book, made with random weights, and where it is at home."""

    make: Callable[[], nn.Module]
    size: int  # pixels of the side of its usual pictures
    chapter: int
    channels: tuple[int, ...] = (1,)  # of each input


def _on_frozen(make):
    network = make()
    network.encoder.freeze()
    return network


def networks() -> dict[str, Listed]:
    """Every network, by the name under which recipes and weight files know it."""
    fusions = {
        name: partial(COLORIZERS[name], pretrained=False)
        for name in ("fusion", "fusion_squeezenet", "fusion_efficientnet_lite")
    }
    frozen = {
        name: partial(_on_frozen, COLORIZERS[name])
        for name in (
            "unet_squeezenet",
            "unet_efficientnet_lite",
            "unet_squeezenet_classes",
        )
    }
    return {
        "autoencoder": Listed(COLORIZERS["autoencoder"], 224, 3),
        "residual_autoencoder": Listed(COLORIZERS["residual_autoencoder"], 256, 3),
        "fusion": Listed(fusions["fusion"], 224, 4),
        "fusion_squeezenet": Listed(fusions["fusion_squeezenet"], 224, 4),
        "fusion_efficientnet_lite": Listed(fusions["fusion_efficientnet_lite"], 224, 4),
        "fusion_silenced": Listed(COLORIZERS["fusion_silenced"], 224, 4),
        "unet": Listed(COLORIZERS["unet"], 256, 5),
        "unet_32px": Listed(COLORIZERS["unet_32px"], 32, 5),
        "unet_pix2pix": Listed(COLORIZERS["unet_pix2pix"], 256, 5),
        "unet_resnet18": Listed(COLORIZERS["unet_resnet18"], 256, 5),
        "unet_squeezenet": Listed(frozen["unet_squeezenet"], 256, 5),
        "unet_efficientnet_lite": Listed(frozen["unet_efficientnet_lite"], 256, 5),
        "unet_squeezenet_classes": Listed(frozen["unet_squeezenet_classes"], 256, 10),
        "patchgan": Listed(PatchGAN, 256, 6, channels=(1, 2)),
        "patchgan_no_norm": Listed(
            partial(PatchGAN, norm=nn.Identity), 256, 6, channels=(1, 2)
        ),
    }


def main(arguments: Sequence[str]) -> int:
    """Print the table, a row as soon as it is counted."""
    argparse.ArgumentParser(
        prog="colorize models",
        description="List every network of the book. Nothing is downloaded.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args(arguments)
    print(
        ROW.format(
            "network", "trained", "frozen", "MB", "sees", "GMAC", "at", "chapter"
        )
    )
    for name, listed in networks().items():
        try:
            cells = describe(listed)
        except OSError as error:  # timm is missing
            print(f"{name:24}{error}")
            continue
        print(ROW.format(name, *cells, listed.size, listed.chapter), flush=True)
    return 0


def describe(listed: Listed) -> tuple[str, str, str, str, str]:
    """Trained and frozen parameters, megabytes, receptive field, multiplications."""
    network = listed.make().eval()
    stored = list(network.parameters())
    trained = sum(p.numel() for p in stored if p.requires_grad)
    frozen = sum(p.numel() for p in stored) - trained
    is_fusion = isinstance(network, FusionAutoencoder)
    if is_fusion:  # its classifier is not stored with it
        frozen = sum(p.numel() for p in network.classifier.network.parameters())
    megabytes = 2 * sum(p.numel() for p in stored) / 1e6
    field = None if is_fusion else _field(network, listed)
    return (
        f"{trained:,}",
        f"{frozen:,}",
        f"{megabytes:.1f}",
        "all" if is_fusion else f"{field}" if field else f"> {FIELD_WITHIN}",
        f"{_multiplications(network, listed) / 1e9:.2f}",
    )


def _field(network, listed):
    return receptive_field(network, *listed.channels, size=FIELD_WITHIN, pictures=1)


def _multiplications(network, listed):
    """Counted on the meta device, which computes shapes only."""
    size = (listed.size, listed.size)
    inputs = [torch.empty(1, n, *size, device="meta") for n in listed.channels]
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network.to("meta")(*inputs)
    return counter.get_total_flops() / 2
