"""Local times of a time zone, in TensorFlow."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import tensorflow as tf

_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_SECOND, _DAY = timedelta(seconds=1), timedelta(days=1)


def local_seconds(seconds: tf.Tensor, zone: str) -> tf.Tensor:
    """Returns what the clocks of a zone show, as seconds since 1970 as they show it, int64 [n].

    Args:
        seconds: Seconds since 1970-01-01 UTC, int64 [n], of the years 1970 to 2099; earlier and
            later ones have the first or last offset of these years.
        zone: The name of the time zone, such as `America/New_York`.

    Raises:
        zoneinfo.ZoneInfoNotFoundError: If there is no such zone.
    """
    starts, offsets = _offsets(zone)
    place = tf.searchsorted(tf.constant(starts, tf.int64), seconds, side="right") - 1
    return seconds + tf.gather(tf.constant(offsets, tf.int64), tf.maximum(place, 0))


@cache
def _offsets(zone: str) -> tuple[list[int], list[int]]:
    """Returns from which moments on an offset to UTC holds, and the offsets, both in seconds."""
    clock = ZoneInfo(zone)
    starts, offsets = [0], [_offset(clock, _FIRST)]
    for day in range((_LAST - _FIRST).days):
        moment = _FIRST + day * _DAY
        if _offset(clock, moment + _DAY) != offsets[-1]:
            change = _change(clock, moment, moment + _DAY)
            starts.append(int(change.timestamp()))
            offsets.append(_offset(clock, change))
    return starts, offsets


def _change(clock: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Returns the first second with another offset than before, found by halving."""
    offset = _offset(clock, before)
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        middle -= timedelta(microseconds=middle.microsecond)
        before, after = (middle, after) if _offset(clock, middle) == offset else (before, middle)
    return after


def _offset(clock: ZoneInfo, moment: datetime) -> int:
    return int((moment.astimezone(clock).utcoffset() or timedelta()).total_seconds())
