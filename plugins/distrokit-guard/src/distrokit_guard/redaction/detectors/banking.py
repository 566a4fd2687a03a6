"""Payment cards (ISO/IEC 7812) and IBANs (ISO 13616), both with their check digits."""

from __future__ import annotations

import re
from collections.abc import Iterator

_GAP = "[ +.\\-\u2010\u2011\u2013\u00a0\u2007\u2009\u202f]"
#: 13 to 19 digits in one piece, or in the groups that are printed on cards.
# The first digit stands in front of what is looked at behind it, so that a search skips all other characters.
_CARD = re.compile(
    rf"\d(?<!\d\d)(?<!\d\.\d)(?:\d{{12,18}}|\d{{3}}{_GAP}\d{{4}}{_GAP}\d{{4}}{_GAP}\d{{4}}(?:{_GAP}\d{{3}})?"
    rf"|\d{{3}}{_GAP}\d{{6}}{_GAP}\d{{4,5}})(?!\d)(?!\.\d)"
)
_GAPS = re.compile(_GAP)
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_HEX = frozenset("0123456789abcdefABCDEF")
#: An alphanumeric word with so many more characters than the digits, all of them hexadecimal, is a digest or an id.
_LONGER = 4
#: The smallest and the largest card number.
SMALLEST, LARGEST = 10**12, 10**19


def find_cards(text: str) -> Iterator[tuple[int, int]]:
    """Yield the places of card numbers: known prefix and length of an issuer, and a valid check digit."""
    for found in _CARD.finditer(text):
        digits = _GAPS.sub("", found[0])
        if is_card(digits) and not _is_part_of_digest(text, *found.span()):
            yield found.span()


def is_card(digits: str) -> bool:
    """Tell whether these digits are a card number."""
    return _has_issuer(digits) and _passes_luhn(digits)


def _has_issuer(digits: str) -> bool:
    length, four = len(digits), int(digits[:4])
    two = four // 100
    return (
        (two // 10 == 4 and length in (13, 16, 19))  # Visa
        or (length == 16 and (51 <= two <= 55 or 2221 <= four <= 2720 or 2200 <= four <= 2204))  # Mastercard, Mir
        or (length == 15 and two in (34, 37))  # American Express
        or (length == 14 and (two in (36, 38, 39) or 3000 <= four <= 3059 or four // 10 == 309))  # Diners Club
        or (length >= 16 and (four == 6011 or 644 <= four // 10 <= 649 or two == 65))  # Discover
        or (length >= 16 and (3528 <= four <= 3589 or two == 62))  # JCB, UnionPay
        or (length in (16, 18) and (two in (50, 63, 67) or 56 <= two <= 58))  # Maestro
        or (length == 16 and two in (60, 81, 82))  # RuPay
    )


def _passes_luhn(digits: str) -> bool:
    numbers = [int(digit) for digit in reversed(digits)]
    return (sum(numbers[::2]) + sum([_DOUBLED[number] for number in numbers[1::2]])) % 10 == 0


def _is_part_of_digest(text: str, start: int, end: int) -> bool:
    """Tell whether the digits are in a longer word of hexadecimal digits, such as a trace id."""
    left, right = start, end
    # 128 hexadecimal digits are the longest digest that is in use.
    while left > 0 and start - left <= 128 and text[left - 1] in _HEX:
        left -= 1
    while right < len(text) and right - end <= 128 and text[right] in _HEX:
        right += 1
    is_word = not (left > 0 and text[left - 1].isalnum()) and not (right < len(text) and text[right].isalnum())
    return is_word and (start - left) + (right - end) >= _LONGER


#: By country, the length of an IBAN (SWIFT, *IBAN Registry*).
_LENGTHS = {
    country: int(length)
    for length, countries in (
        ("15", "NO"),
        ("16", "BE"),
        ("18", "DK FI FK FO GL NL SD"),
        ("19", "MK SI"),
        ("20", "AT BA EE KZ LT LU MN XK"),
        ("21", "CH HR LI LV"),
        ("22", "BG BH CR DE GB GE IE ME RS VA"),
        ("23", "AE GI IL IQ OM SO TL"),
        ("24", "AD CZ ES MD PK RO SA SE SK TN VG"),
        ("25", "LY PT ST"),
        ("26", "IS TR"),
        ("27", "BI DJ FR GR IT MC MR SM"),
        ("28", "AL AZ BY CY DO GT HN HU LB NI PL SV"),
        ("29", "BR EG PS QA UA"),
        ("30", "JO KW MU YE"),
        ("31", "MT SC"),
        ("32", "LC"),
        ("33", "RU"),
    )
    for country in countries.split()
}
# The check digits behind a country at the beginning of a word, or after an escape of a line break or tab.
_IBAN = re.compile(
    r"[0-9](?<=[A-Za-z]{2}[0-9])(?:(?<![A-Za-z0-9][A-Za-z]{2}[0-9])|(?<=\\[nrt][A-Za-z]{2}[0-9]))"
    r"[0-9](?=[ -]?[A-Za-z0-9]{4})"
)


def find_ibans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the places of IBANs: known country, its length, and valid check digits."""
    for found in _IBAN.finditer(text):
        start = found.start() - 2
        head = text[start : found.end()]
        length = _LENGTHS.get(head[:2].upper())
        if length is None:
            continue
        characters, end = _collect(text, found.end(), length - 4)
        if len(characters) == length - 4 and not _is_ascii_alnum(text[end : end + 1]):
            number = "".join([str(int(character, 36)) for character in characters + head])
            if int(number) % 97 == 1:
                yield start, end


def _collect(text: str, start: int, count: int) -> tuple[str, int]:
    """Return so many letters and digits, with single gaps between them, and the place after the last one."""
    characters: list[str] = []
    place = start
    while len(characters) < count:
        character = text[place : place + 1]
        if character in (" ", "-", "\u00a0") and text[place + 1 : place + 2].isalnum():
            place += 1
            continue
        if not _is_ascii_alnum(character):
            break
        characters.append(character)
        place += 1
    return "".join(characters), place


def _is_ascii_alnum(character: str) -> bool:
    return character.isascii() and character.isalnum()
