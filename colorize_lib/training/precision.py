"""In which precision to train: chosen in one place, after the hardware."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Precision:
    """What a training step needs to know of the precision it runs in."""

    name: str  # "float32", "bfloat16" or "float16"
    device_type: str  # "cpu" or "cuda"

    def autocast(self) -> torch.autocast:
        """Where convolutions run in this precision; parameters stay float32."""
        dtype = getattr(torch, self.name)
        return torch.autocast(self.device_type, dtype, enabled=self.name != "float32")

    def grad_scaler(self) -> torch.amp.GradScaler:
        """Scales losses in float16, whose gradients would underflow; else idle."""
        return torch.amp.GradScaler(self.device_type, enabled=self.name == "float16")


def choose_precision(
    device: torch.device | str, wanted: str | None = None
) -> Precision:
    """Choose the fastest precision that the device computes natively.

    Args:
        device: where the training runs.
        wanted: "float32", "bfloat16" or "float16" to overrule the choice.

    Returns:
        bfloat16 on GPUs of compute capability 8.0 (Ampere) and up, and on processors
        with AMX tiles; float16 on older GPUs such as Colab's T4; else float32.

    Raises:
        ValueError: ``wanted`` is another name.
    """
    kind = torch.device(device).type
    if wanted is not None and wanted not in ("float32", "bfloat16", "float16"):
        raise ValueError(
            f"precision must be float32, bfloat16 or float16, not {wanted!r}"
        )
    if wanted is None:
        wanted = _fastest(kind)
    return Precision(wanted, kind)


def _fastest(kind):
    if kind == "cuda":
        # Not is_bf16_supported(): true on a T4 too, where it is emulated and slow.
        return "bfloat16" if torch.cuda.get_device_capability() >= (8, 0) else "float16"
    return "bfloat16" if kind == "cpu" and _has_amx() else "float32"


def _has_amx():
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("amx_bf16", False))
