"""Makes planning instances of any size: the same bytes for the same arguments.

Usage: planning_instance.py FOLDER --holders N --sites N [--seed N] [--no-households]
"""

import argparse
import csv
import datetime
import hashlib
import json
import math
import os
import random
from bisect import bisect
from itertools import accumulate
from typing import NamedTuple

BUSINESS_DATE = datetime.date(2026, 9, 7)  # a Monday
HORIZON = 180
NOTICE = {"email": 21, "post": 28}
COMMUNES_PER_SITE = 15
# Of the people of a commune with one, two or three sites: how many a site of each rank receives, about.
RANK_SHARES = ((1.0,), (0.7, 0.3), (0.6, 0.27, 0.13))


class Category(NamedTuple):
    """Permits that go to one desk and weigh the same; lapse_late where rights end on the day of expiry."""

    name: str
    desk: str
    share: float
    weight: int = 1
    lapse_late: int = 0


CATEGORIES = (
    Category("CST", "renouvellement", 0.34, weight=2, lapse_late=90),
    Category("CSP", "renouvellement", 0.30),
    Category("CR", "resident", 0.16),
    Category("RETRAITE", "resident", 0.01),
    Category("TALENT", "talent", 0.05),
    Category("CRA1", "algerien", 0.04, weight=2, lapse_late=90),
    Category("CRA10", "algerien", 0.10),
)
DESKS = tuple(dict.fromkeys(c.desk for c in CATEGORIES))


class Commune(NamedTuple):
    """Where people live: its département, its population and its sites, nearest first."""

    dept: str
    weight: float
    sites: tuple[str, ...]


class Window(NamedTuple):
    """What follows from a day of expiry."""

    opens: int
    pref_end: int
    deadline: int
    density: float


def weekday_from(day: int) -> int:
    """The first weekday from this day on; day 0 is a Monday."""
    return day + (0, 0, 0, 0, 0, 2, 1)[day % 7]


def windows() -> list[Window]:
    """The window of every day of expiry that the horizon holds."""
    found = []
    for expiry in range(NOTICE["email"] + 1, HORIZON + 21):
        deadline = expiry - max(0, expiry % 7 - 4)
        if deadline > HORIZON:
            continue
        date = BUSINESS_DATE + datetime.timedelta(days=expiry)
        # Two calendar months before; the 31st becomes the last day of a shorter month.
        year, month = divmod(date.year * 12 + date.month - 3, 12)
        last = (datetime.date(year + (month == 11), (month + 1) % 12 + 1, 1) - datetime.timedelta(days=1)).day
        opens = (datetime.date(year, month + 1, min(date.day, last)) - BUSINESS_DATE).days
        # Most of those who expire soon have their appointment already; the others expire most often in autumn.
        waiting = min(1.0, 0.35 + 0.65 * (expiry - 22) / 60)
        autumn = 1 + 0.35 * math.exp(-(((expiry - 70) / 22) ** 2))
        found.append(Window(opens, expiry - 15, deadline, waiting * autumn))
    return found


def geography(rng: random.Random, sites: int) -> tuple[dict[str, str], list[Commune]]:
    """The département of each site, and the communes."""
    site_dept: dict[str, str] = {}
    communes: list[Commune] = []
    while len(site_dept) < sites:
        dept = f"{len(set(site_dept.values())) + 1:02d}"
        here = {}
        for _ in range(min(rng.randint(1, 6), sites - len(site_dept))):
            site = f"s{len(site_dept) + 1:03d}"
            site_dept[site] = dept
            here[site] = (rng.random(), rng.random())
        density = rng.uniform(0.7, 1.3)
        ranks = list(range(COMMUNES_PER_SITE * len(here)))
        rng.shuffle(ranks)
        zipf = [1 / (rank + 1) ** 0.8 for rank in ranks]
        scale = density * len(here) / sum(zipf)
        for weight in zipf:
            place = (rng.random(), rng.random())
            nearest = sorted(here, key=lambda site: math.dist(place, here[site]))
            count = rng.choices((1, 2, 3), (40, 35, 25))[0]
            communes.append(Commune(dept, weight * scale, tuple(nearest[:count])))
    return site_dept, communes


