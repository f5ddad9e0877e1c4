"""Train classifiers on drawn scenes with three seeds: which odds do colors get?

    python tools/odds_on_scenes.py

Interrupted, the same command goes on. What it finds goes into results/odds.json."""

import argparse
import json
import time
from datetime import date
from functools import partial
from pathlib import Path

import torch

from colorize_lib.color import AB_SCALE, normalize_lab
from colorize_lib.color_bins import annealed_mean, mode, sample, undo_rebalancing
from colorize_lib.evaluation.results import FOLDER
from colorize_lib.experiments.on_scenes import landing, train_on_scenes
from colorize_lib.experiments.probabilities import color_probabilities
from colorize_lib.experiments.variants import SCENE_ALONE, SCENE_WIDTHS
from colorize_lib.files import replacing
from colorize_lib.models import ColorClassifier, UNet
from colorize_lib.scenes import draw_scenes
from colorize_lib.training.classification import rebalance

TRAINING, UNSEEN = 4096, 400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    gpu = torch.cuda.is_available()
    parser.add_argument("--device", default="cuda" if gpu else "cpu")
    options = parser.parse_args()
    lab = draw_scenes(TRAINING, 64, seed=1).lab
    unseen = draw_scenes(UNSEEN, 64, seed=2)
    runs = []
    for seed in range(options.seeds):
        for name in ("classes", "rebalanced classes"):
            path = Path("runs") / "odds-on-scenes" / f"{name.split()[0]}-seed{seed}.pt"
            network, minutes = _trained(path, name, lab, seed, options.device)
            for method, found in _readings(name, network, unseen).items():
                runs.append(
                    {"method": method, "seed": seed, "minutes": minutes} | found
                )
                print(runs[-1], flush=True)
    result = {"runs": runs, "device": options.device, "date": date.today().isoformat()}
    with replacing(FOLDER / "odds.json") as file:
        file.write((json.dumps(result, indent=1) + "\n").encode())


def _trained(path, name, lab, seed, device):
    torch.manual_seed(seed)
    network = ColorClassifier(UNet(SCENE_WIDTHS))
    if path.exists():
        stored = torch.load(path, weights_only=True)
        network.load_state_dict(stored["network"])
        return network.eval(), stored["minutes"]
    started = time.monotonic()
    if name == "rebalanced classes":
        rebalance(network, lab)
    network = train_on_scenes(
        network, SCENE_ALONE, lab, loss="classes", seed=seed, device=device
    ).cpu()
    minutes = (time.monotonic() - started) / 60
    with replacing(path) as file:
        torch.save({"network": network.state_dict(), "minutes": minutes}, file)
    return network, minutes


@torch.inference_mode()
def _readings(name, network, unseen):
    """Odds, and where each way to decide lands; of a rebalanced one also unweighted."""
    l, _ = normalize_lab(unseen.lab)
    parts = [network.classifier(part) for part in l.split(50)]
    logits, bins = torch.cat(parts), network.bins
    ways = {name: logits}
    if name == "rebalanced classes":
        ways["rebalanced, weights divided out"] = undo_rebalancing(
            logits, network.weights
        )
    decoders = {
        "mean": partial(annealed_mean, temperature=1.0),
        "annealed": annealed_mean,
        "mode": mode,
        "sample": partial(sample, generator=torch.Generator().manual_seed(0)),
    }
    found = {}
    for way, its in ways.items():
        found[way] = color_probabilities(its, unseen, bins)
        found[way]["landings"] = {
            name: landing(decode(its, bins) / AB_SCALE, unseen)
            for name, decode in decoders.items()
        }
    return found


if __name__ == "__main__":
    main()
