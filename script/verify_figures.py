#!/usr/bin/env python3
"""Adds up the lists of an exported report, and compares the sums with its figures.

Usage: verify_figures.py DIR. Shares nothing with the program: it reads the CSV files alone, then report.json.
Exit code 1, and one line for each figure that is not what the lists say.
"""

import csv
import json
import pathlib
import sys
from collections import Counter


def rows(folder, name):
    with open(folder / name, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def main():
    folder = pathlib.Path(sys.argv[1])
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    outcomes = rows(folder, "outcomes.csv")
    told, found = {}, {}

    told["scanned"], found["scanned"] = report["scanned"], len(outcomes)
    by_rule = Counter(row["regle"] for row in outcomes)
    for outcome in report["outcomes"]:
        told[f"rule {outcome['rule']}"], found[f"rule {outcome['rule']}"] = outcome["permits"], by_rule[outcome["rule"]]
    for row in rows(folder, "rules.csv"):
        told[f"rules.csv {row['regle']}"], found[f"rules.csv {row['regle']}"] = int(row["titres"]), by_rule[row["regle"]]

    before = [row for row in outcomes if row["passe"] in ("in-time", "short-notice")]
    after = [row for row in outcomes if row["passe"] == "after-expiry"]
    firm = sum(row["ferme"] == "oui" for row in before)
    late_firm = sum(row["ferme"] == "oui" for row in after)
    causes = Counter(row["cause"] for row in outcomes if row["cause"])
    people = [row for row in outcomes if row["regle"] in ("due", "due.late")]
    figures = report["figures"]
    # Whose seat was taken between plan and commit is firm in the plan, and planned again in the figures.
    told["firm, all"] = figures["firm"] + figures["late_firm"] + report["displaced"]
    found["firm, all"] = firm + late_firm
    told["planned before expiry, or firm"] = figures["firm"] + figures["planned"]
    found["planned before expiry, or firm"] = len(before)
    for cause in ("no_possible_day", "no_capacity"):
        told[cause], found[cause] = figures[cause], causes[cause]
    told["without_seat"], found["without_seat"] = figures["without_seat"], sum(not row["passe"] for row in people)
    told["due"] = figures["firm"] + figures["planned"] + figures["no_possible_day"] + figures["no_capacity"]
    found["due"] = by_rule["due"]
    told["lapses"], found["lapses"] = len(report["lapses"]), len(rows(folder, "lapses.csv"))
    told["listed"], found["listed"] = len(report["listed"]), len(rows(folder, "listed.csv"))

    told["letters"] = sum(line["letters"] for line in report["letters"])
    found["letters"] = sum(int(row["lettres"]) for row in rows(folder, "letters.csv"))
    for column, field in (("places", "seats"), ("reservees", "reserved"), ("prevues", "planned")):
        told[f"agenda {field}"] = sum(week[field] for week in report["occupancy"])
        found[f"agenda {field}"] = sum(int(row[column]) for row in rows(folder, "occupancy.csv"))
    in_plan = sum(row["ferme"] == "non" for row in before + after)
    told["agenda, planned and not firm"], found["agenda, planned and not firm"] = found["agenda planned"], in_plan

    wrong = [name for name in told if told[name] != found[name]]
    for name in wrong:
        print(f"{name}: the report says {told[name]}, and the lists {found[name]}")
    print(f"{len(told) - len(wrong)} of {len(told)} figures are those of the lists")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
