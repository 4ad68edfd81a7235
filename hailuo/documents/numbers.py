"""Formatted numbers of a workbook.

Dates, times and percentages are plain numbers, recognized by their format alone
(ECMA-376 part 1, 18.8.30).

    formatted("45000", "yyyy-mm-dd")        # 2023-03-15
"""

import re
from datetime import datetime, timedelta
from functools import cache

_BUILT_IN_DATES = {**dict.fromkeys(range(14, 18), "yyyy-mm-dd"), 22: "yyyy-mm-dd hh:mm"}
_BUILT_IN_TIMES = {**dict.fromkeys(range(18, 22), "hh:mm:ss"), 45: "mm:ss", 47: "mm:ss"}
# 27 to 36 and 50 to 58: dates of East Asia.
_EAST = {**dict.fromkeys((*range(27, 32), *range(50, 59), 36), "yyyy-mm-dd")}
_EAST_TIMES = dict.fromkeys(range(32, 36), "hh:mm:ss")
BUILT_IN = {
    str(number): format
    for number, format in (
        _BUILT_IN_DATES | _BUILT_IN_TIMES | _EAST | _EAST_TIMES
        | {9: "0%", 10: "0.00%", 46: "[h]:mm:ss"}
    ).items()
}  # fmt: skip

# A bracket that is never closed reaches to the end, which keeps this linear.
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]?', re.I)
_ELAPSED = re.compile(r"\[[hms]+\]", re.I)
_DECIMALS = re.compile(r"\.([0#?]+)")
_EPOCH, _EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)
_FEBRUARY_29 = 60  # of 1900, a day that did not exist but is counted


def formatted(value: str, format: str, from_1904: bool = False) -> str:
    """Return *value* in its format, or unchanged if that is impossible."""
    try:
        number = float(value)
        code = _code(format)
        if "general" in code or not code:
            return f"{number:.15g}"
        if "%" in code:
            decimals = _DECIMALS.search(code)
            return f"{number * 100:.{len(decimals[1]) if decimals else 0}f}%"
        if _ELAPSED.search(code):
            return _elapsed(number)
        if re.search("[ymdhs]", code):
            return _moment(number, code, from_1904)
        return f"{number:.15g}"
    except (ValueError, OverflowError):
        return value


@cache
def _code(format: str) -> str:
    """Return the first section of a format without its literal text."""
    return _LITERAL.sub("", format.partition(";")[0]).lower()


def _moment(number: float, code: str, from_1904: bool) -> str:
    """Return a date, a time or both, in the order of ISO 8601."""
    if not from_1904 and number < _FEBRUARY_29:
        number += 1
    start = _EPOCH_1904 if from_1904 else _EPOCH
    moment = start + timedelta(seconds=round(number * 86400))
    has_date, has_time = bool(re.search("[yd]", code)), bool(re.search("[hs]", code))
    if has_time and not has_date:
        return moment.strftime("%H:%M:%S")
    if has_time or (moment.hour, moment.minute, moment.second) != (0, 0, 0):
        return moment.strftime("%Y-%m-%d %H:%M:%S")
    return moment.strftime("%Y-%m-%d")


def _elapsed(number: float) -> str:
    minutes, seconds = divmod(round(number * 86400), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
