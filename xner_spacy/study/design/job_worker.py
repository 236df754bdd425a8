"""A worker process of `xner study run`.

The first line that it gets is the study; then one line a job.
"""

import queue

from ...corpora.engines.process import Answer, serve
from ...types import Json
from .config import Study
from .perform import perform
from .plan import Job


def do_jobs(tasks: "queue.Queue[Json]", answer: Answer) -> None:
    """Do the jobs of the study that the first task is."""
    study = Study.model_validate(tasks.get()["study"])
    while True:
        job = Job.from_json(tasks.get()["job"])
        answer({"begun": job.key})
        answer({"outcome": list(perform(job, study))})


if __name__ == "__main__":
    serve(do_jobs)
