"""The constants of the span score. They are the same for every language and hold for log-odds of words."""

from typing import NamedTuple


class Constants(NamedTuple):
    """What each piece of evidence about a target word counts.

    smooth (float): Probability that is added to each side of the log-odds. cap (float): Largest log-odds of a word.
    function_link (float): A link to a function word of the entity counts as this share of a link, since words such as
        "the" are everywhere.
    function_rival (float): A link from a function word outside the entity to a content word counts as this share of a
        link: the content word translates both ("Ankara'da", "in Ankara"), which does not make it less of a name.
    content_rival (float): The same for links from content words outside, to the only word that translates a word of
        the entity.
    function_weight, punctuation_weight (float): Weights of words between linked words to which no word of the entity is
        linked.
    edge (float): Gain from a function word or mark at the edge of a span that is at the entity's edge, too.
    bracket (float): Cost of a bracket without its partner.
    lower_word, other_lower_word (float): Cost of each word in lower case that translates a capitalised word of a name,
        and of an entity with another label.
    case (float): Share of the log-odds of a word's case, as the corpus has it in names and elsewhere, that counts.
    """

    smooth: float = 0.03
    cap: float = 3.0
    function_link: float = 0.3
    function_rival: float = 0.1
    content_rival: float = 0.2
    function_weight: float = -0.3
    punctuation_weight: float = -0.4
    edge: float = 0.6
    bracket: float = 0.6
    lower_word: float = 0.5
    other_lower_word: float = 0.1
    case: float = 0.4


FITTED = Constants()
