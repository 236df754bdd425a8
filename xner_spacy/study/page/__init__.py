"""The published report of a study."""
