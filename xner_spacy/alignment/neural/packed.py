"""Linear layers for CPUs whose weights are packed once for oneDNN, which ships with PyTorch.

PyTorch multiplies with MKL, which is a quarter slower on many processors (all of AMD's), and packs the weights again at
each call. The operators used here are those that `torch.compile` substitutes for linear layers, without its compiler.
If they are missing, models stay unchanged.
"""

import copy
from typing import Any, Optional

# The batch size for which the weights are packed. They work for any other size.
ROWS = 1024


def packed_copy(model: Any) -> Optional[Any]:
    """Copy a model, with packed linear layers and all other weights shared.

    model (Any): A torch module in float32 on the CPU.
    RETURNS (Optional[Any]): The copy, or None if this PyTorch or processor lacks the operators.
    """
    import torch

    if not torch.backends.mkldnn.is_available() or not all(
        hasattr(torch.ops.mkldnn, name) for name in ("_reorder_linear_weight", "_linear_pointwise")
    ):
        return None
    shared = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    packed = copy.deepcopy(model, shared)
    layer = _make_layer()
    for module in list(packed.modules()):
        for name, child in list(module.named_children()):
            # Subclasses are left, because they may compute something else.
            if type(child) is torch.nn.Linear:
                setattr(module, name, layer(child))
    return packed


def _make_layer() -> Any:
    """RETURNS (Any): The class of the layers. It is made here so that torch is imported only when needed."""
    import torch

    class PackedLinear(torch.nn.Module):
        """Replaces a linear layer, with a packed weight."""

        def __init__(self, linear: Any) -> None:
            super().__init__()
            weight = linear.weight.detach()
            # Some models read the dtype of a layer's `weight`, so it keeps the usual name.
            self.weight = torch.ops.mkldnn._reorder_linear_weight(weight, ROWS)
            self.bias = None if linear.bias is None else linear.bias.detach()

        def forward(self, values: Any) -> Any:
            return torch.ops.mkldnn._linear_pointwise(values, self.weight, self.bias, "none", [], "")

    return PackedLinear
