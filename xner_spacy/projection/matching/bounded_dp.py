"""Exact selection of intervals with limits per entity: dynamic programming along the line, cut by a
Lagrangian bound.
"""

from typing import Dict, List, Optional, Sequence, Tuple

from .milp import solve_milp, solve_relaxed

Option = Tuple[float, int, int]  # score, start, end (exclusive)
Pick = Tuple[int, Option]  # entity, option

# Up to this many entities the states (which entities have been used) are too few for a better bound
# to pay.
_FEW = 5
_ROUNDS = 60
# From this many entities on the linear program goes first: states would grow with all their
# subsets.
_MANY = 13
# States after which the structure is taken not to help, and HiGHS gets the component.
MAX_STATES = 200_000
_EPS = 1e-9


def solve_component(options: Sequence[Sequence[Option]], low: int, high: Optional[int]) -> List[Pick]:
    """Choose non-overlapping options, `low` to `high` per entity, of the greatest total score.

    States run along the sentence: how many spans each entity has (only of entities that still have
    options ahead). A state is dropped if even the best that could follow, with the limits priced
    instead of enforced, does not beat the best solution known. The prices are Lagrange multipliers
    found by subgradient steps; whatever they are, the bound holds and the result is exact. Every
    missing span costs more than all scores together, so that lower limits come first.

    options (Sequence[Sequence[Option]]): Per entity its options, at least one.
    low (int): Spans that each entity should get.
    high (Optional[int]): Spans that it gets at most, None for no limit.
    RETURNS (List[Pick]): The chosen options.
    """
    items = sorted(
        ((o[1], o[2], s, o[0]) for s, os in enumerate(options) for o in os),
        key=lambda x: (x[0], x[1], x[2]),
    )
    line = _Line(items, len(options), low, high)
    best = line.greedy()
    if len(options) >= _MANY:
        return _solve_many(options, low, high, line, best)
    if line.cap:
        rounds = _ROUNDS if len(options) > _FEW else 0
        best = line.price(best, rounds)
    result = line.search(best)
    if result is None:
        chosen = solve_milp(options, low, high)
        return chosen if line.value(chosen) > line.value(best) else best
    return result


def _solve_many(
    options: Sequence[Sequence[Option]],
    low: int,
    high: Optional[int],
    line: "_Line",
    best: List[Pick],
) -> List[Pick]:
    """Drop the options that cannot be in a better solution, then solve the linear program; where
    its answer is not whole, the integer program with a time limit.
    """
    left = [list(mine) for mine in options]
    # Where the first solution misses a span that is asked for, a better one may have a lower score: the argument
    # from scores below holds only among solutions that miss as few.
    if high == 1 and (not low or len(best) == len(options)):
        tops = [max(o[0] for o in mine) for mine in options]
        # An entity's option below its best by more than all that could be gained is not needed.
        gap = sum(tops) - sum(o[0] for _, o in best)
        if gap <= _EPS:
            return best
        left = [[o for o in mine if o[0] >= top - gap - _EPS] for mine, top in zip(options, tops, strict=True)]
    picks = solve_relaxed(left, low, high)
    if picks is None:
        picks = solve_milp(left, low, high)
    return picks if line.value(picks) > line.value(best) else best


