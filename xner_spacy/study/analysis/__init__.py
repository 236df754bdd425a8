"""Estimates from the rows of a study."""
