"""Runs the command line in this process."""

import contextlib
import io
import os
from typing import NamedTuple
from unittest import mock

from xner_spacy.cli.app import DEBUG, run


class Result(NamedTuple):
    code: int
    out: str
    err: str


def xner(*arguments) -> Result:
    """Run `xner ARGUMENTS`. What the command line calls a fault of its own fails the test, with its traceback."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.dict(os.environ, {DEBUG: "1"}),
    ):
        code = run([str(a) for a in arguments])
    assert "fault of xner" not in err.getvalue(), err.getvalue()
    return Result(code, out.getvalue(), err.getvalue())
