#!/usr/bin/env bash
# PDFium copies a reference within an Arabic line with its ends changed: RC-94-2026-0001234-K becomes
# K-94-2026-0001234-RC. It sorts a line by place and then turns its parts around by a simple classification, in which
# digits and hyphens between two Latin parts are a part of their own. MuPDF and poppler keep the reference whole, from
# the same file; so do the glyphs' codes. Seen: typst 0.15.2 (the writer), pypdfium2 5.15.2, PyMuPDF 1.28.2. Fails if a
# reader changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check typst==0.15.2 pypdfium2==5.15.2 PyMuPDF==1.28.2
npm install --silent --no-save --ignore-scripts dejavu-fonts-ttf@2.37.3
cat >line.typ <<'TYPST'
#set text(font: "DejaVu Sans", lang: "ar", dir: rtl)
يرجى ذكر الرقم المرجعي RC-94-2026-0001234-K قبل الموعد.
TYPST
venv/bin/python - <<'PYTHON'
import pymupdf
import pypdfium2
import typst

typst.compile("line.typ", output="line.pdf", font_paths=["node_modules/dejavu-fonts-ttf/ttf"])
pdfium = pypdfium2.PdfDocument("line.pdf")[0].get_textpage().get_text_range()
mupdf = pymupdf.open("line.pdf")[0].get_text()
print(f"PDFium {pdfium.strip()}\nMuPDF  {mupdf.strip()}")
assert "K-94-2026-0001234-RC" in pdfium and "RC-94-2026-0001234-K" not in pdfium
assert "RC-94-2026-0001234-K" in mupdf
PYTHON
