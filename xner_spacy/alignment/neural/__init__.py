"""Aligners on the vectors of a pretrained encoder."""
