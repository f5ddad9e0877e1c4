"""Where does each method land on things that have several colors?

    python studies/landings.py

All are trained on drawn scenes; interrupted, the same command goes on."""

from datetime import date

import torch
from study import Study, once

from colorize_lib.color import normalize_lab
from colorize_lib.experiments.compare import run_folder
from colorize_lib.experiments.on_scenes import distances, train_on_scenes
from colorize_lib.experiments.variants import SCENE_WIDTHS, scene_stages
from colorize_lib.models import UNet
from colorize_lib.scenes import draw_scenes

TRAINING, UNSEEN = 4096, 400


def main() -> None:
    study = Study(__file__, __doc__)
    lab = draw_scenes(TRAINING, 64, seed=1).lab
    unseen = draw_scenes(UNSEEN, 64, seed=2)
    l, true_ab = normalize_lab(unseen.lab)
    first = {"method": "the true colors", "seed": 0, "minutes": 0.0}
    runs = [first | distances(true_ab, unseen)]
    for seed in study.seeds:
        by_l1 = None  # where the games begin
        for name, (stage, loss) in scene_stages().items():
            torch.manual_seed(seed)
            start = by_l1 or UNet(SCENE_WIDTHS)
            settings = {"stage": stage, "lab": lab, "loss": loss, "seed": seed}
            settings["device"] = study.device
            path = run_folder(study.runs, name, seed).with_suffix(".pt")
            network, minutes = once(path, start, train_on_scenes, **settings)
            by_l1 = network if name == "L1" else by_l1
            with torch.inference_mode():
                ab = torch.cat([network(part) for part in l.split(50)])
            run = {"method": name, "seed": seed, "minutes": minutes}
            runs.append(run | distances(ab, unseen))
            print(runs[-1], flush=True)
    study.write(runs=runs, device=study.device, date=date.today().isoformat())


if __name__ == "__main__":
    main()
