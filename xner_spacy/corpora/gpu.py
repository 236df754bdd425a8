"""Run pipelines on a GPU (`--gpu-id`): spaCy's own layers, and the parts whose device is left at its default."""

from typing import Optional

import spacy
from spacy.language import Language

from ..errors import XnerError, in_one_line, require
from .parts_inside import parts_inside

CPU = -1
# The default of every part's setting `device`.
_DEFAULT_DEVICE = "cpu"


def use_gpu(gpu_id: int, workers: int = 1, engine: str = "local") -> Optional[str]:
    """Make the pipelines that are loaded from now on run on a GPU.

    gpu_id (int): Its number; -1 leaves everything on the CPU.
    workers (int), engine (str): How the work is shared out.
    RETURNS (Optional[str]): The device for `move_parts`; None for the CPU. RAISES: XnerError if the GPU can't be used,
        or if several processes would each load the models onto it.
    """
    if gpu_id < 0:
        return None
    require(
        workers == 1 and engine == "local",
        f"--gpu-id {gpu_id} is for one process: each worker would load the models onto the GPU again.",
        "Leave --workers and --engine out; a larger --batch-size fills the GPU. For several GPUs, cut the input into "
        "as many parts, and run a command for each.",
    )
    try:
        spacy.require_gpu(gpu_id)
    except (ValueError, RuntimeError, ImportError, OSError) as error:
        raise XnerError(
            f"--gpu-id {gpu_id}: this GPU can't be used ({in_one_line(error).rstrip('.')}).",
            "It needs an NVIDIA card with its driver (`nvidia-smi` lists it), and CuPy for its version of CUDA (pip "
            "install 'spacy[cuda12x]'). Leave --gpu-id out to run on the CPU.",
        ) from error
    return f"cuda:{gpu_id}"


def move_parts(nlp: Language, device: Optional[str]) -> int:
    """Move the parts of a pipeline, and of the pipelines inside it, to a device. Those with another device in the
    config stay there, and so do those whose precision (int8) is for the CPU only.

    device (Optional[str]): The result of `use_gpu`; None moves nothing.
    RETURNS (int): The number of parts that were moved. RAISES: XnerError if PyTorch can't use the device.
    """
    if device is None:
        return 0
    moved = 0
    for part in parts_inside(nlp):
        settings = getattr(part, "__dict__", {})
        if settings.get("device") != _DEFAULT_DEVICE or settings.get("dtype") == "int8":
            continue
        # The models of CTranslate2 have no `dtype`; it has a CUDA of its own.
        if "dtype" in settings:
            _check_torch(device)
        part.device = device
        # A model that was loaded already is on the CPU: it is loaded again.
        settings.pop("loaded", None)
        moved += 1
    return moved


def _check_torch(device: str) -> None:
    """RAISES: XnerError if PyTorch can't use the device."""
    try:
        import torch

        torch.zeros(1, device=device)
    except (ImportError, RuntimeError, AssertionError) as error:
        raise XnerError(
            f"PyTorch can't use the device {device!r} ({in_one_line(error).rstrip('.')}), which a part of the pipeline "
            "needs.",
            "Install a build of PyTorch for your version of CUDA, or leave --gpu-id out.",
        ) from error
