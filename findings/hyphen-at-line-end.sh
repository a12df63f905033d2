#!/usr/bin/env bash
# A hyphen at the end of a line is not in the text that readers of PDF give: poppler 22.12 (Debian 12) leaves it out
# and joins the halves, PDFium gives U+FFFE in its place. MuPDF keeps it. So "rendez-vous" broken after its hyphen is
# copied and searched as "rendezvous". Any writer's file does it; here it is one of fpdf2. Seen: fpdf2 2.8.4, pypdfium2
# 5.15.2, PyMuPDF 1.28.2, pdftotext 22.12.0. Fails if a reader changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check fpdf2==2.8.4 pypdfium2==5.15.2 PyMuPDF==1.28.2
command -v pdftotext >/dev/null || { echo "needs pdftotext (Debian: poppler-utils)" >&2; exit 2; }
venv/bin/python - <<'PYTHON'
import subprocess

import fpdf
import pymupdf
import pypdfium2

pdf = fpdf.FPDF()
pdf.add_page()
pdf.set_font("Helvetica", size=14)
for n, line in enumerate(["Prenez rendez-", "vous demain, et adressez-", "nous ce dossier."]):
    pdf.text(20, 20 + 8 * n, line)
pdf.output("hyphen.pdf")
read = {
    "poppler": subprocess.run(["pdftotext", "hyphen.pdf", "-"], capture_output=True, text=True, check=True).stdout,
    "PDFium": pypdfium2.PdfDocument("hyphen.pdf")[0].get_textpage().get_text_range(),
    "MuPDF": pymupdf.open("hyphen.pdf")[0].get_text(),
}
for reader, text in read.items():
    print(f"{reader:<8} {text.strip()!a}")
assert "rendezvous demain" in read["poppler"]
assert "rendez\ufffevous demain" in read["PDFium"]
assert "rendez-\nvous demain" in read["MuPDF"]
PYTHON
