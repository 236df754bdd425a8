"""Pages of the project and their charts: HTML that is one file and needs no network, its Markdown twin, SVG and CSV."""
