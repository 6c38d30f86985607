"""From a procedure's YAML to its compiled form, with every load-time check.

What needs the YAML's parser, the models of its shape and the parser of templates is imported by
this module and those below it, so a start with a text that is known to be sound needs none.
"""

from __future__ import annotations

import msgspec

from returnflow.engine import checks
from returnflow.engine.compiled import (
    Compiled,
    CompiledRow,
    CompiledState,
    Field,
    Question,
    known,
)
from returnflow.engine.draft import draft
from returnflow.engine.hearing_checks import wordings
from returnflow.engine.rules_spec import rules
from returnflow.engine.scorecard import Scorecard
from returnflow.engine.spec import DefinitionSpec, QuestionSpec, kind_of, rows_of
from returnflow.engine.vocabulary import Vocabulary, load_vocabulary, vocabulary_names
from returnflow.engine.yamltext import Document, placed, read_all, suggest
from returnflow.errors import DefinitionError, EngineError


def compile_text(raw: bytes | str, name: str) -> Compiled:
    """Reads, checks and compiles a text; `name` stands for the file in messages.

    Raises:
        DefinitionError: with every problem found, in file order. Only what is no YAML at all, and
            cannot be read to its end, hides what comes after it.
    """
    return compile_document(read_all(raw, name))


def compile_document(document: Document) -> Compiled:
    """Checks and compiles a text that was read; raises as `compile_text`."""
    drafted = draft(document)
    spec, document = drafted.spec, drafted.document
    vocabulary = None
    found = list(drafted.problems)
    if spec is not None:
        vocabulary, unknown = _vocabulary(spec.vocabulary)
        if unknown and not drafted.doubt.spoils(("vocabulary",)):
            found.append((("vocabulary",), unknown))
        found += checks.check(spec, document, vocabulary, drafted.doubt)
    problems = [*document.problems, *((document.place(path), words) for path, words in found)]
    if problems:
        raise DefinitionError(placed(document.name, problems))
    if spec is None or vocabulary is None:
        raise EngineError("a procedure without problems could not be read")  # a bug
    return _compiled(spec, document, vocabulary)


def _vocabulary(name: str) -> tuple[Vocabulary | None, str]:
    """The vocabulary of that name, or the one that was meant, and what is wrong with the name."""
    known = vocabulary_names()
    if name in known:
        return load_vocabulary(name), ""
    hint = suggest(name, known)
    meant = next((each for each in known if hint.endswith(f" {each!r}?")), None)
    have = ", ".join(known) or "none"
    problem = f"no vocabulary named {name!r} is installed (installed: {have}){hint}"
    return (load_vocabulary(meant) if meant is not None else None), problem


def _compiled(spec: DefinitionSpec, document: Document, vocabulary: Vocabulary) -> Compiled:
    states = tuple(
        CompiledState(
            name=name,
            step=state.step,
            title=state.title,
            kind=kind_of(state),
            say=state.say,
            do=state.do,
            questions=tuple(_question(question) for question in state.ask or ()),
            call=state.call,
            end=state.end,
            owes=state.owes,
            place=document.place(("states", name)),
        )
        for name, state in spec.states.items()
    )
    rows = tuple(
        CompiledRow(
            state=name,
            event=event,
            number=number,
            guards=tuple(written.row.when),
            to=name if written.row.stay else written.row.to,
            words=written.row.refuse or written.row.tell,
            discard=written.row.discard,
            remark=written.row.remark,
            anywhere=written.anywhere,
            place=document.place(written.path),
        )
        for (name, event), group in rows_of(spec, vocabulary).items()
        for number, written in enumerate(group)
    )
    return Compiled(
        sop=spec.sop,
        version=spec.version,
        title=spec.title,
        vocabulary=spec.vocabulary,
        known=known(vocabulary),
        initial=spec.initial,
        steps=dict(spec.steps),
        states=states,
        rows=rows,
        words=dict(spec.words),
        terms={term: tuple(phrases) for term, phrases in spec.terms.items()},
        notices={name: notice.say for name, notice in spec.notices.items()},
        heard=wordings(spec),
        rules=rules(spec, document),
        scorecard=msgspec.convert(spec.scorecard.model_dump(), Scorecard),
        text=document.text,
    )


def _question(written: QuestionSpec) -> Question:
    fields = {
        name: Field(type=field.type, prompt=field.prompt, help=field.help)
        for name, field in written.fields.items()
    }
    return Question(written.event, written.label, written.key, fields, written.confirm)
