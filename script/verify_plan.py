#!/usr/bin/env python3
"""Check an appointment plan from its exported files alone, trusting neither the program nor its checker.

What it proves. Every seat of the plan is one its holder may have, and no slot is over its capacity. And
no better plan exists, by weak duality: put any prices > 0 on pool-days. In any plan, a holder costs at
least the cheapest of (lapse, seat + its price), and all seats together cannot collect more than the sum of
price x capacity. So

    sum over holders of min(lapse, cheapest allowed seat + price)  -  sum of price x capacity

is never more than the cost of any plan. Where it EQUALS the cost of this plan, none is cheaper; how the
prices were found does not matter. "Cheaper" is lexicographic: fewest lapses, then least weighted late days,
then most perishing seats filled, then nearest sites, then earliest days. The five are packed in one exact
integer, and "level bounds" checks that, in each connected component, a lower level cannot outweigh a higher.
With explain.json, each lapse for want of capacity is traced again to a set of holders for whom, together,
too few seats exist.

What it does not prove. That the instance is true (that these holders, windows and seats were the real ones),
that it is complete, or that the plan was carried out. Among equally good plans it prefers none. Where
households were moved, plan-unpinned.csv is the plan proved best; plan.csv is then proved feasible, with lapses
for exactly the same holders, and its levels are printed beside so that the cost of moving them is seen.
"""

import argparse
import csv
import gc
import json
import re
import sys
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Any

LAPSE, LATE_DAY, PERISHING, RANK = 1 << 102, 1 << 66, 1 << 50, 1 << 28  # a day after release costs 1
DAYS_LIMIT, RANK_LIMIT, PERISHING_LIMIT, LATE_LIMIT = 1 << 28, 1 << 22, 1 << 16, 1 << 36
LAPSED = ("-1", -1, -1)
SHOWN = 10  # problems listed per check

USAGE = """examples:
  verify_plan.py run-2026-10-05/                 instance and plan in one folder
  verify_plan.py instance/ out/ --json           apart; one JSON document

read from INSTANCE_DIR: holders.csv, slots.csv, meta.json
read from PLAN_DIR:     plan.csv, prices.csv; plan-unpinned.csv and explain.json where they exist; a folder `second`
                        with the second pass of a night, an instance and a plan of its own, where it exists

exit codes: 0 every check is ok; 1 a check FAILED; 2 usage; 65 a file is missing or malformed"""

Seat = tuple[str, int, int]  # pool, day, start
PoolDay = tuple[str, int]


class Malformed(Exception):
    """A file that cannot be read as what it should be."""


@dataclass(slots=True)
class Group:
    """Holders whom the objective cannot tell apart."""

    release: int
    pref_end: int
    deadline: int
    weight: int
    lapse_late: int
    ranks: dict[str, int]  # pool -> rank
    size: int = 0


@dataclass
class Instance:
    perish_before: int | None
    group_of: dict[str, Group] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)
    households: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    slots: Counter[Seat] = field(default_factory=Counter)  # slot -> cap
    capacity: Counter[PoolDay] = field(default_factory=Counter)
    desk_of: dict[str, tuple[str, str]] = field(default_factory=dict)  # pool -> site, desk
    listed_days: dict[str, list[int]] = field(default_factory=dict)  # pool -> sorted days with a slot line
    open_days: dict[str, list[int]] = field(default_factory=dict)  # pool -> sorted days with capacity > 0

    def perishes(self, day: int) -> bool:
        return self.perish_before is not None and day < self.perish_before

    def reach(self, group: Group) -> Iterator[tuple[int, int, list[int]]]:
        """Pool, rank and the days (never empty) on which the group may be seen there."""
        for pool, rank in group.ranks.items():
            if days := between(self.open_days.get(pool, []), group.release, group.deadline):
                yield pool, rank, days


@dataclass
class Plan:
    name: str
    seats: dict[str, Seat]
    repeated: list[str]

    def lapsed(self) -> set[str]:
        return {holder for holder, seat in self.seats.items() if seat == LAPSED}


