"""How often does an encoder's classifier name a photograph's thing without its color?

    python studies/named_in_gray.py --data photos/

Counted are photographs whose file names have an ImageNet class in them."""

import torch
from study import Study
from tqdm import tqdm

from colorize_lib.color import normalize_lab, rgb_to_lab
from colorize_lib.evaluation import imagenet_labels
from colorize_lib.evaluation.recognition import UNLABELED, accuracy
from colorize_lib.evaluation.results import save_result
from colorize_lib.models.pretrained import (
    lite_classifier,
    torchvision_classifier,
)
from colorize_lib.photos import batches, combined, prepare

LITE_SIZE = 224  # pixels, of EfficientNet-Lite0's training


@torch.inference_mode()
def main() -> None:
    study = Study(__file__, __doc__)
    source = combined(*study.sources["data"])
    photographs = prepare(source, LITE_SIZE, folder=study.prepared)
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
        classifier.eval().to(study.device)
        classes = [
            classifier(normalize_lab(rgb_to_lab(batch))[0]).argmax(dim=1).cpu()
            for batch in tqdm(batches(photographs, 32, device=study.device), desc=name)
        ]
        share[name] = accuracy(torch.cat(classes), labels).mean().item()
        print(f"{name}: {share[name]:.1%} of {len(labels)}")
    photographs = {"data": study.names(), "labeled": len(labels)}
    about = {"share": share, "photographs": photographs, "device": study.device}
    save_result(study.path, {}, [], **about)


if __name__ == "__main__":
    main()
