"""Parts are declared once: a class each, whose docstring, or that of a base, says what its settings are."""

import inspect

import pytest

from xner_spacy.registry import REGISTRIES, registry


@pytest.mark.parametrize(
    "kind, name",
    # Other tests register parts of their own.
    [(kind, name) for kind in REGISTRIES for name in getattr(registry, kind).get_all() if name.startswith("xner.")],
)
def test_a_part_is_one_class_and_describes_each_setting_once(kind, name):
    part = getattr(registry, kind).get(name)
    assert inspect.isclass(part)
    described = [cls.__doc__ or "" for cls in part.__mro__ if cls is not object]
    for setting in inspect.signature(part).parameters:
        assert sum(f"\n    {setting} (" in text for text in described) == 1, setting
    assert name in described[0]
