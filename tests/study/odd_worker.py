"""A worker for the tests of the pool: what it does with a job stands in the job's parameters."""

import os
import queue
import time
from pathlib import Path

from xner_spacy.corpora.engines.process import Answer, serve
from xner_spacy.types import Json


def do_jobs(tasks: "queue.Queue[Json]", answer: Answer) -> None:
    """Do what each job says: die before it begins, die in the middle, or take its time."""
    folder = Path(tasks.get()["study"]["folder"])
    while True:
        job = tasks.get()["job"]
        key, what = job["key"], job["params"]
        if what.get("never begins"):
            os._exit(7)
        answer({"begun": key})
        with (folder / key).open("a") as file:
            file.write("x")
        if what.get("error"):
            answer({"error": what["error"]})
        if what.get("dies"):
            os._exit(7)
        time.sleep(what.get("seconds", 0))
        answer({"outcome": [{"key": key}, "", []]})


if __name__ == "__main__":
    serve(do_jobs)
