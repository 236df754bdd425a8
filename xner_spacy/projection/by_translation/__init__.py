"""Projection by translation: the translator keeps markers in the text, or scores where to put them."""
