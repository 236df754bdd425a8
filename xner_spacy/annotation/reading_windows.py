"""Read a long sentence in windows of whole words that overlap, and merge the entities that were found in each."""

from itertools import accumulate
from typing import List, NamedTuple, Sequence

from ..types import Entity


class Window(NamedTuple):
    """The words from `start` to `stop` (exclusive) of a sentence of `length` words."""

    start: int
    stop: int
    length: int

    def holds(self, entity: Entity) -> bool:
        """RETURNS (bool): Whether all words of an entity are in this window."""
        return self.start <= entity.start and entity.end <= self.stop

    def begins_at(self, entity: Entity) -> bool:
        """RETURNS (bool): Whether the words before an entity were cut off, so that it may begin earlier."""
        return entity.start == self.start > 0

    def ends_at(self, entity: Entity) -> bool:
        """RETURNS (bool): Whether the words after an entity were cut off, so that it may go on."""
        return entity.end == self.stop < self.length


def word_windows(sizes: Sequence[int], room: int, most_words: int, overlap: int) -> List[Window]:
    """Cut a sentence into windows of whole words. A name of up to `overlap` words is whole in at least one of them.

    sizes (Sequence[int]): The sub-words of each word. room (int): The most sub-words of a window; a word with more of
        them has a window of its own. most_words (int): The most words of a window.
    overlap (int): The words that two neighbours share. They share fewer if these alone would fill a window, and more
        at the end, because the last window begins as early as it can.
    RETURNS (List[Window]): The windows in order. They hold all words, and no window lies in another. An empty sentence
        has none.
    """
    n = len(sizes)
    total = [0, *accumulate(sizes)]

    def fits(start: int, stop: int) -> bool:
        return stop - start <= most_words and total[stop] - total[start] <= room

    windows: List[Window] = []
    start = 0
    while start < n:
        stop = start + 1
        while stop < n and fits(start, stop + 1):
            stop += 1
        if stop == n:
            earliest = windows[-1].start + 1 if windows else 0
            while start > earliest and fits(start - 1, stop):
                start -= 1
        windows.append(Window(start, stop, n))
        if stop == n:
            break
        # The next window has a word that this one lacks: with less overlap, if its words are long.
        following = max(stop - overlap, start + 1)
        while following < stop and not fits(following, stop + 1):
            following += 1
        start = following
    return windows


def merge_windows(windows: Sequence[Window], found: Sequence[Sequence[Entity]]) -> List[Entity]:
    """Merge what was found in each window of a sentence.

    - An entity at a cut is only a part, if there is more of it. If another window holds its words and more, that one
      decides. If two parts of one label meet, one at the end of its window and one at the beginning of the next, they
      are one entity with the mean of their scores.
    - What two windows found alike is there once, with the higher score.
    - Of entities that overlap, the one with the highest score is kept; of equal ones the longest, then the first.

    windows (Sequence[Window]): Windows of one sentence, in order, from `word_windows`.
    found (Sequence[Sequence[Entity]]): The entities of each, with positions in the sentence.
    RETURNS (List[Entity]): The entities of the sentence in order. They do not overlap.
    """
    candidates: List[Entity] = []
    open_parts: List[Entity] = []  # parts at the end of the window before
    for k, (window, entities) in enumerate(zip(windows, found, strict=True)):
        before = windows[k - 1] if k else None
        after = windows[k + 1] if k + 1 < len(windows) else None
        still_open: List[Entity] = []
        continued = set()
        for entity in entities:
            starts_cut, ends_cut = window.begins_at(entity), window.ends_at(entity)
            if starts_cut and before is not None and before.holds(entity) and not before.ends_at(entity):
                continue
            if ends_cut and after is not None and after.holds(entity) and not after.begins_at(entity):
                continue
            if starts_cut:
                for part in open_parts:
                    if part.label == entity.label and part.start <= entity.start <= part.end <= entity.end:
                        continued.add(part)
                        mean = (part.score + entity.score) / 2
                        entity = Entity(part.start, entity.end, entity.label, mean)
                        break
            (still_open if ends_cut else candidates).append(entity)
        candidates.extend(part for part in open_parts if part not in continued)
        open_parts = still_open
    candidates.extend(open_parts)
    return best_apart(candidates)


def best_apart(entities: Sequence[Entity]) -> List[Entity]:
    """RETURNS (List[Entity]): The best entities that do not overlap, in order: by score, then length, then place."""
    kept: List[Entity] = []
    for entity in sorted(entities, key=lambda e: (-e.score, e.start - e.end, e.start, e.label)):
        if all(entity.end <= other.start or other.end <= entity.start for other in kept):
            kept.append(entity)
    return sorted(kept)
