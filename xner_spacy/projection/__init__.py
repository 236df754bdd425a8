"""Label projection: source entities, word links and a target text in; target spans with a score and
a reason out.
"""
