"""How good entities and word links are, with intervals."""