class _Line:
    """One component: its items along the line, the prices of the entities, and the searches over
    it.
    """

    def __init__(self, items: List[Tuple[int, int, int, float]], n: int, low: int, high: Optional[int]) -> None:
        points = sorted({x[0] for x in items} | {x[1] for x in items})
        index = {p: k for k, p in enumerate(points)}
        self.n = n
        self.low = low
        self.high = high
        # Counts above the cap make no difference, so they are not told apart.
        self.cap = low if high is None else high
        self.starts: List[List[Tuple[int, int, float, Option]]] = [[] for _ in points]
        for a, b, s, w in items:
            self.starts[index[a]].append((index[b], s, w, (w, a, b)))
        self.size = len(points)
        self.length = points[-1]
        self.prices = [0.0] * n
        ahead, picked = self.relax()
        # More than all scores that fit on the line together.
        self.bonus = 1.0 + ahead[0] if low else 0.0
        self._first = (ahead, picked)

    def value(self, picks: Sequence[Pick]) -> float:
        """RETURNS (float): The total score, with the bonus for each span that a lower limit asks
        for.
        """
        counts = [0] * self.n
        total = 0.0
        for s, option in picks:
            total += option[0] + (self.bonus if counts[s] < self.low else 0.0)
            counts[s] += 1
        return total

    def relax(self) -> Tuple[List[float], List[Pick]]:
        """Solve without limits at the present prices.

        RETURNS (Tuple[List[float], List[Pick]]): From each point on the best total, and a best
            solution of the whole line.
        """
        ahead = [0.0] * (self.size + 1)
        taken: List[Optional[Tuple[int, int, float, Option]]] = [None] * self.size
        prices = self.prices
        for p in range(self.size - 1, -1, -1):
            best = ahead[p + 1]
            for item in self.starts[p]:
                total = item[2] - prices[item[1]] + ahead[item[0]]
                if total > best:
                    best = total
                    taken[p] = item
            ahead[p] = best
        picks: List[Pick] = []
        p = 0
        while p < self.size:
            item = taken[p]  # type: ignore[assignment]
            if item is None:
                p += 1
            else:
                picks.append((item[1], item[3]))
                p = item[0]
        return ahead, picks

    def slack(self, s: int) -> float:
        """RETURNS (float): What one more span of entity s is worth at its price, beyond its own
        (priced) score.
        """
        return max(0.0, self.prices[s] + self.bonus)

    def greedy(self) -> List[Pick]:
        """RETURNS (List[Pick]): A first solution by score, lower limits first."""
        items = [(item[3], item[1]) for begin in self.starts for item in begin]
        items.sort(key=lambda x: (-x[0][0], x[1], x[0][1], x[0][2]))
        return self._fill([], items)

    def _fill(self, picks: List[Pick], items: Sequence[Tuple[Option, int]]) -> List[Pick]:
        counts = [0] * self.n
        taken = bytearray(self.length)
        for s, (_, start, end) in picks:
            counts[s] += 1
            taken[start:end] = b"\1" * (end - start)
        out = list(picks)
        limits = {self.low, self.high if self.high is not None else len(items)}
        for limit in sorted(limits - {0}):
            for option, s in items:
                if counts[s] < limit and taken.find(1, option[1], option[2]) < 0:
                    out.append((s, option))
                    counts[s] += 1
                    taken[option[1] : option[2]] = b"\1" * (option[2] - option[1])
        return out

    def price(self, best: List[Pick], rounds: int) -> List[Pick]:
        """Improve the prices by subgradient steps (Polyak's length), and the solution by mending
        what they suggest.

        best (List[Pick]): The best solution known.
        rounds (int): Steps at most.
        RETURNS (List[Pick]): The best solution known now.
        """
        value = self.value(best)
        items = sorted(
            ((item[3], item[1]) for begin in self.starts for item in begin),
            key=lambda x: (-x[0][0], x[1], x[0][1], x[0][2]),
        )
        least, scale, kept = float("inf"), 1.0, list(self.prices)
        stale = 0
        for _ in range(rounds):
            ahead, picks = self.relax()
            bound = ahead[0] + sum(self.slack(s) for s in range(self.n)) * self.cap
            if bound < least - _EPS:
                least, kept, stale = bound, list(self.prices), 0
            else:
                stale += 1
                if stale >= 4:
                    scale, stale = scale / 2, 0
            counts = [0] * self.n
            mended: List[Pick] = []
            for s, option in sorted(picks, key=lambda x: -x[1][0]):
                if self.high is None or counts[s] < self.high:
                    mended.append((s, option))
                counts[s] += 1
            mended = self._fill(mended, items)
            if self.value(mended) > value + _EPS:
                best, value = mended, self.value(mended)
            if least <= value + _EPS:
                break
            # How much each entity is over what its price makes it worth having.
            excess = [counts[s] - (self.cap if self.prices[s] + self.bonus > 0 else 0) for s in range(self.n)]
            if self.high is not None and not self.low:
                excess = [0 if e < 0 and self.prices[s] <= 0 else e for s, e in enumerate(excess)]
            norm = sum(e * e for e in excess)
            if not norm:
                break
            step = scale * (bound - value) / norm
            for s, e in enumerate(excess):
                price = self.prices[s] + step * e
                if self.high is None:
                    price = min(0.0, price)
                if not self.low:
                    price = max(0.0, price)
                self.prices[s] = price
        self.prices = kept
        return best

    def search(self, best: List[Pick]) -> Optional[List[Pick]]:
        """Run the states along the line.

        best (List[Pick]): The best solution known; it is returned if nothing is strictly better.
        RETURNS (Optional[List[Pick]]): An optimal solution, or None if there were too many states.
        """
        ahead, _ = self.relax()
        value = self.value(best)
        width = max(1, self.cap.bit_length())
        field = (1 << width) - 1
        # live[p]: the bits of entities with an option that starts at p or later.
        live = [0] * (self.size + 1)
        slack = [[0.0] * (self.cap + 1) for _ in range(self.n)]
        for s in range(self.n):
            for count in range(self.cap + 1):
                slack[s][count] = self.slack(s) * (self.cap - count)
        if self.cap:
            for p in range(self.size - 1, -1, -1):
                live[p] = live[p + 1]
                for item in self.starts[p]:
                    live[p] |= field << (item[1] * width)
        alive = [[s for s in range(self.n) if live[p] >> (s * width) & 1] for p in range(self.size)]
        # A state is (value so far, last pick as a linked list).
        layers: List[Dict[int, Tuple[float, Optional[tuple]]]] = [{} for _ in range(self.size + 1)]
        layers[0][0] = (0.0, None)
        seen = 0
        final: Optional[Tuple[float, Optional[tuple]]] = None
        for p in range(self.size):
            layer, layers[p] = layers[p], {}
            for state, (total, trail) in layer.items():
                room = ahead[p]
                for s in alive[p]:
                    room += slack[s][state >> (s * width) & field]
                if total + room <= value + _EPS:
                    continue
                seen += 1
                _put(layers[p + 1], state & live[p + 1], total, trail)
                for stop, s, w, option in self.starts[p]:
                    count = state >> (s * width) & field
                    after = state
                    if count < self.cap:
                        after = state + (1 << (s * width))
                    elif self.high is not None:
                        continue
                    gain = w + (self.bonus if count < self.low else 0.0)
                    _put(layers[stop], after & live[stop], total + gain, (s, option, trail))
            if seen > MAX_STATES:
                return None
        for total, trail in layers[self.size].values():
            if total > value + _EPS and (final is None or total > final[0]):
                final = (total, trail)
        if final is None:
            return best
        picks: List[Pick] = []
        node = final[1]
        while node is not None:
            picks.append((node[0], node[1]))
            node = node[2]
        return picks


def _put(
    layer: Dict[int, Tuple[float, Optional[tuple]]],
    state: int,
    total: float,
    trail: Optional[tuple],
) -> None:
    old = layer.get(state)
    if old is None or total > old[0]:
        layer[state] = (total, trail)