def between(days: list[int], first: int, last: int) -> list[int]:
    return days[bisect_left(days, first) : bisect_right(days, last)]


@lru_cache(maxsize=1 << 16)
def integer(text: str) -> int:
    if not re.fullmatch("-?[0-9]{1,99}", text):
        raise ValueError(f"not an integer: {text!r}")
    return int(text)


def natural(text: str) -> int:
    if (number := integer(text)) < 0:
        raise ValueError(f"negative: {number}")
    return number


def pool_name(text: str) -> str:
    if not (name := text.strip()) or name.startswith("-"):
        raise ValueError(f"not a pool: {text!r}")
    return name


def read_rows(path: Path, columns: tuple[str, ...], take: Callable[..., None], optional: tuple[str, ...] = ()) -> None:
    """Call take with the named columns of each row; a ValueError there names the file and the line."""
    try:
        with path.open("rb") as file:
            reader = csv.reader((line.decode() for line in file), strict=True)
            header = next(reader, None) or [""]
            header[0] = header[0].removeprefix("\ufeff")
            if wrong := [name for name in columns if header.count(name) != 1]:
                raise ValueError(f"needs one column {', '.join(wrong)}")
            pick = itemgetter(*(header.index(name) if name in header else -1 for name in columns + optional))
            for row in reader:
                if len(row) != len(header):
                    raise ValueError(f"{len(row)} fields, {len(header)} expected")
                row.append("")  # what an absent optional column holds
                take(*pick(row))
    except OSError as error:
        raise Malformed(f"{path}: {error.strerror}") from error
    except (ValueError, csv.Error) as error:
        line = reader.line_num + isinstance(error, UnicodeDecodeError)
        raise Malformed(f"{path}:{line}: {error}") from error


