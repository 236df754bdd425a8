"""Charts and pages that are one file: SVG drawn without a plotting library, HTML without a network."""
