"""Projection by translation: the translator carries marks along, or translates entities alone."""
