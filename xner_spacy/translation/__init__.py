"""Translators, one engine a file."""
