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


def warnings_of(history: list[dict]) -> list[str]:
    """A sentence for each trouble that the newest line shows, with the usual remedies.

    ``history`` holds lines of :func:`colorize_lib.training.loop.fit`, oldest first.
    """
    *earlier, line = history
    told = []
    if (loss := line.get("discriminator", 1.0)) < HARDLY_WRONG:
        told.append(
            f"the discriminator is hardly ever wrong (loss {loss:.3f}), so the generator "
            "learns little from it. The usual remedies: a generator that was pretrained "
            "for longer, no head start, the least-squares loss"
        )
    best = max((past.get("colorfulness", 0.0) for past in earlier), default=0.0)
    if (color := line.get("colorfulness", 100.0)) < max(COLORLESS, FADED * best):
        told.append(
            f"the color is going (mean colorfulness {color:.1f}). The usual remedies: "
            "lower learning rates, the last checkpoint before it with another seed, a "
            "higher L1 weight against wild steps, a lower one against plain brown"
        )
    if abs(penalty := line.get("penalty", 0.0)) > STEEP:
        told.append(
            f"the critic's slope is far from 1 (penalty {penalty:.2f}), so its scores are "
            "no distance. The usual remedies: more critic steps, a higher penalty weight, "
            "a lower learning rate"
        )
    return [f"epoch {line['epoch']}: {text}." for text in told]


@dataclass
class Reports:
    """Called after each epoch: draws the same pictures, logs curves, and warns.

    Attributes:
        folder: where ``epoch-001.png`` and so on go: above the given pictures, below as
            the network colors them; and, with TensorBoard installed, its log.
        pictures: uint8 ``(n, 3, H, W)`` in color, never learned from; none of 0.
        size: pixels of the shorter side that the network sees.
    """

    folder: Path
    pictures: Tensor
    size: int

    def __call__(self, network: nn.Module, history: list[dict]) -> None:
        line = history[-1]
        if len(self.pictures):
            self._draw(network.eval(), self.folder / f"epoch-{line['epoch']:03}.png")
        self._log(line)
        for warning in warnings_of(history):
            tqdm.write(warning, file=sys.stderr)

    def _draw(self, network, path):
        l, _ = normalize_lab(rgb_to_lab(self.pictures))
        both = torch.cat([self.pictures, join(l, predict_ab(network, l, self.size))])
        with replacing(path) as file:
            columns = len(self.pictures)
            save_image(both / 255, file, format="png", nrow=columns, pad_value=1)

    def _log(self, line):
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:  # an extra that few need
            return
        with SummaryWriter(self.folder / "tensorboard") as writer:
            for name, value in line.items():
                writer.add_scalar(name, value, line["epoch"])
