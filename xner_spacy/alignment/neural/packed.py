"""Linear layers for CPUs with their weights laid out once for oneDNN, which ships with PyTorch.

PyTorch multiplies by MKL, which is a quarter slower on many processors (all of AMD's), and lays the weights out anew at
each call. The operators used here are those that `torch.compile` puts in place of linear layers, without its compiler.
Where they are missing, models stay as they are.
"""

import copy
from typing import Any, Optional

# A size of batch to lay the weights out for. They serve any other as well.
ROWS = 1024


def packed_copy(model: Any) -> Optional[Any]:
    """Copy a model, with packed linear layers and all other weights shared.

    model (Any): A torch module in float32 on the CPU.
    RETURNS (Optional[Any]): The copy, or None where this PyTorch or processor has no such operators.
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
            # Not its subclasses, which may compute something else.
            if type(child) is torch.nn.Linear:
                setattr(module, name, layer(child))
    return packed


def _make_layer() -> Any:
    """RETURNS (Any): The class of the layers; torch is not imported before it is needed."""
    import torch

    class PackedLinear(torch.nn.Module):
        """Stands for a linear layer, with a packed weight."""

        def __init__(self, linear: Any) -> None:
            super().__init__()
            weight = linear.weight.detach()
            # Some models ask a layer's weight for its type, so it goes by its usual name.
            self.weight = torch.ops.mkldnn._reorder_linear_weight(weight, ROWS)
            self.bias = None if linear.bias is None else linear.bias.detach()

        def forward(self, values: Any) -> Any:
            return torch.ops.mkldnn._linear_pointwise(values, self.weight, self.bias, "none", [], "")

    return PackedLinear
