"""Numbers, money and times as a language writes them. This file knows no request: the language is always named.

English is written as in Great Britain, for days before months and for hours from 0 to 24.
"""

from __future__ import annotations

import re
from copy import copy
from datetime import UTC, datetime, tzinfo
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import cache

from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import NumberPattern

from interplug.model.said import Figure
from interplug.tariffs.money import WIDE, exponent

SECOND = 1_000_000
REGIONS = {"en": "en_GB"}
ROUNDING = WIDE.copy()
ROUNDING.rounding = ROUND_HALF_UP  # as what is taken from a card, and not as Babel rounds by itself


@cache
def locale(language: str) -> Locale:
    return Locale.parse(REGIONS.get(language, language))


@cache
def _pattern(language: str, kind: str, least: int, most: int) -> NumberPattern:
    here = locale(language)
    pattern: NumberPattern = copy(here.currency_formats["standard"] if kind == "money" else here.decimal_formats[None])
    pattern.frac_prec = (least, most)
    return pattern


def number(value: Decimal | int, language: str, least: int = 0, most: int | None = None) -> str:
    """With at least and at most so many decimals; as many as there are where `most` is not said."""
    value = Decimal(value)
    most = max(least, -int(value.normalize(WIDE).as_tuple().exponent)) if most is None else most
    with localcontext(ROUNDING):
        written = str(_pattern(language, "number", least, most).apply(value, locale(language)))
    return written.replace("-", "−")


def money(value: Decimal, currency: str, language: str, finer: int = 0, least: int | None = None) -> str:
    """In the smallest coin of the currency; `finer`: up to so many digits more where they are there."""
    coin = exponent(currency) if least is None else least
    with localcontext(ROUNDING):
        written = str(
            _pattern(language, "money", coin, coin + finer).apply(value, locale(language), currency=currency, currency_digits=False)
        )
    return re.sub(r"(?<=[A-Za-z])(?=\d)", "\N{NO-BREAK SPACE}", written).replace("-", "−")


def figure(value: Figure, language: str) -> str:
    if value.currency:
        return money(value.value, value.currency, language, least=value.decimals)
    return number(value.value, language)


def country(code: str, language: str) -> str:
    """For its two letters; as it is spelled where there is no such country."""
    return str(locale(language).territories.get(code, code))


def moment(at: int, where: tzinfo, language: str) -> str:
    """A time at the station, with the name of its clock."""
    local = datetime.fromtimestamp(at // SECOND, UTC).astimezone(where)
    day = format_date(local, "medium", locale=locale(language))
    return f"{day}, {format_time(local, 'HH:mm', locale=locale(language))} {local:%Z}"


def day(at: int, where: tzinfo, language: str) -> str:
    return format_date(datetime.fromtimestamp(at // SECOND, UTC).astimezone(where), "medium", locale=locale(language))
