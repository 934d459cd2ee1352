"""The instant of a run: from what callers write to nanoseconds, and back to text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from segkernel.errors import Error

_EPOCH, _EPOCH_IN_UTC = datetime(1970, 1, 1), datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = datetime.min - _EPOCH, datetime.max - _EPOCH


@cache
def zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name.

    Raises `Error` for a name that the zone database does not have.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        near = get_close_matches(name, sorted(available_timezones()), 1)
        hint = f'; did you mean "{near[0]}"?' if near else ""
        raise Error(f'there is no time zone "{name}"{hint}') from None


def instant(as_of: datetime | str, timezone: str) -> int:
    """The nanoseconds since 1970-01-01T00:00Z of an aware datetime, a naive one in `timezone`, or either as ISO text.

    A local time that a clock change skips is moved forward by the gap; one that occurs twice is the earlier. Raises
    `Error` for anything else.
    """
    moment = as_of
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment.strip())
        except ValueError:
            raise Error(f'as_of "{as_of}" is not a time; write it like 2026-01-15T12:00, 2026-01-15T12:00Z or 2026-01-15') from None
    if not isinstance(moment, datetime):
        raise Error(f"as_of is a datetime or an ISO text such as 2026-01-15T12:00, not {type(as_of).__name__}")
    if moment.utcoffset() is None:
        # fold 0 asks for the offset before the change: the earlier of two, and forward over a gap
        naive = moment.replace(tzinfo=None, fold=0)
        since = naive - _EPOCH - (zone(timezone).utcoffset(naive) or timedelta(0))
    else:
        since = moment - _EPOCH_IN_UTC
    if not _FIRST <= since <= _LAST:
        raise Error(f'as_of "{as_of}" lies outside the years 1 to 9999 in UTC')
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000


def written(instant_ns: int, timezone: str) -> str:
    """An instant as ISO text with the offset that its zone has then: `2026-01-15T12:00:00+01:00`."""
    exact = _EPOCH + timedelta(microseconds=instant_ns // 1000)
    try:
        return exact.replace(tzinfo=UTC).astimezone(zone(timezone)).isoformat()
    except OverflowError:
        return exact.replace(tzinfo=UTC).isoformat()
