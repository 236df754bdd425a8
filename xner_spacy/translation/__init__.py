"""Translators, one engine per file."""
