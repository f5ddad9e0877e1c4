"""How good is every stored model, beside colorings that cheat?

python studies/evaluation.py --data photos/ --data more/"""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial

import torch
from study import Study

from colorize_lib.color import rgb_to_lab
from colorize_lib.evaluation import (
    LPIPS,
    ImageNetClassifier,
    PooledFeatures,
    agreement,
    frechet_distance,
    frechet_name,
    imagenet_labels,
    stains,
)
from colorize_lib.evaluation.choose import PROTOCOL, TEST_SIZE, held_out_batches
from colorize_lib.evaluation.scores import METRICS, TRUTH, Scores, evaluate
from colorize_lib.evaluation.tables import (
    accuracy_column,
    agreement_column,
    frechet_column,
)
from colorize_lib.experiments.bad_colorings import PROBES, evaluate_probes
from colorize_lib.inference import predict_ab
from colorize_lib.photos import batches
from colorize_lib.weights import load_weights, stored_weights

MODELS = (
    "autoencoder-l1",
    "fusion-efficientnet-lite",
    "unet-squeezenet",
    "pix2pix",
    "wgan-gp",
    "unet-squeezenet-classes",
    "unet-efficientnet-lite",
)
NETWORK = "squeezenet1_1"
SIZES, REPEATS = (25, 50, 100, 200, 400, 800), 10


def main() -> None:
    study = Study(__file__, __doc__)
    features = PooledFeatures.load(NETWORK)
    judges = {
        "metrics": METRICS | {"lpips": LPIPS("squeeze"), "stains": stains},
        "features": {
            "features": features,
            "features of Lab": lambda pictures: features(_lab_codes(pictures)),
            "class": ImageNetClassifier.load(NETWORK),
        },
    }
    rows, sizes = stored_models(study.device)

    def test():
        return held_out_batches(study.pictures, "test", study.device)

    gray, *models, truth = evaluate(rows, test(), **judges).items()
    probes = evaluate_probes(test(), **judges)
    scores = dict([gray, *models]) | probes | dict([truth])
    labels = imagenet_labels(study.held_out("test"))
    columns = [
        frechet_column(scores, "features", frechet_name(features)),
        frechet_column(scores, "features of Lab", "wrongly, of Lab taken for RGB"),
        agreement_column(scores, "class", "SqueezeNet"),
        accuracy_column(scores, "class", "SqueezeNet", labels),
    ]
    study.save(
        {name: Scores(_kept(row, scores[TRUTH])) for name, row in scores.items()},
        columns=[asdict(column) for column in columns],
        probes=list(PROBES),
        network_sizes=sizes,
        frechet_of_truths=_of_truths(study, features),
        frechet_by_size=_by_size(scores),
        judged_by=NETWORK,
        protocol=PROTOCOL,
    )


def stored_models(device: str) -> tuple[dict[str, Callable], dict[str, int]]:
    """Of every stored model the colorizer, and the size at which it sees pictures."""
    rows, sizes = {}, {}
    for name in MODELS:
        network, about = load_weights(stored_weights(name))
        sizes[name] = about["size"]
        rows[name] = partial(predict_ab, network.to(device), size=about["size"])
    return rows, sizes


def _kept(row, truth):
    """What is kept of each picture, to compare in pairs; features are too large."""
    same = agreement(row.features["class"], truth.features["class"])
    return row.values | {"same_class": same}


def _lab_codes(pictures):
    """Lab as the bytes of a picture, as some have given it to networks that see RGB."""
    lab = rgb_to_lab(pictures)
    l, ab = 2.55 * lab[:, :1], 128 + lab[:, 1:]
    return torch.cat([l, ab], dim=1).round().clamp(0, 255).to(torch.uint8)


def _by_size(scores):
    """The Fréchet distance of every row for smaller sets: means of random subsets."""
    random = torch.Generator().manual_seed(0)
    seen = {name: row.features["features"] for name, row in scores.items()}
    found = {name: {} for name in scores}
    for n in [n for n in SIZES if n < len(seen[TRUTH])]:
        picks = [
            torch.randperm(len(seen[TRUTH]), generator=random)[:n] for _ in range(5)
        ]
        for name, its in seen.items():
            apart = [frechet_distance(its[pick], seen[TRUTH][pick]) for pick in picks]
            found[name][n] = sum(apart) / len(apart)
    return found


def _of_truths(study, extractor):
    """Distances between two disjoint sets of real photographs, which should be 0."""
    photographs = batches(
        study.pictures.for_training(TEST_SIZE), 32, device=study.device
    )
    seen = torch.cat([extractor(batch).cpu() for batch in photographs])
    random, found = torch.Generator().manual_seed(0), {}
    for n in [n for n in SIZES if 2 * n <= len(seen)]:
        orders = [torch.randperm(len(seen), generator=random) for _ in range(REPEATS)]
        found[n] = [
            frechet_distance(seen[order[:n]], seen[order[n : 2 * n]])
            for order in orders
        ]
    return found


if __name__ == "__main__":
    main()
