"""Projectors that translate the entities again."""
