"""A worker process of `xner annotate`: `python -m xner_spacy.corpora.worker`.

JSON lines in, JSON lines out. The first line says what to load; then one line a shard. It ends when
its input ends, which is also when the process that started it is gone, however that ended.
"""

import json
import os
import queue
import signal
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any, Dict

from ..errors import XnerError
from .inputs import CorpusInput, Slice
from .shards import annotate_shard, load_pipeline

TICK_SECONDS = 0.5


def main() -> None:
    """Serve until the input ends."""
    # Ctrl-C reaches every process of the terminal; the one that started us decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Whatever a library prints must not get between the answers.
    out = os.fdopen(os.dup(1), "w", encoding="utf8")
    os.dup2(2, 1)
    tasks: queue.Queue[Dict[str, Any]] = queue.Queue()
    threading.Thread(target=_listen, args=(tasks,), daemon=True).start()
    try:
        _serve(tasks, out)
    except BrokenPipeError:
        os._exit(0)


def _listen(tasks: "queue.Queue[Dict[str, Any]]") -> None:
    for line in sys.stdin:
        tasks.put(json.loads(line))
    # Nobody is there any more who would take the result: stop at once, in the middle of a shard
    # too.
    os._exit(0)


def _serve(tasks: "queue.Queue[Dict[str, Any]]", out: IO[str]) -> None:
    def answer(**message: Any) -> None:
        out.write(json.dumps(message, ensure_ascii=False) + "\n")
        out.flush()

    job = tasks.get()
    try:
        nlp = load_pipeline(job["pipeline"])
        corpus = CorpusInput(**job["input"])
        answer(ready=True)
        while True:
            piece = Slice(*tasks.get()["slice"])
            done, told = 0, time.monotonic()

            def tick(n: int) -> None:
                nonlocal done, told
                done += n
                if time.monotonic() - told > TICK_SECONDS:
                    answer(ticks=done)
                    done, told = 0, time.monotonic()

            entry = annotate_shard(nlp, corpus, piece, Path(job["output"]), job["batch_size"], tick)
            answer(ticks=done, done=piece.number, entry=entry)
    except Exception as error:  # noqa: BLE001  (told to the one who started us, who raises it)
        if isinstance(error, XnerError):
            answer(error=error.message, hint=error.hint)
        else:
            import traceback

            answer(error=f"{type(error).__name__}: {error}", trace=traceback.format_exc())


if __name__ == "__main__":
    main()
