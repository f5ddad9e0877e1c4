"""Count the photographs whose thing an encoder's classifier names without seeing color.

    python tools/name_in_gray.py --data photos/

Of the photographs, those count whose file names have an ImageNet class in them. What it
finds goes into results/named-in-gray.json."""

import torch
from photograph_options import names, parser, sources
from tqdm import tqdm

from colorize_lib.color import normalize_lab, rgb_to_lab
from colorize_lib.evaluation import imagenet_labels
from colorize_lib.evaluation.recognition import UNLABELED, accuracy
from colorize_lib.evaluation.results import FOLDER, save_result
from colorize_lib.models.pretrained import (
    LITE_SIZE,
    lite_classifier,
    torchvision_classifier,
)
from colorize_lib.photos import batches, combined, prepare


@torch.inference_mode()
def main() -> None:
    options = parser(__doc__).parse_args()
    source = combined(*sources(options.data))
    photographs = prepare(source, LITE_SIZE, folder=options.prepared)
    labels = imagenet_labels(photographs.names)
    found = zip(photographs.names, labels, strict=True)
    photographs = photographs.subset(name for name, x in found if x != UNLABELED)
    labels = labels[labels != UNLABELED]
    classifiers = {
        "SqueezeNet": torchvision_classifier("squeezenet1_1"),
        "EfficientNet-Lite0": lite_classifier(),
    }
    share = {}
    for name, classifier in classifiers.items():
        classifier.eval().to(options.device)
        classes = [
            classifier(normalize_lab(rgb_to_lab(pictures))[0]).argmax(dim=1).cpu()
            for pictures in tqdm(
                batches(photographs, 32, device=options.device), desc=name
            )
        ]
        share[name] = accuracy(torch.cat(classes), labels).mean().item()
        print(f"{name}: {share[name]:.1%} of {len(labels)}")
    save_result(
        FOLDER / "named-in-gray.json",
        {},
        [],
        share=share,
        photographs={"data": names(options.data), "labeled": len(labels)},
        device=options.device,
    )


if __name__ == "__main__":
    main()
