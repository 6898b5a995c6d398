#!/usr/bin/env python3
"""Writes holidays.csv: the built-in holidays 2000-2050 as others have them.

    pip install holidays==0.109 lunardate==0.3.0 && python make.py > holidays.csv

`holidays` (MIT) knows most of them; it brings `dateutil` (Apache-2.0 or BSD-3-Clause), whose Easter
and whose "second Sunday of May" stand in where it has no such day. The second column says which.
`lunardate` is asked for two days of the Chinese calendar that `holidays` doesn't have.
`estimated` marks what the package itself calls an estimate.
"""

import sys
from datetime import date, timedelta
from importlib.metadata import version

import holidays
from dateutil.easter import EASTER_ORTHODOX, EASTER_WESTERN, easter
from dateutil.relativedelta import SU, relativedelta
from holidays.calendars.chinese import _ChineseLunisolar
from holidays.calendars.hebrew import _HebrewLunisolar
from holidays.calendars.islamic import _IslamicLunar
from holidays.calendars.persian import _Persian
from lunardate import LunarDate

YEARS = range(2000, 2051)
ROWS = []


def row(name, day, source):
    # A Chinese year's last days may lie in the next of ours; each is listed under its own date.
    if day and day.year in YEARS:
        ROWS.append((name, day.isoformat(), source))


def country(code, names):
    """Days of a country by the package's English name."""
    cls = getattr(holidays, code)
    language = "en_US" if "en_US" in cls.supported_languages else None
    for name, theirs, *subdiv in names:
        book = holidays.country_holidays(
            code,
            subdiv=subdiv[0] if subdiv else None,
            years=YEARS,
            observed=False,
            categories=cls.supported_categories,
            language=language,
        )
        found = [day for day, title in book.items() if theirs in title.split("; ")]
        if not found:
            sys.exit(f"{code} has no {theirs!r}")
        for day in sorted(found):
            row(name, day, f"holidays {code}")


def calendars():
    hebrew, islamic, chinese, persian = (
        _HebrewLunisolar(), _IslamicLunar(), _ChineseLunisolar(), _Persian(),
    )
    for year in YEARS:
        for name in ["passover", "purim", "rosh_hashanah", "shavuot", "sukkot", "yom_kippur"]:
            row(name.replace("_", "-"), getattr(hebrew, f"{name}_date")(year), "holidays hebrew")
        hanukkah = hebrew.hanukkah_date(year)
        for day in hanukkah if isinstance(hanukkah, (set, list, tuple)) else [hanukkah]:
            row("hanukkah", day, "holidays hebrew")
        for name, theirs in [
            ("eid-al-fitr", "eid_al_fitr"),
            ("eid-al-adha", "eid_al_adha"),
            ("islamic-new-year", "hijri_new_year"),
            ("mawlid", "mawlid"),
            ("ramadan", "ramadan_beginning"),
        ]:
            for day, estimated in getattr(islamic, f"{theirs}_dates")(year):
                row(name, day, "holidays islamic" + (" estimated" if estimated else ""))
        for name, theirs, kind in [
            ("lunar-new-year", "lunar_new_year", None),
            ("dragon-boat", "dragon_boat", None),
            ("mid-autumn", "mid_autumn", None),
            ("double-ninth", "double_ninth", None),
        ]:
            day, estimated = getattr(chinese, f"{theirs}_date")(year)
            row(name, day, "holidays chinese" + (" estimated" if estimated else ""))
        for name, month, day in [("lantern-festival", 1, 15), ("qixi", 7, 7)]:
            row(name, LunarDate(year, month, day).to_solar_date(), "lunardate")
        row("nowruz", persian.new_year_date(year), "holidays persian")


