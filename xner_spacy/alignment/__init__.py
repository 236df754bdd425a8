"""Word alignment: the embedded statistical aligner, stored links, symmetrisation."""
