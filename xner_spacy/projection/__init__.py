"""Label projection: from source entities, word links and a target text to target spans with scores, or reasons
for entities without a span.
"""
