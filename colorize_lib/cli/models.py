"""``colorize models``: every network of the book, counted."""

import argparse
from collections.abc import Sequence

from colorize_lib.models import COLORIZERS
from colorize_lib.models.pretrained import WeightsUnavailableError
from colorize_lib.weights import find_weights, load_weights, stored_names

EPILOG = """\
trained, frozen  parameters, as the book's recipes use the network
stored as        models that `colorize --weights NAME` takes, with the size of their files
"""
# Whose encoder the book's recipes leave as others trained it.
FROZEN = (
    "unet_squeezenet",
    "unet_efficientnet_lite",
    "unet_efficientnet_lite_wide",
    "unet_squeezenet_classes",
)
ROW = "{:28}{:>12}{:>12}  {}"


def main(arguments: Sequence[str]) -> int:
    """Print the table, a row as soon as it is counted."""
    argparse.ArgumentParser(
        prog="colorize models",
        description="List every network of the book. Nothing is downloaded.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args(arguments)
    stored = {}
    for name in stored_names():
        megabytes = find_weights(name).stat().st_size / 1e6
        architecture = load_weights(name)[1]["architecture"]
        stored.setdefault(architecture, []).append(f"{name} ({megabytes:.1f} MB)")
    print(ROW.format("network", "trained", "frozen", "stored as"))
    for name in COLORIZERS:
        try:
            trained, frozen = count(name)
        except WeightsUnavailableError as error:  # timm is not installed
            print(f"{name:28}{error}")
            continue
        files = ", ".join(stored.get(name, []))
        row = ROW.format(name, f"{trained:,}", f"{frozen:,}", files)
        print(row.rstrip(), flush=True)
    return 0


def count(name: str) -> tuple[int, int]:
    """Trained and frozen parameters of a network of ``COLORIZERS``."""
    fusion = name.startswith("fusion") and name != "fusion_silenced"
    network = COLORIZERS[name](pretrained=False) if fusion else COLORIZERS[name]()
    if name in FROZEN:
        getattr(network, "classifier", network).encoder.freeze()
    parameters = list(network.parameters())
    trained = sum(p.numel() for p in parameters if p.requires_grad)
    frozen = sum(p.numel() for p in parameters) - trained
    if fusion:  # a classifier counts as no part of it
        frozen = sum(p.numel() for p in network.classifier.network.parameters())
    return trained, frozen
