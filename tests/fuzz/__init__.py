"""Hostile inputs for every command: a seeded generator of broken files and odd options, and a judge.

`python -m tests.fuzz --cases 20000 --seed 1` prints how they ended; see tests/fuzz/__main__.py.
"""
