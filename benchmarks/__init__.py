"""Benchmarks: every published figure, from the command that makes it."""