def read_json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise Malformed(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # names line and column
        raise Malformed(f"{path}: {error}") from error
    if not isinstance(document, dict):
        raise Malformed(f"{path}: not a JSON object")
    return document


def parse_ranks(text: str) -> dict[str, int]:
    ranks: dict[str, int] = {}
    for entry in text.split(";") if text else ():
        pool, colon, rank = entry.rpartition(":")
        if not colon or (pool := pool_name(pool)) in ranks:
            raise ValueError(f"pools: {entry!r} is not pool:rank, or the pool is there twice")
        ranks[pool] = natural(rank)
    return ranks


def read_instance(folder: Path) -> Instance:
    perish_before = read_json(folder / "meta.json").get("perish_before")
    if perish_before is not None and type(perish_before) is not int:
        raise Malformed(f"{folder / 'meta.json'}: perish_before is not an integer")
    instance = Instance(perish_before)
    groups: dict[tuple[str, ...], Group] = {}

    def take_holder(holder: str, household: str, pools: str, *numbers: str) -> None:
        if not holder or holder in instance.group_of:
            raise ValueError(f"id {holder!r} is empty or there twice")
        group = groups.get((pools, *numbers))
        if group is None:
            release, pref_end, deadline, weight, lapse_late = numbers
            group = groups[pools, *numbers] = Group(
                integer(release), integer(pref_end), integer(deadline), natural(weight),
                natural(lapse_late or "0"), parse_ranks(pools),
            )
        group.size += 1
        instance.group_of[holder] = group
        if household:
            instance.households[household].append(holder)

    def take_slot(pool_text: str, site: str, desk: str, day_text: str, start: str, cap: str) -> None:
        pool, day = pool_name(pool_text), integer(day_text)
        if instance.desk_of.setdefault(pool, (site, desk)) != (site, desk):
            raise ValueError(f"pool {pool} was {instance.desk_of[pool]}, here {(site, desk)}")
        instance.slots[pool, day, natural(start)] += natural(cap)
        instance.capacity[pool, day] += natural(cap)

    read_rows(folder / "holders.csv", ("id", "household", "pools", "release", "pref_end", "deadline", "weight"),
              take_holder, ("lapse_late",))
    read_rows(folder / "slots.csv", ("pool", "site", "desk", "day", "start", "cap"), take_slot)
    instance.groups = sorted(groups.values(), key=lambda group: group.weight)
    for (pool, day), cap in sorted(instance.capacity.items()):
        instance.listed_days.setdefault(pool, []).append(day)
        if cap > 0:
            instance.open_days.setdefault(pool, []).append(day)
    return instance


def read_plan(path: Path) -> Plan:
    plan = Plan(path.name, {}, [])

    def take(holder: str, pool: str, day: str, start: str) -> None:
        if holder in plan.seats:
            plan.repeated.append(holder)
        plan.seats.setdefault(holder, (pool.strip(), integer(day), integer(start)))

    read_rows(path, ("id", "pool", "day", "start"), take)
    return plan


def read_prices(path: Path) -> list[tuple[PoolDay, int]]:
    prices: list[tuple[PoolDay, int]] = []
    read_rows(path, ("pool", "day", "price"),
              lambda pool, day, price: prices.append(((pool.strip(), integer(day)), integer(price))))
    return prices


def read_explain(path: Path) -> dict[str, Any]:
    explain = read_json(path)

    def need(found: bool, where: str) -> None:
        if not found:
            raise Malformed(f"{path}: {where} is missing or not what the schema says")

    need(explain.get("schema") == "convoke.explain/1", "schema")
    for key in ("lapses", "bottlenecks"):
        need(isinstance(explain.get(key), list) and all(isinstance(item, dict) for item in explain[key]), key)
    for index, lapse in enumerate(explain["lapses"]):
        need(type(lapse.get("id")) in (str, int), f"lapses[{index}].id")
        need(lapse.get("cause") in ("no_possible_day", "no_capacity"), f"lapses[{index}].cause")
        need(type(lapse.get("bottleneck")) in (int, type(None)), f"lapses[{index}].bottleneck")
    for index, neck in enumerate(explain["bottlenecks"]):
        for key in ("demand", "capacity", "lapses"):
            need(type(neck.get(key)) is int, f"bottlenecks[{index}].{key}")
        seats = neck.get("seats")
        need(isinstance(seats, list) and all(isinstance(seat, dict) and type(seat.get("capacity")) is int
                                             for seat in seats), f"bottlenecks[{index}].seats")
    return explain


@dataclass
class Check:
    name: str
    figures: dict[str, int | str]
    problems: list[str]


def check_feasible(instance: Instance, plan: Plan) -> Check:
    problems = [f"holder {holder}: planned twice" for holder in plan.repeated]
    problems += [f"holder {holder}: not in the plan" for holder in instance.group_of if holder not in plan.seats]
    taken: Counter[Seat] = Counter()
    for holder, seat in plan.seats.items():
        group = instance.group_of.get(holder)
        pool, day, _ = seat
        if group is None:
            problems.append(f"holder {holder}: not in holders.csv")
        elif seat != LAPSED:
            taken[seat] += 1
            if pool not in group.ranks:
                problems.append(f"holder {holder}: pool {pool} is not theirs")
            elif not group.release <= day <= group.deadline:
                problems.append(f"holder {holder}: day {day} is outside {group.release}..{group.deadline}")
            elif seat not in instance.slots:
                problems.append(f"holder {holder}: no slot {seat}")
    problems += [f"slot {seat}: {count} people for {instance.slots[seat]} places"
                 for seat, count in taken.items() if seat in instance.slots and count > instance.slots[seat]]
    figures = {"holders": len(instance.group_of), "seated": taken.total(), "lapses": len(plan.lapsed())}
    return Check(f"feasible {plan.name}", figures, problems)


def levels(instance: Instance, plan: Plan) -> dict[str, int]:
    """The five levels of a feasible plan, each summed apart."""
    lapses = late = perishing = ranks = days = 0
    for holder, (pool, day, _) in plan.seats.items():
        group = instance.group_of[holder]
        if pool == "-1":
            lapses += 1
            late += group.weight * group.lapse_late
        else:
            late += group.weight * max(0, day - group.pref_end)
            perishing += instance.perishes(day)
            ranks += group.ranks[pool]
            days += day - group.release
    return {"lapses": lapses, "weighted_late_days": late, "perishing_seats_filled": perishing,
            "sum_of_ranks": ranks, "days_after_release": days}


def packed(level: dict[str, int]) -> int:
    lapses, late, perishing, ranks, days = level.values()
    return lapses * LAPSE + late * LATE_DAY - perishing * PERISHING + ranks * RANK + days


def dual_bound(instance: Instance, prices: dict[PoolDay, int]) -> int:
    @lru_cache(maxsize=1 << 13)
    def on_open_days(pool: str, weight: int) -> list[int]:
        """Cost + price on each open day of a pool, without the terms that do not depend on the day."""
        return [weight * day * LATE_DAY - instance.perishes(day) * PERISHING + day + prices.get((pool, day), 0)
                for day in instance.open_days[pool]]

    bound = -sum(price * instance.capacity[pool_day] for pool_day, price in prices.items())
    for group in instance.groups:
        best = LAPSE + group.weight * group.lapse_late * LATE_DAY
        for pool, rank in group.ranks.items():
            days = instance.open_days.get(pool, [])
            first, end = bisect_left(days, group.release), bisect_right(days, group.deadline)
            if first >= end:
                continue
            late = bisect_right(days, group.pref_end, first, end)  # the first day that costs lateness
            fixed = rank * RANK - group.release
            if first < late:
                best = min(best, fixed + min(on_open_days(pool, 0)[first:late]))
            if late < end:
                fixed -= group.weight * group.pref_end * LATE_DAY
                best = min(best, fixed + min(on_open_days(pool, group.weight)[late:end]))
        bound += best * group.size
    return bound


def check_optimal(instance: Instance, plan: Plan, price_rows: list[tuple[PoolDay, int]]) -> Check:
    prices = dict(price_rows)
    problems = [f"pool-day {where}: price {price} is not > 0" for where, price in price_rows if price <= 0]
    problems += [f"pool-day {where}: priced, not in slots.csv" for where in prices if where not in instance.capacity]
    if len(prices) < len(price_rows):
        problems.append(f"{len(price_rows) - len(prices)} prices for pool-days that already have one")
    level = levels(instance, plan)
    figures: dict[str, int | str] = {**level, "prices": len(prices)}
    if not problems:
        cost, bound = packed(level), dual_bound(instance, prices)
        figures |= {"cost": str(cost), "dual_bound": str(bound)}  # beyond what JSON readers keep exact
        if cost != bound:
            problems.append(f"certificate open: cost - dual bound = {cost - bound}")
    return Check(f"optimal {plan.name}", figures, problems)


def check_households(instance: Instance, best: Plan, final: Plan) -> Check:
    """Bringing households together may move people, never change who lapses."""
    def together(plan: Plan) -> tuple[int, int]:
        families = [[plan.seats[member] for member in members] for members in instance.households.values()]
        visits = [[(instance.desk_of[pool][0], day) for pool, day, _ in seats if pool != "-1"] for seats in families]
        several = [visit for visit in visits if len(visit) > 1]
        return len(several), sum(len(set(visit)) == 1 for visit in several)

    (families, before), (_, after) = together(best), together(final)
    moved = sum(best.seats[holder] != seat for holder, seat in final.seats.items())
    figures = {"with_two_or_more_seated": families, "together_before": before, "together_after": after, "moved": moved}
    return Check(f"households, levels of {final.name}", {**figures, **levels(instance, final)},
                 [f"holder {holder}: lapses in one plan only" for holder in sorted(best.lapsed() ^ final.lapsed())])


def check_levels(instance: Instance) -> Check:
    """In each component, no sum of a lower level can reach one unit of the level above."""
    parent: dict[str, str] = {}

    def root(pool: str) -> str:
        while parent.setdefault(pool, pool) != pool:
            parent[pool] = pool = parent[parent[pool]]
        return pool

    for group in instance.groups:
        for pool in group.ranks:
            parent[root(pool)] = root(next(iter(group.ranks)))
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    might_fill: Counter[str] = Counter()  # people of a component who may come on a perishing day
    for group in instance.groups:
        if group.ranks:  # who has no pool lapses in every plan
            reach = list(instance.reach(group))
            last = max((days[-1] for _, _, days in reach), default=group.release)
            late = max(group.lapse_late, last - group.pref_end if reach else 0)
            total = sums[root(next(iter(group.ranks)))]
            total[0] += group.size * (last - group.release)
            total[1] += group.size * max((rank for _, rank, _ in reach), default=0)
            total[3] += group.size * group.weight * late
            might_fill[root(next(iter(group.ranks)))] += group.size * instance.perishes(group.release)
    for (pool, day), cap in instance.capacity.items():
        if pool in parent and instance.perishes(day):
            sums[root(pool)][2] += cap
    for component, total in sums.items():
        total[2] = min(total[2], might_fill[component])
    names = ("days_after_release", "sum_of_ranks", "perishing_seats", "weighted_late_days")
    most = [max(column) for column in zip(*sums.values())] or [0] * 4
    limits = (DAYS_LIMIT, RANK_LIMIT, PERISHING_LIMIT, LATE_LIMIT)
    return Check("level bounds", {"components": len(sums), **{f"most_{n}": m for n, m in zip(names, most)}},
                 [f"levels overflow: {name} may reach {figure} in a component, the limit is {limit}"
                  for name, figure, limit in zip(names, most, limits) if figure >= limit])


def check_explained(instance: Instance, plan: Plan, explain: dict[str, Any]) -> Check:
    lapsed, told = plan.lapsed(), Counter(str(lapse["id"]) for lapse in explain["lapses"])
    problems = [f"holder {holder}: explained {count} times" for holder, count in told.items() if count > 1]
    problems += [f"holder {holder}: lapses without explanation" for holder in sorted(lapsed - told.keys())]
    problems += [f"holder {holder}: explained, does not lapse" for holder in sorted(told.keys() - lapsed)]
    impossible = 0
    for lapse in explain["lapses"]:
        if (holder := str(lapse["id"])) not in lapsed:
            continue
        group, neck = instance.group_of[holder], lapse.get("bottleneck")
        cause = "no_capacity" if any(between(instance.listed_days.get(pool, []), group.release, group.deadline)
                                     for pool in group.ranks) else "no_possible_day"
        impossible += cause == "no_possible_day"
        if lapse["cause"] != cause:
            problems.append(f"holder {holder}: {lapse['cause']} is said, {cause} is found")
        elif (cause == "no_possible_day") != (neck is None):
            problems.append(f"holder {holder}: {cause} with bottleneck {neck}")
        elif neck is not None and not 0 <= neck < len(explain["bottlenecks"]):
            problems.append(f"holder {holder}: there is no bottleneck {neck}")
    figures = {"lapses": len(lapsed), "no_possible_day": impossible, "no_capacity": len(lapsed) - impossible}
    return Check("lapses explained", figures, problems)


def check_bottlenecks(instance: Instance, plan: Plan, explain: dict[str, Any]) -> Check:
    """Hall's condition, found again: who lapses, their pool-days, who is seated there, their pool-days, …"""
    def windows(holder: str) -> set[tuple[str, int, int]]:
        group = instance.group_of[holder]
        return {(pool, group.release, group.deadline) for pool in group.ranks}

    seated: Counter[PoolDay] = Counter()
    leads_to: dict[PoolDay, set[tuple[str, int, int]]] = defaultdict(set)  # where else those seated there may go
    for holder, (pool, day, _) in plan.seats.items():
        seated[pool, day] += 1
        leads_to[pool, day] |= windows(holder)
    pointing: dict[int, set[str]] = defaultdict(set)
    for lapse in explain["lapses"]:
        if plan.seats.get(holder := str(lapse["id"])) == LAPSED:
            pointing[lapse.get("bottleneck")].add(holder)
    problems: list[str] = []
    for index, neck in enumerate(explain["bottlenecks"]):
        reached: set[PoolDay] = set()
        waiting = set().union(*map(windows, pointing[index]))
        known = set(waiting)
        while waiting:
            pool, first, last = waiting.pop()
            for day in between(instance.open_days.get(pool, []), first, last):
                if (pool, day) not in reached:
                    reached.add((pool, day))
                    waiting |= leads_to[pool, day] - known
                    known |= leads_to[pool, day]
        found = {"demand": len(pointing[index]) + sum(seated[pool_day] for pool_day in reached),
                 "capacity": sum(instance.capacity[pool_day] for pool_day in reached), "lapses": len(pointing[index])}
        problems += [f"bottleneck {index}: {key} {neck[key]} is said, {figure} is found"
                     for key, figure in found.items() if neck[key] != figure]
        if neck["demand"] - neck["capacity"] != neck["lapses"]:
            problems.append(f"bottleneck {index}: demand - capacity is not {neck['lapses']} lapses")
        if (listed := sum(seat["capacity"] for seat in neck["seats"])) != neck["capacity"]:
            problems.append(f"bottleneck {index}: its seats sum to {listed}, capacity says {neck['capacity']}")
    return Check("bottlenecks", {"bottlenecks": len(explain["bottlenecks"])}, problems)


def verify(instance_dir: Path, plan_dir: Path) -> list[Check]:
    instance, final = read_instance(instance_dir), read_plan(plan_dir / "plan.csv")
    prices = read_prices(plan_dir / "prices.csv")
    unpinned, explain_path = plan_dir / "plan-unpinned.csv", plan_dir / "explain.json"
    best = read_plan(unpinned) if unpinned.exists() else final
    explain = read_explain(explain_path) if explain_path.exists() else None
    checks = [Check("files well formed", {"holders": len(instance.group_of), "alike": len(instance.groups),
                                          "slots": len(instance.slots), "seats": instance.slots.total(),
                                          "prices": len(prices)}, [])]
    feasible = [check_feasible(instance, plan) for plan in ([best] if best is final else [best, final])]
    checks += [*feasible, check_levels(instance)]
    if any(check.problems for check in feasible):
        return [*checks, Check("optimal, households, lapses", {}, ["not examined: a plan is not feasible"])]
    checks.append(check_optimal(instance, best, prices))
    if best is not final:
        checks.append(check_households(instance, best, final))
    if explain is not None:
        checks += [check(instance, best, explain) for check in (check_explained, check_bottlenecks)]
    return checks


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, epilog=USAGE,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("instance_dir", metavar="INSTANCE_DIR", type=Path, help="holders.csv, slots.csv, meta.json")
    parser.add_argument("plan_dir", metavar="PLAN_DIR", type=Path, nargs="?", help="default: INSTANCE_DIR")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of lines")
    options = parser.parse_args()
    plan_dir = options.plan_dir or options.instance_dir
    for folder in (options.instance_dir, plan_dir):
        if not folder.is_dir():
            parser.error(f"{folder} is not a folder")
    sys.stdout.reconfigure(errors="backslashreplace")
    gc.disable()  # millions of small objects, no cycles worth finding
    try:
        checks = verify(options.instance_dir, plan_dir)
        # Who is seen after expiry, as an instance of its own: its deadlines are six months after expiry.
        if (second := plan_dir / "second").is_dir():
            for check in verify(second, second):
                check.name = f"second pass: {check.name}"
                checks.append(check)
    except Malformed as error:
        print(f"verify_plan.py: {error}", file=sys.stderr)
        return 65
    ok = not any(check.problems for check in checks)
    if options.json:
        print(json.dumps({"schema": "convoke.verify-plan/1", "ok": ok, "checks": [
            {"name": check.name, "ok": not check.problems, "figures": check.figures,
             "problem_count": len(check.problems), "problems": check.problems[:SHOWN]} for check in checks]}, indent=2))
        return 0 if ok else 1
    for check in checks:
        figures = ", ".join(f"{name.replace('_', ' ')} {figure}" for name, figure in check.figures.items())
        print(f"{'FAILED' if check.problems else 'ok':<7} {check.name}{': ' if figures else ''}{figures}")
        for problem in check.problems[:SHOWN]:
            print(f"        - {problem}")
        if len(check.problems) > SHOWN:
            print(f"        ... and {len(check.problems) - SHOWN} more")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
