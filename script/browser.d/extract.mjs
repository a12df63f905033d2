#!/usr/bin/env node
// extract.mjs FILE usual|long|arabic DAY: the demo's extract, its dates moved to a day, with the chosen kind of names.
import { readFileSync } from "node:fs";

const [file, names, day] = process.argv.slice(2);
const DAY = 86_400_000;
// The demo's first night.
const moved = (Date.parse(day) - Date.parse("2026-10-05")) / DAY;
const NAMES = {
  usual: (name) => name,
  // No space: even so, nothing may need scrolling sideways.
  long: (name, n) => `Wolfeschlegelstein${"hausenbergerdorff".repeat(15)}`.slice(0, 250) + String(n).padStart(10, "x"),
  arabic: (name, n) => ["عبد الرحمن", "الحسيني", "بن عبد العزيز", "آل مكتوم"][n % 4],
};
const lines = readFileSync(file, "utf8").replace(/^\uFEFF/, "").trimEnd().split(/\r?\n/);
const head = lines[0].split(";");
const columns = ["debut_validite", "fin_validite", "depot_le"].map((name) => head.indexOf(name));
const called = head.indexOf("nom");
const shifted = lines.slice(1).map((line) => {
  const cells = line.split(";");
  for (const column of columns) {
    const date = Date.parse(cells[column]);
    if (!Number.isNaN(date)) cells[column] = new Date(date + moved * DAY).toISOString().slice(0, 10);
  }
  // Permits of one person have one name.
  cells[called] = NAMES[names](cells[called], Number(cells[head.indexOf("numero_etranger")]));
  return cells.join(";");
});
process.stdout.write([lines[0], ...shifted].join("\n") + "\n");
