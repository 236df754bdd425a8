"""The compiled parts of the package; everything else about it is in setup.cfg.

Without a compiler the package installs all the same, and computes in NumPy what they compute.
"""

import sys
from pathlib import Path

from setuptools import Extension, setup

# Products stay apart from sums, so that every processor gets the same bits.
ARGUMENTS = (
    ["/O2", "/std:c11", "/fp:precise"]
    if sys.platform == "win32"
    else ["-O3", "-g0", "-ffp-contract=off", "-fvisibility=hidden"]
)

setup(
    ext_modules=[
        Extension(
            "xner_spacy._native",
            sorted(map(str, Path("xner_spacy/csrc").glob("*.c"))),
            depends=sorted(map(str, Path("xner_spacy/csrc").glob("*.h"))),
            extra_compile_args=ARGUMENTS,
            py_limited_api=True,
            optional=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp310"}},
)
