"""Mixtures of several teachers, prototypes, and the selection of sentences to learn from."""
