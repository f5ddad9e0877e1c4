"""A frozen classifier's opinions, asked for once a picture. Taught in chapter 4."""

from hashlib import sha256
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from colorize_lib.files import replacing
from colorize_lib.models.fusion import Frozen
from colorize_lib.models.parts import check_input
from colorize_lib.slips import missing_file


class Remembered(nn.Module):
    """A classifier, frozen, that does not look twice at the same picture.

    A picture is known by all its values: the least change, a crop at another place
    among them, makes it another picture. So this saves time where whole pictures come
    again (mirrored, each comes in two versions), and none where crops are random.

    The answers are the classifier's own to rounding: it is shown the new pictures one
    by one, in float32. Then no answer depends on what else was in the batch, which can
    change the last bits, and a training that was interrupted, and has forgotten them,
    still ends with the same weights.

    Args:
        classifier: l ``(B, 1, H, W)`` to ``(B, outputs)``; frozen from now on.
        at_most: how many pictures to remember, in memory of the CPU: 4 KB each for
            1,000 outputs, and 400 MB in all. Further ones are looked at every time.
    """

    def __init__(self, classifier: nn.Module, at_most: int = 100_000):
        super().__init__()
        self.classifier, self.at_most = Frozen(classifier), at_most
        self.answers: dict[bytes, Tensor] = {}  # by _key of the picture

    @torch.no_grad()
    def forward(self, l: Tensor) -> Tensor:
        """l ``(B, 1, H, W)`` to ``(B, outputs)``, on the device of l.

        Raises:
            ValueError: another shape.
        """
        check_input(l, multiple_of=1)
        answers = [self._answer(picture) for picture in l.split(1)]
        return torch.stack(answers).to(l.device)

    def save(self, path: Path) -> None:
        """Write what is remembered, for :meth:`load` of the same classifier.

        Raises:
            ValueError: nothing is remembered yet.
            OSError: the file could not be written; what was there is intact.
        """
        if not self.answers:
            raise ValueError(f"nothing is remembered yet: {path} was not written")
        keys = torch.frombuffer(bytearray(b"".join(self.answers)), dtype=torch.uint8)
        tensors = {
            "keys": keys.view(len(self.answers), -1),
            "answers": torch.stack(list(self.answers.values())),
        }
        metadata = {"classifier": fingerprint(self.classifier.network)}
        with replacing(path) as file:
            file.write(save(tensors, metadata=metadata))

    def load(self, path: Path) -> None:
        """Add what was saved to what is remembered, up to ``at_most`` pictures.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: not a whole file of :meth:`save`, or one of another classifier;
                what was remembered before still is.
        """
        path = Path(path)
        if not path.is_file():
            raise missing_file(path, f"no remembered answers at {path}")
        try:
            with safe_open(path, framework="pt") as file:
                whose = (file.metadata() or {}).get("classifier")
                keys, answers = file.get_tensor("keys"), file.get_tensor("answers")
        except (SafetensorError, OSError) as error:
            raise ValueError(
                f"{path} does not hold remembered answers ({error}); remove it"
            ) from error
        if whose != fingerprint(self.classifier.network):
            raise ValueError(
                f"{path} holds the answers of another classifier, of other weights or "
                "of another size or normalization: give this one another file"
            )
        for key, answer in zip(keys.numpy(), answers, strict=True):
            self._keep(key.tobytes(), answer)

    def _answer(self, picture):
        key = _key(picture)
        if key in self.answers:
            return self.answers[key]
        # What is remembered must not depend on the precision of who asked first.
        with torch.autocast(picture.device.type, enabled=False):
            answer = self.classifier(picture)[0].cpu()
        self._keep(key, answer)
        return answer

    def _keep(self, key, answer):
        if len(self.answers) < self.at_most:
            self.answers[key] = answer


def fingerprint(network: nn.Module) -> str:
    """SHA-256 of a network's printed form, parameters and buffers, as hexadecimals.

    Buffers that weight files leave out count, too: the normalization of a classifier's
    input changes its answers as much as its weights do.
    """
    digest = sha256(repr(network).encode())
    for name, x in [*network.named_parameters(), *network.named_buffers()]:
        digest.update(f"{name} {x.dtype} {tuple(x.shape)}".encode())
        digest.update(_bytes(x))
    return digest.hexdigest()


def _key(picture):
    head = f"{picture.dtype} {tuple(picture.shape)}".encode()
    return sha256(head + _bytes(picture)).digest()


def _bytes(x):
    # As bytes, since NumPy knows no bfloat16; flat, since a scalar cannot be viewed so.
    return x.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
