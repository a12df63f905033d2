#!/usr/bin/env bash
# Lam and alef are one glyph. A PDF that says it is these two letters, as ToUnicode allows, is read by PDFium, MuPDF
# and pdf.js with the letters changed around: الأولى is given as األولى, and a search for the word as it is written
# finds nothing. Each takes the letters of one glyph to be in the order of the page, from left to right, and turns them
# around with the rest. Seen: typst 0.15.2 (the writer), pypdfium2 5.15.2, PyMuPDF 1.28.2, pdfjs-dist 5.4.624. Fails if
# a reader changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check typst==0.15.2 pypdfium2==5.15.2 PyMuPDF==1.28.2
npm install --silent --no-save --ignore-scripts dejavu-fonts-ttf@2.37.3 pdfjs-dist@5.4.624
cat >read.cjs <<'NODE'
const {readFileSync} = require('fs');
(async () => {
  const pdfjs = await import(require.resolve('pdfjs-dist/legacy/build/pdf.mjs'));
  const read = await pdfjs.getDocument({data: new Uint8Array(readFileSync('word.pdf')), verbosity: 0}).promise;
  const {items} = await (await read.getPage(1)).getTextContent();
  console.log(items.map(({str}) => str).join(''));
})();
NODE
cat >word.typ <<'TYPST'
#set text(font: "DejaVu Sans", lang: "ar", dir: rtl)
الأولى محمد
TYPST
venv/bin/python - <<'PYTHON'
import subprocess

import pymupdf
import pypdfium2
import typst

WRITTEN, SWAPPED = "الأولى", "األولى"
typst.compile("word.typ", output="word.pdf", font_paths=["node_modules/dejavu-fonts-ttf/ttf"])
page = pymupdf.open("word.pdf")[0]
text = pypdfium2.PdfDocument("word.pdf")[0].get_textpage()
pdfjs = subprocess.run(["node", "read.cjs"], capture_output=True, text=True, check=True).stdout
for reader, read in [("PDFium", text.get_text_range()), ("MuPDF", page.get_text()), ("pdf.js", pdfjs)]:
    print(f"{reader:<7} {read.strip()}")
    assert SWAPPED in read and WRITTEN not in read and "محمد" in read, reader
assert text.search(WRITTEN).get_next() is None and text.search("محمد").get_next() is not None
PYTHON
