"""Score every stored model, and colorings that cheat, on the test photographs.

    python tools/evaluate_models.py --data photos/ --data more/

Give --data as for the models' training, so that the test photographs are the same;
without it, COCO sample. What it finds goes into results/evaluation.json."""

from dataclasses import asdict
from functools import partial

import torch
from photograph_options import names, parser, sources

from colorize_lib.color import rgb_to_lab
from colorize_lib.evaluation import (
    LPIPS,
    ImageNetClassifier,
    PooledFeatures,
    agreement,
    frechet_distance,
    frechet_name,
    imagenet_labels,
)
from colorize_lib.evaluation.choose import PROTOCOL, TEST_SIZE, held_out_batches
from colorize_lib.evaluation.results import FOLDER, load_result, save_result
from colorize_lib.evaluation.scores import GRAY, METRICS, TRUTH, Scores, evaluate
from colorize_lib.evaluation.tables import (
    accuracy_column,
    agreement_column,
    frechet_column,
)
from colorize_lib.experiments.bad_colorings import PROBES, evaluate_probes
from colorize_lib.inference import predict_ab
from colorize_lib.photos import batches
from colorize_lib.photos.collection import Pictures
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
    arguments = parser(__doc__)
    arguments.add_argument(
        "--add",
        action="store_true",
        help="only score models that results/evaluation.json does not have yet, and drop "
        "those that are no longer stored",
    )
    options = arguments.parse_args()
    device = options.device
    pictures = Pictures(sources(options.data), folder=options.prepared)
    features = PooledFeatures.load(NETWORK)
    judges = {
        "metrics": METRICS | {"lpips": LPIPS("squeeze")},
        "features": {
            "features": features,
            "features of Lab": lambda pictures: features(_lab_codes(pictures)),
            "class": ImageNetClassifier.load(NETWORK),
        },
    }

    before = load_result("evaluation") if options.add else {}
    rows, sizes = {}, before.get("network_sizes", {})
    for name in (name for name in MODELS if name not in sizes):
        network, about = load_weights(stored_weights(name))
        sizes[name] = about["size"]
        rows[name] = partial(predict_ab, network.to(device), size=about["size"])
    scores = evaluate(rows, held_out_batches(pictures, "test", device), **judges)
    if not options.add:
        probes = evaluate_probes(held_out_batches(pictures, "test", device), **judges)
        gray, *models, truth = scores.items()
        scores = dict([gray, *models]) | probes | dict([truth])

    test = pictures.held_out("test", TEST_SIZE).names
    columns = [
        frechet_column(scores, "features", frechet_name(features)),
        frechet_column(scores, "features of Lab", "wrongly, of Lab taken for RGB"),
        agreement_column(scores, "class", "SqueezeNet"),
        accuracy_column(scores, "class", "SqueezeNet", imagenet_labels(test)),
    ]
    columns = [asdict(column) for column in columns]
    kept = {name: Scores(_kept(row, scores[TRUTH])) for name, row in scores.items()}
    by_size = _by_size(scores)
    if options.add:
        _refuse_others(before["scores"][GRAY].values, kept[GRAY].values)
        kept = _merged(before["scores"], kept)
        by_size = _merged(before["frechet_by_size"], by_size)
        for column, old in zip(columns, before["columns"], strict=True):
            column["cells"] = _merged(old["cells"], column["cells"])
    truths = before.get("frechet_of_truths") or _of_truths(pictures, features, device)
    save_result(
        FOLDER / "evaluation.json",
        kept,
        [],
        columns=columns,
        probes=list(PROBES),
        network_sizes={name: sizes[name] for name in MODELS},
        frechet_of_truths=truths,
        frechet_by_size=by_size,
        photographs={
            "data": names(options.data),
            "test": test,
        },
        judged_by=NETWORK,
        device=device,
        protocol=PROTOCOL,
    )


def _merged(old, new):
    """Rows of both, in the order of the file."""
    return {row: (old | new)[row] for row in (GRAY, *MODELS, *PROBES, TRUTH)}


def _refuse_others(old, new):
    """The gray picture of each photograph must have the same scores as before."""
    for metric, values in new.items():
        if not torch.allclose(old[metric].double(), values.double(), atol=1e-3):
            raise SystemExit(
                "these are other photographs than those of results/evaluation.json "
                f"({metric} of the gray pictures differs): score all models, without --add"
            )


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
    found, truth = {}, scores[TRUTH]
    for n in [n for n in SIZES if n < truth.count]:
        picks = [torch.randperm(truth.count, generator=random)[:n] for _ in range(5)]
        for name, row in scores.items():
            distances = [
                frechet_distance(
                    row.features["features"][pick], truth.features["features"][pick]
                )
                for pick in picks
            ]
            found.setdefault(name, {})[n] = sum(distances) / len(distances)
    return found


def _of_truths(pictures, extractor, device):
    """Distances between two disjoint sets of TRUE photographs, which should be 0."""
    photographs = pictures.for_training(TEST_SIZE)
    seen = [extractor(batch).cpu() for batch in batches(photographs, 32, device=device)]
    seen, random = torch.cat(seen), torch.Generator().manual_seed(0)
    found = {}
    for n in [n for n in SIZES if 2 * n <= len(seen)]:
        for _ in range(REPEATS):
            order = torch.randperm(len(seen), generator=random)
            distance = frechet_distance(seen[order[:n]], seen[order[n : 2 * n]])
            found.setdefault(n, []).append(distance)
    return found


if __name__ == "__main__":
    main()
