"""Soft labels, and how they are projected."""