def write_holders(path: str, rng: random.Random, holders: int, communes: list[Commune], households: bool) -> int:
    """One line per holder; the number of households."""
    dates = windows()
    dates_sum = list(accumulate(w.density for w in dates))
    communes_sum = list(accumulate(c.weight for c in communes))
    categories_sum = list(accumulate(c.share for c in CATEGORIES))
    first = {channel: weekday_from(days) for channel, days in NOTICE.items()}
    places = [
        {desk: ";".join(f"{site}/{desk}:{rank}" for rank, site in enumerate(c.sites, 1)) for desk in DESKS}
        for c in communes
    ]

    def draw(sums: list[float]) -> int:
        return bisect(sums, rng.random() * sums[-1], 0, len(sums) - 1)

    written = families = 0
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write("id,household,release,pref_end,deadline,weight,category,dept,pools,lapse_late\n")
        while written < holders:
            # 1.72 % of families of three on average make 5 % of the people.
            family = households and rng.random() < 0.0172
            size = min(rng.randint(2, 4) if family else 1, holders - written)
            families += size > 1
            household = f"h{families}" if size > 1 else ""
            commune = draw(communes_sum)
            date = draw(dates_sum)
            channel = "email" if rng.random() < 0.8 else "post"
            for member in range(size):
                # A family's permits expire within days of each other.
                window = dates[min(date + (rng.randint(0, 10) if member else 0), len(dates) - 1)]
                kind = CATEGORIES[draw(categories_sum)]
                release = max(window.opens, first[channel])
                file.write(
                    f"a{written:07d},{household},{release},{window.pref_end},{window.deadline},"
                    f"{kind.weight},{kind.name},{communes[commune].dept},{places[commune][kind.desk]},{kind.lapse_late}\n"
                )
                written += 1
    return families


def demand(holders: int, communes: list[Commune]) -> dict[tuple[str, str], float]:
    """How many people each (site, desk) should expect."""
    people = sum(c.weight for c in communes)
    expected: dict[tuple[str, str], float] = {}
    for commune in communes:
        for site, part in zip(commune.sites, RANK_SHARES[len(commune.sites) - 1]):
            for kind in CATEGORIES:
                key = (site, kind.desk)
                expected[key] = expected.get(key, 0) + holders * commune.weight / people * part * kind.share
    return expected


def day_slots(seats: int, starts: list[int]) -> list[tuple[int, int]]:
    """(start, cap) of a day's slots: as many counters as it takes, earliest slots first."""
    counters = -(-seats // len(starts))
    return [(start, min(counters, seats - i * counters)) for i, start in enumerate(starts) if i * counters < seats]


def write_slots(
    path: str, rng: random.Random, site_dept: dict[str, str], expected: dict[tuple[str, str], float], load: float
) -> tuple[int, int]:
    """One line per slot; the numbers of lines and seats."""
    first = weekday_from(min(NOTICE.values()))
    weeks = range(first // 7, HORIZON // 7 + 1)
    lines = total = 0
    with open(path, "w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(("pool", "site", "desk", "dept", "day", "start", "cap"))
        for site, dept in site_dept.items():
            for desk in DESKS:
                open_days = sorted(rng.sample(range(5), rng.randint(3, 5)))
                step = rng.choice((20, 30))
                starts = list(range(9 * 60, 12 * 60, step))
                per_week = expected.get((site, desk), 0.0) / load / (HORIZON - first + 1) * 7
                # Busy desks are open in the afternoon too.
                if per_week > len(open_days) * len(starts) or rng.random() < 0.4:
                    starts += range(13 * 60 + 30, 16 * 60, step)
                # The same every week, to within the one seat that whole numbers cost.
                phase = rng.random()
                for week in weeks:
                    seats = math.floor(phase + (week + 1) * per_week) - math.floor(phase + week * per_week)
                    for i, weekday in enumerate(open_days):
                        today = (i + 1) * seats // len(open_days) - i * seats // len(open_days)
                        day = week * 7 + weekday
                        if not today or not first <= day <= HORIZON:
                            continue
                        for start, cap in day_slots(today, starts):
                            out.writerow((f"{site}/{desk}", site, desk, dept, day, start, cap))
                            lines += 1
                            total += cap
    return lines, total


def write_instance(
    folder: str, holders: int, sites: int, seed: int, load: float = 0.97, households: bool = True
) -> None:
    """Writes holders.csv, slots.csv and meta.json; the people expected at a desk take `load` of its seats."""
    rng = random.Random(seed)
    os.makedirs(folder, exist_ok=True)
    site_dept, communes = geography(rng, sites)
    lines, seats = write_slots(os.path.join(folder, "slots.csv"), rng, site_dept, demand(holders, communes), load)
    families = write_holders(os.path.join(folder, "holders.csv"), rng, holders, communes, households)
    meta = {
        "business_date": BUSINESS_DATE.isoformat(),
        "seed": seed,
        "notice": NOTICE,
        "policy_hash": hashlib.sha256(repr((CATEGORIES, NOTICE, HORIZON, load)).encode()).hexdigest(),
        "counts": {
            "holders": holders,
            "households": families,
            "sites": sites,
            "pools": sites * len(DESKS),
            "communes": len(communes),
            "slots": lines,
            "seats": seats,
        },
        # Tomorrow night nobody can be notified in time of a seat before this day.
        "perish_before": weekday_from(1 + min(NOTICE.values())),
    }
    with open(os.path.join(folder, "meta.json"), "w", encoding="utf-8") as file:
        json.dump(meta, file, indent=2)
        file.write("\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--holders", type=int, required=True)
    parser.add_argument("--sites", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-households", dest="households", action="store_false")
    given = parser.parse_args()
    write_instance(given.folder, given.holders, given.sites, given.seed, households=given.households)
