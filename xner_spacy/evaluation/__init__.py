"""Evaluation of entities and word links, with confidence intervals."""
