"""Configs of the package, with settings that differ."""

from typing import Any, Dict

from confection import Config

from xner_spacy.cli.init_config import base_config


def load_base(base: str, overrides: Dict[str, Any] | None = None, **options: str) -> Config:
    """RETURNS (Config): What `xner init-config BASE` writes, with settings by their dotted names; not interpolated."""
    return Config().from_str(base_config(base, **options).to_str(), interpolate=False, overrides=overrides or {})
