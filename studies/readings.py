"""Which way to turn the stored classifier's probabilities into colors scores best?

    python studies/readings.py --data photos/ --data more/

The way was chosen on validation photographs; the test photographs are reported."""

from functools import partial

import torch
from study import Study
from torch import nn
from torch.nn import functional as F

from colorize_lib.color import AB_SCALE
from colorize_lib.color_bins import annealed_mean, mode, sample, undo_rebalancing
from colorize_lib.evaluation.choose import PROTOCOL, held_out_batches
from colorize_lib.evaluation.scores import evaluate
from colorize_lib.inference import predict_ab
from colorize_lib.photos import batches
from colorize_lib.weights import load_weights, stored_weights

MODEL = "unet-squeezenet-classes"
SMALL = 96  # pixels of the validation photographs, among which the way was chosen
SHARES, TEMPERATURES = (0.0, 0.25, 0.5, 0.75, 1.0), (0.2, 0.38, 0.7, 1.0)


class Reading(nn.Module):
    """The network with another way to decide; logits are found once for all ways."""

    last = (torch.empty(0), torch.empty(0))  # what was seen, and its logits

    def __init__(self, network, decide, share):
        super().__init__()
        self.network, self.decide, self.share = network, decide, share

    def forward(self, l):
        if not torch.equal(Reading.last[0], l):
            Reading.last = (l, self.network.classifier(l).float())
        logits = undo_rebalancing(Reading.last[1], self.network.weights, self.share)
        ab = self.decide(logits, self.network.bins) / AB_SCALE
        return F.interpolate(ab, l.shape[2:], mode="bilinear")


def main() -> None:
    study = Study(__file__, __doc__)
    network, about = load_weights(stored_weights(MODEL))
    network.to(study.device)

    def ways(shares, temperatures):
        return {
            f"weights divided out by {share:.0%}, T = {t}": Reading(
                network, partial(annealed_mean, temperature=t), share
            )
            for share in shares
            for t in temperatures
        }

    small = study.pictures.held_out("validation", SMALL)
    small = batches(small, 32, device=study.device)
    with torch.inference_mode():
        validation = evaluate(ways(SHARES, TEMPERATURES), small)
    sampled = partial(sample, generator=torch.Generator(study.device).manual_seed(0))
    rows = ways(SHARES, (0.38,)) | ways((0.0, 1.0), (1.0,))
    rows["weights divided out, mode"] = Reading(network, mode, 1.0)
    rows["weights divided out, sample"] = Reading(network, sampled, 1.0)
    size = about["size"]
    rows = {name: partial(predict_ab, way, size=size) for name, way in rows.items()}
    study.save(
        evaluate(rows, held_out_batches(study.pictures, "test", study.device)),
        validation={name: row.means() for name, row in validation.items()},
        size=size,
        protocol=PROTOCOL,
    )


if __name__ == "__main__":
    main()
