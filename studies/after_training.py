"""What can be done to a finished colorizer's answer, without any training?

    python studies/after_training.py --data photos/ --data more/

Validation photographs are scored, since these are choices; the test photographs tell
only what the default model's stronger colors cost."""

from functools import partial

import torch
from study import Study
from torch import nn

from colorize_lib.evaluation.choose import PROTOCOL, held_out_batches, score_on_test
from colorize_lib.evaluation.results import load_result
from colorize_lib.evaluation.scores import evaluate
from colorize_lib.inference import predict_ab
from colorize_lib.models import boost_chroma
from colorize_lib.weights import DEFAULT, load_weights, stored_weights

MODELS = ("unet-squeezenet", "unet-efficientnet-lite")
MIXED_IN = "unet-squeezenet-classes"
FACTORS = (1.0, 1.2, 1.4, 1.6, 1.8)


class Answers(nn.Module):
    """A network's ab, as it was trained, found once for all the rows of a batch."""

    def __init__(self, name: str, device: str):
        super().__init__()
        network, about = load_weights(stored_weights(name))
        if (factor := load_result(name).get("vividness", 1.0)) != 1:
            boost_chroma(network, 1 / factor)
        self.network, self.size = network.to(device), about["size"]
        self.last = (None, None)

    def forward(self, l):
        if self.last[0] is not l:
            self.last = (l, predict_ab(self.network, l, self.size))
        return self.last[1]

    def times(self, factor, l):
        """As :func:`.boost_chroma` would have it."""
        return (factor * self(l).clamp(-0.999, 0.999).atanh()).tanh()

    def with_mirror_image(self, l):
        """The mean with what it answers to the mirrored picture, mirrored back."""
        mirrored = predict_ab(self.network, l.flip(3), self.size).flip(3)
        return (self(l) + mirrored) / 2

    def mixed(self, other, l):
        """The mean with what another network answers."""
        return (self(l) + other(l)) / 2


def main() -> None:
    study = Study(__file__, __doc__)
    networks = {name: Answers(name, study.device) for name in (*MODELS, MIXED_IN)}
    rows = {}
    for name in MODELS:
        ours = networks[name]
        rows |= {f"{name}, times {f:g}": partial(ours.times, f) for f in FACTORS}
        rows[f"{name}, mean with its mirror image's"] = ours.with_mirror_image
        mixed = partial(ours.mixed, networks[MIXED_IN])
        rows[f"{name}, mean with the probabilities'"] = mixed
    with torch.inference_mode():
        held_out = held_out_batches(study.pictures, "validation", study.device)
        scores = evaluate(rows, held_out)
    plain = networks[DEFAULT]
    settings = {"name": DEFAULT, "size": plain.size, "device": study.device}
    test = score_on_test(plain.network, study.pictures, **settings)
    study.save(
        scores,
        part="validation",
        test_without_factor={name: row.means() for name, row in test.items()},
        protocol=PROTOCOL.replace("Test photographs", "Validation photographs"),
    )


if __name__ == "__main__":
    main()
