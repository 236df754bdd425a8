"""Projection as matching: candidates, scores, and a solver (Politov et al. 2025)."""
