"""Train every method on drawn scenes with three seeds, and see where each lands.

    python tools/land_on_scenes.py

Interrupted, the same command goes on. What it finds goes into
results/landings.json."""

import argparse
import json
import time
from datetime import date
from pathlib import Path

import torch

from colorize_lib.color import normalize_lab
from colorize_lib.evaluation.results import FOLDER
from colorize_lib.experiments.on_scenes import landing, train_on_scenes
from colorize_lib.experiments.variants import SCENE_WIDTHS, scene_stages
from colorize_lib.files import replacing
from colorize_lib.models import UNet
from colorize_lib.scenes import draw_scenes

TRAINING, UNSEEN = 4096, 400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    gpu = torch.cuda.is_available()
    parser.add_argument("--device", default="cuda" if gpu else "cpu")
    options = parser.parse_args()
    folder = Path("runs") / "land-on-scenes"
    lab = draw_scenes(TRAINING, 64, seed=1).lab
    unseen = draw_scenes(UNSEEN, 64, seed=2)
    l, _ = normalize_lab(unseen.lab)
    rows = [{"method": "the true colors", "seed": 0, "minutes": 0.0}]
    rows[0] |= landing(normalize_lab(unseen.lab)[1], unseen)
    for seed in range(options.seeds):
        start = None
        for name, (stage, loss) in scene_stages().items():
            path = folder / f"{name.replace(' ', '-').replace(',', '')}-seed{seed}.pt"
            torch.manual_seed(seed)
            network = UNet(SCENE_WIDTHS) if stage.adversarial is None else start
            if path.exists():
                stored = torch.load(path, weights_only=True)
                network = UNet(SCENE_WIDTHS).eval()
                network.load_state_dict(stored["network"])
                minutes = stored["minutes"]
            else:
                started = time.monotonic()
                network = train_on_scenes(
                    network, stage, lab, loss=loss, seed=seed, device=options.device
                ).cpu()
                minutes = (time.monotonic() - started) / 60
                with replacing(path) as file:
                    torch.save(
                        {"network": network.state_dict(), "minutes": minutes}, file
                    )
            if name == "L1":
                start = network
            with torch.inference_mode():
                ab = torch.cat([network(part) for part in l.split(50)])
            lands = landing(ab, unseen)
            rows.append({"method": name, "seed": seed, "minutes": minutes} | lands)
            told = {
                kind: {k: round(v, 2) for k, v in x.items()}
                for kind, x in lands.items()
            }
            print(name, seed, f"{minutes:.1f} minutes", told, flush=True)
    result = {"runs": rows, "device": options.device, "date": date.today().isoformat()}
    with replacing(FOLDER / "landings.json") as file:
        file.write((json.dumps(result, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
