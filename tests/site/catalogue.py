"""The texts of the pages, and the catalogues of their translations; see `make languages`."""

import json
import sys
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from almbench.domains import DOMAINS
from almbench.languages import LANGUAGES
from almbench.listening.kinds import load_kinds
from almbench.results.remark_rules import SHAPES as AUDIT_SHAPES
from almbench.results.table_rows import TABLES
from almbench.site.language import SCRIPT_STRING
from almbench.site.tokens import LABELS, TARGETS
from almbench.site.told import SHAPES, sentences
from almbench.tokens.changes import CHANGES

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates"
FOLDER = TEMPLATES / "languages"
# What token measures are computed from, as records say.
INPUTS = (
    "n-gram", "Transformer", "bag of codes", "sequence", "vectors", "frame", "one-hot", "speaker",
    "class", "word", "text", "voicing", "own output, 1 pass", "own output, 2 passes",
    "own output, 5 passes",
)  # fmt: skip
# What templates say by a name: headings of tables and of lists of facts, and what files hold.
NAMED = {
    "listening/abx": "Listeners|Right|Share|95\u00a0% interval|p",
    "site/summary.py": "Family|Nominal kbps|Measured kbps|Codes|Sample rate|Licence|"
    "Parameters (M)|GMAC/s|Latency (ms)|Real-time factor|Memory (MB)",
    "site/codecpages.py": "Family|Id|Nominal bitrate|Measured bitrate|Sample rate|Frame rate|"
    "Codebooks|Tokens|Causal|Delay|Latency|Parameters|Checkpoint|SHA-256|Licence|Weights|Settings|"
    "Role|Encoding|Decoding|On|Memory of the device|Memory of the process|GMAC a second of sound|"
    "Encoded by|yes|no|not known",
    "site/measured.py": "↑ higher|↓ lower|neither|Source|Files|Imported|Finished|Command|almbench|"
    "Machine|Device|Seed|Python|Packages|Data|Suite",
    "results/remark_rules.py": "|".join(AUDIT_SHAPES.values()),
    "site/means.py": "measured|from codes|measured or from codes|from codes or measured",
    "site/comparisons.py": "↑ better|↓ worse|different|not separated|not tested",
    "site/tokens.py": "|".join([*LABELS.values(), *TARGETS.values(), *CHANGES, *INPUTS]),
    "site/overview.py": "the tables of means for LaTeX, with booktabs",
}
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "tr": None, "mtr": None, "ntr": (1, 2)}
Message = str | tuple[str, ...]


def messages() -> dict[Message, list[str]]:
    """Every text that pages show, a plural as a pair; with the files that show it."""
    found: dict[Message, list[str]] = {}
    for folder, mapping in (
        (TEMPLATES, [("*.html.j2", "jinja2.ext:babel_extract")]),
        (ROOT / "site", [("*.py", "python")]),
    ):
        options = {"*.html.j2": {"trimmed": "true", "newstyle_gettext": "true"}}
        for name, _, message, _, _ in extract_from_dir(folder, mapping, options, KEYWORDS):
            found.setdefault(message, []).append(f"{folder.name}/{name}")
    for script in sorted((TEMPLATES / "static").glob("*.js")):
        for literal in SCRIPT_STRING.findall(script.read_text()):
            found.setdefault(json.loads(literal), []).append(f"static/{script.name}")
    for domain in DOMAINS:
        found.setdefault(domain, []).append("domains")
        found.setdefault(domain.capitalize(), []).append("domains")
    for file, texts_ in NAMED.items():
        for text in texts_.split("|"):
            found.setdefault(text, []).append(file)
    for form in TABLES.values():
        found.setdefault(form.holds, []).append("results/table_rows.py")
    for text in (*SHAPES, *sentences()):
        found.setdefault(text, []).append("site/told.py")
    for kind in load_kinds():
        for text in (kind.label, kind.task, kind.question, kind.method, kind.exclusions):
            found.setdefault(text, []).append(f"listening/{kind.name}")
    return found


def read(language: str) -> Catalog:
    """The catalogue of a language."""
    with (FOLDER / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def compiled(catalogue: Catalog) -> bytes:
    """A catalogue as the program reads it."""
    buffer = BytesIO()
    write_mo(buffer, catalogue)
    return buffer.getvalue()


def untranslated(catalogue: Catalog) -> list[str]:
    """The texts that a catalogue has no translation of."""
    return [str(m.id) for m in catalogue if m.id and not all(texts(m.string))]


def texts(message: object) -> list[str]:
    """The forms of a message or its translation: one, or one per number; the last is the plural."""
    return (
        [str(form or "") for form in message]
        if isinstance(message, list | tuple)
        else [str(message or "")]
    )


def main() -> None:
    """Bring the catalogues to what the pages show; what has no translation yet is printed."""
    for language in LANGUAGES[1:]:
        path = FOLDER / f"{language}.po"
        known = read(language)
        template = Catalog(fuzzy=False, creation_date=known.creation_date)
        for message, files in messages().items():
            template.add(message, user_comments=sorted(set(files)))
        known.update(template, no_fuzzy_matching=True, update_header_comment=False)
        known.obsolete.clear()
        buffer = BytesIO()
        write_po(buffer, known, sort_output=True, width=100, omit_header=False)
        path.write_bytes(buffer.getvalue())
        path.with_suffix(".mo").write_bytes(compiled(known))
        for message in untranslated(known):
            sys.stdout.write(f"{language}: {message}\n")


if __name__ == "__main__":
    main()
