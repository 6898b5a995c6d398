#!/usr/bin/env python3
"""Writes zones.csv: the clocks of zones that changed their rules after chrono-tz was released.

    pip install tzdata==2026.6 && PYTHONTZPATH= python make.py > zones.csv

Read by Python's zoneinfo from the tz database's release 2026f. Each line has a zone, the second
since 1970 from which an offset holds, and the offset in seconds; from 2000 on, until 2051.
"""

from datetime import datetime, timedelta, timezone
from importlib.metadata import version
from zoneinfo import ZoneInfo

ZONES = """
Africa/Casablanca Africa/El_Aaiun America/Edmonton America/Havana America/Inuvik
America/Rainy_River America/Vancouver America/Winnipeg America/Yellowknife Canada/Central
Canada/Mountain Canada/Pacific Cuba
""".split()
FIRST = datetime(1999, 12, 25, tzinfo=timezone.utc)
LAST = datetime(2051, 1, 8, tzinfo=timezone.utc)
STEP = timedelta(days=1)


def offset(zone, at):
    return int(at.astimezone(zone).utcoffset().total_seconds())


def change(zone, early, late):
    """The first second of the late offset."""
    low, high = int(early.timestamp()), int(late.timestamp())
    old = offset(zone, early)
    while high - low > 1:
        middle = (low + high) // 2
        if offset(zone, datetime.fromtimestamp(middle, timezone.utc)) == old:
            low = middle
        else:
            high = middle
    return high


print(f"# tzdata {version('tzdata')}; made by make.py")
print("zone,from,offset")
for name in ZONES:
    zone = ZoneInfo(name)
    at = FIRST
    print(f"{name},{int(at.timestamp())},{offset(zone, at)}")
    while at < LAST:
        # No zone has changed its clock twice within a day in these years.
        after = at + STEP
        if offset(zone, at) != offset(zone, after):
            print(f"{name},{change(zone, at, after)},{offset(zone, after)}")
        at = after