def easters():
    for year in YEARS:
        west, east = easter(year, EASTER_WESTERN), easter(year, EASTER_ORTHODOX)
        for name, days in [
            ("shrove-monday", -48), ("shrove-tuesday", -47), ("ash-wednesday", -46),
            ("palm-sunday", -7), ("maundy-thursday", -3), ("good-friday", -2), ("easter", 0),
            ("easter-monday", 1), ("ascension", 39), ("pentecost", 49), ("whit-monday", 50),
            ("trinity-sunday", 56), ("corpus-christi", 60), ("mothers-day-uk", -21),
            ("mothers-day-ie", -21), ("fathers-day-de", 39),
        ]:
            row(name, west + timedelta(days), "dateutil")
        for name, days in [
            ("clean-monday", -48), ("orthodox-palm-sunday", -7), ("orthodox-good-friday", -2),
            ("orthodox-easter", 0), ("orthodox-easter-monday", 1), ("orthodox-ascension", 39),
            ("orthodox-pentecost", 49), ("orthodox-whit-monday", 50),
        ]:
            row(name, east + timedelta(days), "dateutil")
        christmas = date(year, 12, 25)
        for n in range(1, 5):
            row(f"advent-{n}", christmas + relativedelta(days=-1, weekday=SU(n - 5)), "dateutil")


def sundays():
    """Days that the package doesn't have, by their rule."""
    for year in YEARS:
        def nth(n, month, code, whose):
            last = relativedelta(day=31, weekday=SU(-1)) if n < 0 else None
            day = date(year, month, 1) + (last or relativedelta(weekday=SU(n)))
            row(f"{whose}-day-{code}", day, "dateutil")
        for code in "at au be br ca ch cz de dk it nl nz".split():
            nth(2, 5, code, "mothers")
        for code in "es pt".split():
            nth(1, 5, code, "mothers")
        nth(2, 2, "no", "mothers")
        nth(-1, 5, "se", "mothers")
        last = date(year, 5, 1) + relativedelta(day=31, weekday=SU(-1))
        pentecost = easter(year) + timedelta(49)
        row("mothers-day-fr", last if last != pentecost else last + timedelta(7), "dateutil")
        for code in "at be".split():
            nth(2, 6, code, "fathers")
        nth(1, 6, "ch", "fathers")
        for code in "au nz".split():
            nth(1, 9, code, "fathers")
        nth(2, 8, "br", "fathers")
        for code in "no se".split():
            nth(2, 11, code, "fathers")
        for code in "ca fr ie mx nl uk".split():
            nth(3, 6, code, "fathers")


def countries():
    country("US", [
        ("thanksgiving-us", "Thanksgiving Day"), ("memorial-day-us", "Memorial Day"),
        ("labor-day-us", "Labor Day"), ("independence-day-us", "Independence Day"),
        ("mothers-day-us", "Mother's Day"), ("fathers-day-us", "Father's Day"),
        ("valentines", "Valentine's Day"), ("halloween", "Halloween"),
        ("black-friday", "Friday After Thanksgiving", "TX"),
    ])
    country("CA", [("thanksgiving-ca", "Thanksgiving Day"), ("canada-day", "Canada Day")])
    country("FI", [("mothers-day-fi", "Mother's Day"), ("fathers-day-fi", "Father's Day")])
    country("LT", [("mothers-day-lt", "Mother's Day"), ("fathers-day-lt", "Father's Day")])
    country("LV", [("mothers-day-lv", "Mother's Day")])
    country("KR", [("seollal", "Korean New Year"), ("chuseok", "Chuseok")])
    country("DE", [
        ("new-year", "New Year's Day"), ("epiphany", "Epiphany", "BY"),
        ("labour-day", "Labor Day"), ("unity-day-de", "German Unity Day"),
        ("assumption", "Assumption Day", "SL"), ("all-saints", "All Saints' Day", "BY"),
        ("christmas", "Christmas Day"), ("boxing-day", "Second Day of Christmas"),
    ])
    country("FR", [("bastille-day", "National Day")])
    country("AT", [("national-day-at", "National Day")])
    country("CH", [("national-day-ch", "National Day")])
    country("RU", [("orthodox-christmas", "Christmas Day"), ("womens-day", "International Women's Day")])
    country("DK", [("christmas-eve", "Christmas Eve")])
    country("IE", [("st-patricks", "Saint Patrick's Day")])


print(f"# holidays {version('holidays')}, dateutil {version('python-dateutil')}, "
      f"lunardate {version('lunardate')}; made by make.py")
print("name,source,dates")
calendars()
easters()
sundays()
countries()
LINES = {}
for name, day, source in sorted(set(ROWS)):
    LINES.setdefault((name, source), []).append(day)
for (name, source), days in LINES.items():
    print(f"{name},{source},{' '.join(days)}")
