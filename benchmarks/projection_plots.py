"""The diagrams of the projection and alignment benchmarks, as plain SVG."""

from typing import Any, Dict, List, Sequence, Tuple

_COLOURS = ("#1b6ca8", "#c0504d", "#4f8f4f", "#8064a2")
_SIZE = 260
_LEFT, _TOP = 50, 30


def _frame(x: int, title: str, across: str, up: str) -> List[str]:
    out = [
        f'<text x="{x + _SIZE / 2}" y="18" text-anchor="middle" font-weight="bold">{title}</text>',
        f'<rect x="{x}" y="{_TOP}" width="{_SIZE}" height="{_SIZE}" fill="none" stroke="#444"/>',
        f'<text x="{x + _SIZE / 2}" y="{_TOP + _SIZE + 34}" text-anchor="middle">{across}</text>',
        f'<text x="{x - 34}" y="{_TOP + _SIZE / 2}" text-anchor="middle" '
        f'transform="rotate(-90 {x - 34} {_TOP + _SIZE / 2})">{up}</text>',
    ]
    return out


def _ticks(x: int, low: float, high: float, vertical: bool) -> List[str]:
    out = []
    for k in range(6):
        value = low + (high - low) * k / 5
        text = f"{value:.2g}" if value < 10 else f"{value:.0f}"
        if vertical:
            y = _TOP + _SIZE * (1 - k / 5)
            out.append(f'<text x="{x - 6}" y="{y + 4}" text-anchor="end">{text}</text>')
        else:
            place = x + _SIZE * k / 5
            out.append(f'<text x="{place}" y="{_TOP + _SIZE + 16}" text-anchor="middle">{text}</text>')
    return out


def _svg(parts: Sequence[str], width: int) -> str:
    height = _TOP + _SIZE + 70
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">'
    )
    return "\n".join([head, f'<rect width="{width}" height="{height}" fill="white"/>', *parts, "</svg>\n"])


def _legend(x: int, names: Sequence[str]) -> List[str]:
    out = []
    for k, name in enumerate(names):
        place = x + 110 * k
        y = _TOP + _SIZE + 56
        out.append(f'<rect x="{place}" y="{y - 9}" width="10" height="10" fill="{_COLOURS[k]}"/>')
        out.append(f'<text x="{place + 14}" y="{y}">{name}</text>')
    return out


def reliability_svg(tests: Dict[str, Any]) -> str:
    """Draw confidence against accuracy, before and after calibration; discs grow with the count.

    tests (Dict): Per corpus `bins_before` and `bins_after`, each (low, high, number, confidence,
        accuracy).
    RETURNS (str): The picture.
    """
    parts: List[str] = []
    for column, key in enumerate(("bins_before", "bins_after")):
        x = _LEFT + column * (_SIZE + 80)
        parts += _frame(x, "before" if column == 0 else "after", "confidence", "share right")
        parts += _ticks(x, 0, 1, False) + _ticks(x, 0, 1, True)
        parts.append(
            f'<line x1="{x}" y1="{_TOP + _SIZE}" x2="{x + _SIZE}" y2="{_TOP}" stroke="#999" stroke-dasharray="4 4"/>'
        )
        for k, test in enumerate(tests.values()):
            points: List[Tuple[float, float]] = []
            total = sum(b[2] for b in test[key]) or 1
            for _, _, number, confidence, share in test[key]:
                if number:
                    point = (x + _SIZE * confidence, _TOP + _SIZE * (1 - share))
                    points.append(point)
                    radius = 2 + 12 * (number / total) ** 0.5
                    parts.append(
                        f'<circle cx="{point[0]:.1f}" cy="{point[1]:.1f}" r="{radius:.1f}" '
                        f'fill="{_COLOURS[k]}" fill-opacity="0.35"/>'
                    )
            path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
            parts.append(f'<polyline points="{path}" fill="none" stroke="{_COLOURS[k]}"/>')
    parts += _legend(_LEFT, list(tests))
    return _svg(parts, 2 * (_SIZE + 80) + 20)


def threshold_svg(curves: Dict[str, List[Dict[str, float]]]) -> str:
    """Draw precision against recall as the least confidence rises.

    curves (Dict): Per corpus rows with `threshold`, `precision` and `recall`.
    RETURNS (str): The picture.
    """
    low = 0.05 * int(20 * min(min(r["recall"], r["precision"]) for c in curves.values() for r in c))
    low = min(low, 0.8)
    parts = _frame(_LEFT, "threshold on the confidence", "recall", "precision")
    parts += _ticks(_LEFT, low, 1, False) + _ticks(_LEFT, low, 1, True)
    span = 1 - low
    for k, rows in enumerate(curves.values()):
        points = []
        for row in rows:
            x = _LEFT + _SIZE * (row["recall"] - low) / span
            y = _TOP + _SIZE * (1 - (row["precision"] - low) / span)
            points.append(f"{x:.1f},{y:.1f}")
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{_COLOURS[k]}"/>')
            if row["threshold"] in (0.0, 0.5, 0.8, 0.95):
                parts.append(f'<text x="{x + 4:.1f}" y="{y - 4:.1f}">{row["threshold"]}</text>')
        parts.append(f'<polyline points="{" ".join(points)}" fill="none" stroke="{_COLOURS[k]}"/>')
    parts += _legend(_LEFT, list(curves))
    return _svg(parts, _SIZE + 120)


Line = Tuple[str, str, str, Sequence[float], Sequence[float]]


def lines_svg(diagrams: Sequence[Line]) -> str:
    """Draw one line a diagram, from the origin.

    diagrams (Sequence[Line]): Title, name of x, name of y, xs and ys.
    RETURNS (str): The picture.
    """
    parts: List[str] = []
    for column, (title, across, up, xs, ys) in enumerate(diagrams):
        x = _LEFT + column * (_SIZE + 80)
        right, top = (max(values) * 1.05 for values in (xs, ys))
        parts += _frame(x, title, across, up)
        parts += _ticks(x, 0, right, False) + _ticks(x, 0, top, True)
        points = [(x + _SIZE * a / right, _TOP + _SIZE * (1 - b / top)) for a, b in zip(xs, ys, strict=True)]
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{_COLOURS[0]}"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{_COLOURS[0]}"/>' for a, b in points]
    return _svg(parts, len(diagrams) * (_SIZE + 80) + 20)
