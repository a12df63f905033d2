"""What four readers give of letters, against what was written.

usage: check_readers.py FOLDER, with NAME.pdf and NAME.html, the same letter, and NAME.txt: what somebody searches.
"""

import collections
import html.parser
import json
import pathlib
import re
import subprocess
import sys

import pymupdf
import pypdfium2

BLOCKS = {"h1", "h2", "h3", "p", "li", "dt", "dd"}
# Turn the text around them, and are not drawn: those of the letter, and those that poppler adds.
TURNS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
# Of an e-mail only.
OF_MAIL = ("Lettreofficielle.", "Messageenvoyé", "Codedevérification")


def joined(text):
    """Without blanks: lines end where the paper does."""
    return "".join(text.translate(TURNS).split())


class Blocks(html.parser.HTMLParser):
    """The texts of a page."""

    def __init__(self):
        super().__init__()
        self.blocks, self.inside, self.hidden = [], False, 0

    def handle_starttag(self, tag, attributes):
        if tag in BLOCKS:
            self.blocks.append("")
            self.inside = True
        if ("aria-hidden", "true") in attributes:
            self.hidden += 1

    def handle_endtag(self, tag):
        if tag in BLOCKS:
            self.inside = False
        if tag == "span" and self.hidden:
            self.hidden -= 1

    def handle_data(self, data):
        if self.inside and not self.hidden:
            self.blocks[-1] += data


def written(page, needles):
    """The texts of a letter that are on paper too."""
    blocks = Blocks()
    blocks.feed(page.read_text())
    texts = [joined(text) for text in blocks.blocks]
    # The address is in capitals in the window.
    recipient = joined(needles[0])
    return [text for text in texts if text and not text.startswith(OF_MAIL) and not text.startswith(recipient)]


def goes_over(text, given):
    """Whether a text goes over to the next page: between its halves is the foot of a page."""
    return any(text[:n] in given and text[n:] in given for n in range(20, len(text) - 20))


def has_other_letters(texts, needles, given):
    """Whether Arabic letters are doubled or lost, wherever they are: their order alone may be a reader's own."""
    letters = collections.Counter(ARABIC.findall("".join([*texts, needles[0]])))
    return letters != collections.Counter(ARABIC.findall(given))


ARABIC = re.compile("[\u0590-\u08ff\ufb1d-\ufefc]")

# What a reader is known to give otherwise, whoever wrote the file (docs/letters/readers.md).
KNOWN = {
    # Punctuation beside Arabic words changes places with them.
    ("poppler", "text"): ARABIC.search,
    # In lines of both directions, words or parts of references change places.
    ("PDFium", "text"): ARABIC.search,
    ("PDFium", "found"): ARABIC.search,
    ("PDFium", "searched"): ARABIC.search,
    # Zero-width non-joiners are left out.
    ("pdf.js", "text"): re.compile("\u200c").search,
    ("pdf.js", "found"): re.compile("\u200c").search,
    # Lam with alef and hamza is not found.
    ("MuPDF", "searched"): re.compile("\u0644\u0623").search,
}

PDFJS = """
const {readFileSync} = require('fs');
(async () => {
  const pdfjs = await import(require.resolve('pdfjs-dist/legacy/build/pdf.mjs'));
  const out = {};
  for (const file of JSON.parse(readFileSync(0))) {
    const read = await pdfjs.getDocument({data: new Uint8Array(readFileSync(file)), verbosity: 0}).promise;
    let text = '';
    for (let n = 1; n <= read.numPages; n++) {
      const {items} = await (await read.getPage(n)).getTextContent();
      for (const {str, hasEOL} of items) text += str + (hasEOL ? '\\n' : '');
      text += '\\n';
    }
    out[file] = text;
    await read.destroy();
  }
  console.log(JSON.stringify(out));
})();
"""


def by_pdfjs(files):
    done = subprocess.run(["node", "-e", PDFJS], input=json.dumps(files), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def by_poppler(file):
    return subprocess.run(["pdftotext", file, "-"], capture_output=True, text=True, check=True).stdout


def by_structure(file):
    done = subprocess.run(["pdfinfo", "-struct-text", file], capture_output=True, errors="replace", check=True)
    # Every text is a line in quotation marks, below its part; titles are not in UTF-8.
    return "".join(line.strip()[1:-1] for line in done.stdout.splitlines() if line.strip().startswith('"'))


def by_mupdf(file):
    with pymupdf.open(file) as read:
        return "\n".join(page.get_text() for page in read)


def by_pdfium(file):
    read = pypdfium2.PdfDocument(file)
    return "\n".join(page.get_textpage().get_text_range() for page in read)


def found_by_mupdf(file, needle):
    with pymupdf.open(file) as read:
        return any(page.search_for(needle) for page in read)


def found_by_pdfium(file, needle):
    read = pypdfium2.PdfDocument(file)
    return any(page.get_textpage().search(needle).get_next() is not None for page in read)


def main():
    folder = pathlib.Path(sys.argv[1])
    files = sorted(str(file) for file in folder.glob("*.pdf"))
    assert len(files) >= 200, f"{len(files)} letters in {folder}"
    pdfjs = by_pdfjs(files)
    readers = {
        "poppler": by_poppler,
        "poppler's structure": by_structure,
        "MuPDF": by_mupdf,
        "PDFium": by_pdfium,
        "pdf.js": pdfjs.__getitem__,
    }
    others, checked = collections.defaultdict(list), collections.Counter()
    for file in files:
        path = pathlib.Path(file)
        needles = path.with_suffix(".txt").read_text().splitlines()
        texts = written(path.with_suffix(".html"), needles)
        for reader, read in readers.items():
            given = joined(read(file))
            if has_other_letters(texts, needles, given):
                others[reader, "letters"].append((path.stem, "Arabic letters are doubled or lost"))
            checked[reader, "letters"] += 1
            # A French letter is in the order of its e-mail; what is read aloud has to be in order over all pages.
            if path.stem.endswith("-fr") and reader == "poppler's structure":
                checked[reader, "order"] += 1
                place = 0
                for text in texts:
                    if (place := given.find(text, place)) < 0:
                        others[reader, "order"].append((path.stem, text))
                        break
            for text in texts:
                checked[reader, "text"] += 1
                if text not in given and not goes_over(text, given):
                    # What is beside an Arabic name may be mixed with it.
                    beside = needles[0] if reader == "PDFium" else ""
                    others[reader, "text"].append((path.stem, text + beside))
            for needle in needles:
                checked[reader, "found"] += 1
                if joined(needle) not in given:
                    others[reader, "found"].append((path.stem, needle))
        for reader, finds in (("MuPDF", found_by_mupdf), ("PDFium", found_by_pdfium)):
            for needle in needles:
                checked[reader, "searched"] += 1
                if not finds(file, needle):
                    others[reader, "searched"].append((path.stem, needle))
    failed = False
    for (reader, what), count in sorted(checked.items()):
        wrong = others[reader, what]
        is_known = KNOWN.get((reader, what), lambda text: False)
        new = [(name, text) for name, text in wrong if not is_known(text)]
        failed = failed or bool(new)
        known = f", {len(wrong) - len(new)} as known" if len(wrong) > len(new) else ""
        print(f"{reader:<20} {what:<9} {count - len(wrong):>6} of {count}{known}")
        for name, text in new[:12]:
            print(f"    {name}: {text[:150]}")
    sys.exit(1 if failed else 0)


main()
