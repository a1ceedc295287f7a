"""Texts that are meant to be more than texts, for every place that takes one."""

import random
import sqlite3
from contextlib import closing
from itertools import cycle, islice
from pathlib import Path

SQL = [
    "x'\")));UPDATE ContextProperty SET string_value=replace(string_value,'rejected','serving');--",
    "x'\"))); COMMIT; ATTACH DATABASE 'planted' AS a; CREATE TABLE a.t(x); BEGIN;--",
    "x'); DROP TABLE Context;--",
    "\\'; DELETE FROM Artifact; --",
    '" OR ""="',
    "' OR name LIKE '%",
    "%' ESCAPE '%",
    "x' AND custom_properties.a.string_value = 'b",
    "`name`",
    "name",
]
OTHERS = [
    "../../etc/passwd",
    "/etc/passwd",
    "a\x00b",
    "\udcff\udcfe",
    "\u202e\x1b[31m\x9b",
    "x" * 70_000,
    "line\nline\r\nline",
    "$(touch planted)",
    "`touch planted`",
    "; touch planted",
    "|touch planted",
    "--help",
    "-",
    "",
    " ",
    "0",
    "-1",
    "1e999",
    "NaN",
    "99999999999999999999",
    "\u0661\u0662",
    "1_0",
    "null",
    "[]",
    "{a: b}",
    "a=b",
    "pipeline.name=x'\"",
    "${oc.env:HOME}",
    "s3://bucket/x",
    "file:///etc/passwd",
    "http://127.0.0.1:1/x",
    "127.0.0.1:1",
    "{{7*7}}",
    "{% raw %}",
    "<script>alert(1)</script>",
    "%s%n%x",
    "%00",
    "2026-01-01T00:00:00",
    "0001-01-01",
    "\ufeff",
    "\u6771\u4eac",
]
CORPUS = [*SQL, *OTHERS]
SIGNS = "'\"`\\;()-=%_,. \x00\n\u202e\udcff\u0130"
PARTS = [*SIGNS, "UPDATE ", "--", "/*", "' OR '1", "../", "name"]
OWN_FOLDERS = ("logs", "reports", "triggers", "pipeline")
"""Where a command leaves its own log or page, whatever it was asked."""


def drawn(seed: int, count: int) -> list[str]:
    """Returns texts: of each kind of the corpus in turn, others put together of dangerous parts.

    Args:
        seed: Other texts for another one; the same for the same.
        count: How many.
    """
    chance = random.Random(seed)
    others = OTHERS[seed * 3 % len(OTHERS) :] + OTHERS
    made = ("".join(chance.choices(PARTS, k=chance.randint(1, 12))) for _ in range(count))
    mixed = zip(cycle(SQL[seed % len(SQL) :] + SQL), cycle(others), made, strict=False)
    return list(islice((text for texts in mixed for text in texts), count))


def rows(folder: Path) -> set[str]:
    """Every statement that would make the metadata store of a folder again."""
    with closing(sqlite3.connect(folder / "metadata.sqlite")) as store:
        return set(store.iterdump())


def files(folder: Path) -> dict[str, int]:
    """Size of every file and folder, but for the store's own and those of `OWN_FOLDERS`."""
    return {
        name: path.stat().st_size if path.is_file() else -1
        for path in folder.rglob("*")
        if not (name := str(path.relative_to(folder))).startswith(("metadata.sqlite", *OWN_FOLDERS))
    }
