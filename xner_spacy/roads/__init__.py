"""Which road to take for a language: what there is for it, its relatives, and which arm to expect to win."""
