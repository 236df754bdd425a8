"""Projectors that go by the word links alone."""
