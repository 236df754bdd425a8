"""Pages of the project and their charts: one HTML file that needs no network, the same as Markdown, SVG and CSV."""
