"""Classification: make the true color's bin probable. Taught in chapter 10."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from colorize_lib.color import AB_SCALE
from colorize_lib.color_bins import bin_frequencies, rebalancing_weights, soft_bins
from colorize_lib.models.color_classifier import ColorClassifier
from colorize_lib.photos.batches import batches, to_lab
from colorize_lib.training.learner import Learner, Precision


class Classification:
    """One network, one optimizer, cross-entropy; a step at a time.

    Args:
        network: what colors; its ``weights`` say what each bin counts.
        optimizer: over the parameters of its classifier.
        precision: what the classifier computes in; the loss is always float32.
        scheduler: of the learning rate, advanced once a step.

    Raises:
        TypeError: a network of colors, not of probabilities.
    """

    def __init__(
        self,
        network: ColorClassifier,
        optimizer: torch.optim.Optimizer,
        precision: Precision,
        scheduler: torch.optim.lr_scheduler.LRScheduler | None = None,
    ):
        if not isinstance(network, ColorClassifier):
            raise TypeError(
                f"{type(network).__name__} gives no probabilities to learn: make it a "
                "ColorClassifier, or choose the loss of a color"
            )
        self.network = network
        self.learner = Learner(network.classifier, optimizer, precision, scheduler)

    def step(self, l: Tensor, ab: Tensor) -> dict[str, Tensor]:
        """Learn from one normalized batch; return the losses, detached."""
        logits = self.learner(l)
        loss = color_cross_entropy(logits, ab, self.network.bins, self.network.weights)
        self.learner.update(loss)
        return {"loss": loss.detach()}

    def state_dict(self) -> dict:
        """All that a later run needs to go on with the very same next step."""
        return self.learner.state_dict() | {"weights": self.network.weights}

    def load_state_dict(self, state: dict) -> None:
        """Go on where :meth:`state_dict` was taken."""
        self.learner.load_state_dict(state)
        if "weights" in state:  # a run from before they were kept has set them itself
            self.network.weights.copy_(state["weights"])


def color_cross_entropy(
    logits: Tensor, ab: Tensor, bins: Tensor, weights: Tensor
) -> Tensor:
    """The cross-entropy of predicted and true colors, each pixel weighted by its own.

    Zhang, Isola and Efros (2016), equation 2.

    Args:
        logits: ``(B, Q, h, w)``.
        ab: the truth, normalized, ``(B, 2, H, W)``; averaged where h, w are smaller.
        bins: in Lab units, ``(Q, 2)``.
        weights: ``(Q,)``; a pixel has that of the bin that its color lies in.

    Returns:
        A scalar, the mean over pixels.
    """
    ab = AB_SCALE * F.adaptive_avg_pool2d(ab, logits.shape[2:])
    nearest, probabilities = soft_bins(ab, bins)
    # The logarithm of a predicted probability is its logit less this. Gathering the few
    # that count is twice as fast as building the probabilities of all bins.
    normalizer = logits.logsumexp(dim=1)
    loss = normalizer - (probabilities * logits.gather(1, nearest)).sum(dim=1)
    return (weights[nearest[:, 0]] * loss).mean()


def rebalance(network: ColorClassifier, images: Sequence) -> None:
    """Set ``network.weights`` in place, by how frequent each bin is in pictures.

    ``images`` are those of :func:`colorize_lib.training.loop.fit`.
    """
    counts = _frequencies(network, images)
    network.weights.copy_(rebalancing_weights(counts, network.bins))


@torch.no_grad()
def start_at_frequencies(network: ColorClassifier, images: Sequence) -> None:
    """Let an untrained network predict how frequent bins are, times their weights.

    That is the best answer of a network that sees nothing. From equal probabilities it
    has to be learned first, which took most of a short training, and meanwhile the mean
    of all bins colors every picture. The biases of the last layer are changed in place.
    """
    counts = _frequencies(network, images) + 1  # a color not seen is not impossible
    expected = counts / counts.sum() * network.weights
    network.last_layer.bias.copy_((expected / expected.sum()).log())


def _frequencies(network, images):
    bins = network.bins
    counts = torch.zeros(len(bins), dtype=torch.long, device=bins.device)
    for batch in batches(images, 64, device=bins.device):
        counts += bin_frequencies(to_lab(batch)[:, 1:], bins)
    return counts
