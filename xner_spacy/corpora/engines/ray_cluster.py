"""`xner annotate --engine ray`: make the same shards on a cluster, with Ray actors that load the pipeline once.

Every machine must see the input, the pipeline and the output under the same paths.
"""

import socket
from contextlib import contextmanager
from typing import Any, Dict, Iterator, List, Optional

from ...errors import MissingExtraError, XnerError
from ...types import Json
from ..inputs import Slice
from ..shards import ShardMaker
from .local import Record, Tick

CONNECT_SECONDS = 10.0


class ShardActor:
    """Loads the pipeline once and annotates slices. Ray restarts a dead actor and gives it the slice again."""

    def __init__(self, job: Json) -> None:
        self.fault: Optional[XnerError] = None
        try:
            self.maker = ShardMaker(job)
        except XnerError as error:
            # If the constructor raised, Ray would make the actor again and again.
            self.fault = error

    def __call__(self, row: Dict[str, Any]) -> Dict[str, Any]:
        try:
            if self.fault is not None:
                raise self.fault
            entry = self.maker.make(_slice(row))
        except XnerError as error:
            # If this raised, Ray would wrap the error in its own ones and print all of them.
            return {**row, "entry": None, "error": [error.message, error.hint]}
        return {**row, "entry": entry, "error": None}


def _slice(row: Dict[str, Any]) -> Slice:
    return Slice(*(int(n) for n in row["slice"]))


def run_ray(
    job: Json, pieces: List[Slice], workers: int, record: Record, tick: Tick, address: Optional[str] = None
) -> None:
    """Annotate shards on a Ray cluster.

    job, pieces, record, tick: As for `run_workers`. workers (int): Actors.
    address (Optional[str]): The cluster, as `ray.init` takes it; None starts Ray on this machine.
    RAISES: MissingExtraError without ray; XnerError with an actor's own error, or if there is no such cluster.
    """
    rows = [{"slice": list(piece)} for piece in pieces]
    actor: Any = ShardActor
    with cluster(address) as ray:
        ray.data.DataContext.get_current().enable_progress_bars = False
        most = max(1, min(workers, len(rows)))
        # All that there is room for at once: of fewer, Ray would start more only slowly.
        at_once = max(1, min(most, int(ray.available_resources().get("CPU", 1))))
        # One block for each shard: Ray hands out blocks, and repeats the block of a dead actor.
        data = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
            actor, fn_constructor_args=(job,), concurrency=(at_once, most)
        )
        for row in data.iter_rows():
            if row["error"] is not None:
                raise XnerError(*row["error"])
            piece = _slice(row)
            record(piece, row["entry"])
            tick(piece.size)


@contextmanager
def cluster(address: Optional[str], **settings: Any) -> Iterator[Any]:
    """Connect to Ray for the time of a block.

    address (Optional[str]): The cluster, as `ray.init` takes it; None starts Ray on this machine. settings: Other
        arguments of `ray.init`.
    YIELDS (ModuleType): Ray. RAISES: MissingExtraError without ray; XnerError if there is no such cluster.
    """
    ray = require_ray()
    started = not ray.is_initialized()
    if started:
        try:
            _knock(address)
            ray.init(address=address, log_to_driver=False, configure_logging=False, **settings)
        except (OSError, ValueError, RuntimeError) as error:
            hint = "Start one with `ray start --head`, or leave the address out."
            raise XnerError(f"No Ray cluster at {address!r}: {str(error).splitlines()[0]}", hint) from error
    try:
        yield ray
    finally:
        if started:
            ray.shutdown()


def require_ray() -> Any:
    """RETURNS (ModuleType): Ray. RAISES: MissingExtraError without it."""
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingExtraError("--engine ray", "ray") from error
    return ray


def _knock(address: Optional[str]) -> None:
    """Check that a server answers at an address of the form HOST:PORT; Ray itself would try for minutes. RAISES:
    OSError if none answers.
    """
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS).close()
