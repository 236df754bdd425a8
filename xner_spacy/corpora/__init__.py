"""Corpora of every form: read, written, split and annotated."""
