"""Words as people write them: cut, folded, by sound, and by the letters that they nearly have. Pure.

`fold` takes away what a foreign keyboard lacks; `sound` is how a Swede hears a name on the telephone, so that
Karlsson and Carlson, Lindqvist and Lindkvist, Åsa and Aasa meet; `signatures` are a word and what is left of it
without one letter.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

__all__ = ["LETTERS_MAX", "WORDS_MAX", "exact", "fold", "near", "signatures", "sound", "words"]

LETTERS_MAX = 40
"""Of one word; the rest is not looked at."""

WORDS_MAX = 8
"""Of one question."""

KEPT = 8192
"""Answers kept of each function: names and duties come again and again."""

SPELT_MIN = 4
"""Letters of a word that may be misspelt: shorter ones nearly have too many others'."""

_WORD = re.compile(r"[^\W_]+")
_MORE = str.maketrans({"ø": "o", "æ": "a", "ß": "ss", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "œ": "o"})

_SOUNDS = tuple(
    (re.compile(pattern), heard)
    for pattern, heard in (
        (r"aa", "å"),
        (r"^(hj|lj|dj|gj)", "j"),
        (r"^g(?=[eiyäö])", "j"),
        (r"^k(?=j)|^t(?=j)|^s(?=j)|^s[kt](?=j)", "S"),
        (r"Sj", "S"),
        (r"sch(?=[klmnrtw])", "s"),
        (r"sch|sh|skj|stj|sj", "S"),
        (r"ph", "f"),
        (r"th|dt", "t"),
        (r"ck|ch", "k"),
        (r"c(?=[eiyéäö])", "s"),
        (r"c", "k"),
        (r"qu|qv|q", "kv"),
        (r"x", "ks"),
        (r"z", "s"),
        (r"[wv]+f?|ff?v?", "f"),
        (r"(?<=.)h", ""),
        (r"(?<=.)[aeiouyåäöéèüáíóúœæø]", ""),
        (r"^[aeiouyåäöéèüáíóúœæø]", "A"),
        (r"(.)\1+", r"\1"),
    )
)
"""In this order; what is heard of a vowel is only that a word begins with one."""


@lru_cache(maxsize=KEPT)
def words(text: str) -> tuple[str, ...]:
    """The words of a text, as they are written, small; at most WORDS_MAX, each at most LETTERS_MAX letters."""
    found = (match[0][:LETTERS_MAX] for match in _WORD.finditer(exact(text)))
    return tuple(word for word, _ in zip(found, range(WORDS_MAX), strict=False))


def exact(text: str) -> str:
    """As it is written, but for capitals and for two ways to write the same letter (Unicode NFC)."""
    return unicodedata.normalize("NFC", text).casefold()


@lru_cache(maxsize=KEPT)
def fold(text: str) -> str:
    """Without what stands over and under letters: å and ä are a, ö is o, é is e."""
    apart = unicodedata.normalize("NFKD", text.casefold().translate(_MORE))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


@lru_cache(maxsize=KEPT)
def sound(word: str) -> str:
    """How a word is heard; "" where nothing is left of it."""
    heard = exact(word)
    for pattern, letter in _SOUNDS:
        heard = pattern.sub(letter, heard)
    return heard


def signatures(word: str) -> Iterator[str]:
    """A folded word, and it without each of its letters; nothing of a short one."""
    if len(word) < SPELT_MIN:
        return
    yield word
    seen = set()
    for place in range(len(word)):
        rest = word[:place] + word[place + 1 :]
        if rest not in seen:
            seen.add(rest)
            yield rest


def near(word: str, other: str) -> bool:
    """Whether two folded words differ by one letter too many, too few or wrong, or by two that changed places."""
    if word == other:
        return True
    if abs(len(word) - len(other)) > 1:
        return False
    start = 0
    for mine, theirs in zip(word, other, strict=False):
        if mine != theirs:
            break
        start += 1
    one, two = word[start:], other[start:]
    if len(one) == len(two):
        return one[1:] == two[1:] or (one[:2] == two[1::-1] and one[2:] == two[2:])
    return one[1:] == two if len(one) > len(two) else one == two[1:]
