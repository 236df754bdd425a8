"""The compiled parts of the package, where they were installed: wheels have them, and so has what a machine with a C
compiler installs from source. `LIBRARY` is None elsewhere, and all is computed in NumPy, with the same results.
"""

import ctypes
from importlib.util import find_spec
from typing import Any, List, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt

POINTER, INT, SIZE = ctypes.c_void_p, ctypes.c_int, ctypes.c_ssize_t


def struct(name: str, fields: Sequence[Tuple[str, Any]]) -> Any:
    """RETURNS (Any): The class of a struct."""
    return type(name, (ctypes.Structure,), {"_fields_": list(fields)})


def declare(name: str, *arguments: Any, returns: Any = None) -> None:
    """Say what a function takes and returns."""
    if LIBRARY is not None:
        function = getattr(LIBRARY, name)
        function.argtypes, function.restype = arguments, returns


def _load() -> Optional[ctypes.CDLL]:
    spec = find_spec(f"{__package__}._native")
    return None if spec is None or spec.origin is None else ctypes.CDLL(spec.origin)


# Its functions release the interpreter's lock.
LIBRARY: Any = _load()


class Arguments:
    """Arrays as C reads them, kept alive as long as a call lasts."""

    def __init__(self) -> None:
        self.kept: List[Any] = []

    def array(self, values: Any, dtype: Any, shape: Tuple[int, ...]) -> int:
        """RETURNS (int): The address of an array with this type and shape, copied if it has another type or order.
        RAISES: ValueError if it has another shape.
        """
        values = np.ascontiguousarray(values, dtype=dtype)
        if values.shape != shape:
            raise ValueError(f"an array has the shape {values.shape} in place of {shape}")
        self.kept.append(values)
        return int(values.ctypes.data)

    def pointers(self, addresses: Sequence[int]) -> Any:
        """RETURNS (Any): An array of addresses."""
        return (POINTER * len(addresses))(*addresses)


def changed(values: npt.NDArray[Any]) -> int:
    """RETURNS (int): The address of an array that C writes to."""
    if not values.flags.c_contiguous:
        raise ValueError("an array that is written to has gaps")
    return int(values.ctypes.data)
