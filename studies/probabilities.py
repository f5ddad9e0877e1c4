"""Which probabilities do the true colors of things that have several get?

    python studies/probabilities.py

Classifiers are trained on drawn scenes, with and without rebalancing. Interrupted, the
same command goes on."""

from datetime import date
from functools import partial

import torch
from study import Study, once

from colorize_lib.color import AB_SCALE, normalize_lab
from colorize_lib.color_bins import annealed_mean, mode, sample, undo_rebalancing
from colorize_lib.experiments.compare import run_folder
from colorize_lib.experiments.on_scenes import (
    color_probabilities,
    distances,
    train_on_scenes,
)
from colorize_lib.experiments.variants import SCENE_ALONE, SCENE_WIDTHS
from colorize_lib.models import ColorClassifier, UNet
from colorize_lib.scenes import draw_scenes
from colorize_lib.training.classification import rebalance

TRAINING, UNSEEN = 4096, 400


def main() -> None:
    study = Study(__file__, __doc__)
    lab = draw_scenes(TRAINING, 64, seed=1).lab
    unseen = draw_scenes(UNSEEN, 64, seed=2)
    runs = []
    for seed in study.seeds:
        for name in ("classes", "rebalanced classes"):
            torch.manual_seed(seed)
            network = ColorClassifier(UNet(SCENE_WIDTHS))
            if name == "rebalanced classes":
                rebalance(network, lab)
            settings = {"stage": SCENE_ALONE, "lab": lab, "loss": "classes"}
            settings |= {"seed": seed, "device": study.device}
            path = run_folder(study.runs, name, seed).with_suffix(".pt")
            network, minutes = once(path, network, train_on_scenes, **settings)
            for method, found in readings(name, network, unseen).items():
                run = {"method": method, "seed": seed, "minutes": minutes}
                runs.append(run | found)
                print(runs[-1], flush=True)
    study.write(runs=runs, device=study.device, date=date.today().isoformat())


@torch.inference_mode()
def readings(name, network, unseen):
    """Probabilities, and where each way to decide lands; a rebalanced one both ways."""
    l, _ = normalize_lab(unseen.lab)
    logits = torch.cat([network.classifier(part) for part in l.split(50)])
    ways = {name: logits}
    if name == "rebalanced classes":
        unweighted = undo_rebalancing(logits, network.weights)
        ways["rebalanced, weights divided out"] = unweighted
    decoders = {
        "mean": partial(annealed_mean, temperature=1.0),
        "annealed": annealed_mean,
        "mode": mode,
        "sample": partial(sample, generator=torch.Generator().manual_seed(0)),
    }
    bins, found = network.bins, {}
    for way, its in ways.items():
        found[way] = color_probabilities(its, unseen, bins)
        found[way]["landings"] = {
            name: distances(decode(its, bins) / AB_SCALE, unseen)
            for name, decode in decoders.items()
        }
    return found


if __name__ == "__main__":
    main()
