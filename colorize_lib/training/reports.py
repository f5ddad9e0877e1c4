"""What a run tells after each epoch beside its log: pictures, curves, warnings."""

import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.utils import save_image
from tqdm import tqdm

from colorize_lib.color import normalize_lab, rgb_to_lab
from colorize_lib.files import replacing
from colorize_lib.inference import join, predict_ab

HARDLY_WRONG = 0.05  # a discriminator's loss; one that only guesses has log 2 = 0.69
COLORLESS = 3.0  # mean colorfulness; that of photographs is about 40
FADED = 0.3  # of the highest mean colorfulness of earlier epochs
STEEP = 1.0  # a penalty: slopes that are 0 instead of 1 everywhere, or 2

_OVERPOWERED = (
    "the discriminator is hardly ever wrong (loss {discriminator:.3f}), so the generator "
    "learns little from it. The usual remedies: a generator that was pretrained for "
    "longer, a lower learning rate of the discriminator, no head start, the "
    "least-squares loss"
)
_GONE = (
    "the color is going (mean colorfulness {colorfulness:.1f}). The usual remedies: "
    "lower learning rates, the last checkpoint before it with another seed, a higher "
    "L1 weight against wild steps, a lower one against plain brown"
)
_UNRULY = (
    "the critic's slope is far from 1 (penalty {penalty:.2f}), so its scores are no "
    "distance. The usual remedies: more critic steps, a higher penalty weight, a lower "
    "learning rate of the critic"
)


def warnings_of(history: list[dict]) -> list[str]:
    """Say in words what the newest epoch's line shows of a game that is being lost.

    Args:
        history: lines of :func:`colorize_lib.training.loop.fit`, oldest first.

    Returns:
        A sentence for each trouble with its usual remedies; most often none.
    """
    *earlier, line = history
    told = []
    if line.get("discriminator", 1.0) < HARDLY_WRONG:
        told.append(_OVERPOWERED)
    best = max((past.get("colorfulness", 0.0) for past in earlier), default=0.0)
    if line.get("colorfulness", 100.0) < max(COLORLESS, FADED * best):
        told.append(_GONE)
    if abs(line.get("penalty", 0.0)) > STEEP:
        told.append(_UNRULY)
    return [f"epoch {line['epoch']}: {text.format(**line)}." for text in told]


@dataclass
class Reports:
    """Called after each epoch: draws the same pictures, logs curves, and warns.

    Attributes:
        folder: where ``epoch-001.png`` and so on go: above the given pictures, below as
            the network colors them. With TensorBoard installed, its log goes into
            ``folder / "tensorboard"``.
        pictures: uint8 ``(n, 3, H, W)`` in color; best such as are never learned from.
            If there is none, none is drawn.
        size: pixels of the shorter side that the network sees.
    """

    folder: Path
    pictures: Tensor
    size: int

    def __call__(self, network: nn.Module, history: list[dict]) -> None:
        epoch = history[-1]["epoch"]
        self._draw(network.eval(), self.folder / f"epoch-{epoch:03}.png")
        self._log(history[-1])
        for warning in warnings_of(history):
            tqdm.write(warning, file=sys.stderr)

    def _draw(self, network, path):
        if not len(self.pictures):
            return
        l, _ = normalize_lab(rgb_to_lab(self.pictures))
        colored = join(l, predict_ab(network, l, self.size))
        both = torch.cat([self.pictures, colored]).float() / 255
        with replacing(path) as file:
            save_image(
                both,
                file,
                format="png",
                nrow=len(self.pictures),
                padding=2,
                pad_value=1,
            )

    def _log(self, line):
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:  # an extra that few need
            return
        with SummaryWriter(self.folder / "tensorboard") as writer:
            for name, value in line.items():
                writer.add_scalar(name, value, line["epoch"])
