"""The tables of a journal, and how those of older versions become these."""

from __future__ import annotations

import sqlalchemy as sa

from returnflow.sqltext import LongText, PlainText
from returnflow.sqlversions import Version

METADATA = sa.MetaData()
META = sa.Table(
    "journal_meta",  # the table by which a journal is known
    METADATA,
    sa.Column("key", PlainText(40), primary_key=True),
    sa.Column("value", PlainText(200), nullable=False),
)
SOP_TEXTS = sa.Table(
    "sop_texts",
    METADATA,
    sa.Column("digest", PlainText(64), primary_key=True),
    sa.Column("text", LongText, nullable=False),
)
CASES = sa.Table(
    "cases",
    METADATA,
    sa.Column("case_id", PlainText(40), primary_key=True),
    sa.Column("sop", LongText, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("digest", sa.ForeignKey(SOP_TEXTS.c.digest), nullable=False),
    sa.Column("agent", LongText, nullable=False),
    sa.Column("policy_date", PlainText(10), nullable=False),
    sa.Column("zone", LongText, nullable=False),
    sa.Column("backend", LongText, nullable=False),
    sa.Column("started_at", PlainText(32), nullable=False),
)
ENTRIES = sa.Table(
    "entries",
    METADATA,
    sa.Column("case_id", sa.ForeignKey(CASES.c.case_id), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", PlainText(10), nullable=False),
    sa.Column("at", PlainText(32), nullable=False),
    sa.Column("state", LongText, nullable=False),
    sa.Column("ended", sa.Boolean, nullable=False),
    sa.Column("event", LongText),  # its name, for queries; the payload says it too
    sa.Column("payload", LongText),
    sa.Column("hides_from", sa.Integer),
    sa.Column("note", LongText),
)
sa.Index("cases_by_start", CASES.c.started_at, CASES.c.case_id)

VERSIONS = (
    Version(1, "the first"),
    Version(
        2,
        "lists of calls by date no longer read every call",
        ("CREATE INDEX cases_by_start ON cases (started_at, case_id)",),
    ),
)
"""What became of the schema, in order. A step is never changed once it has been released: it is
the way from one version to the next, whatever the tables above have become since."""

SCHEMA_VERSION = VERSIONS[-1].number

APPEND_ONLY = (ENTRIES.name, CASES.name, SOP_TEXTS.name)
"""Tables whose rows are never changed or removed."""
