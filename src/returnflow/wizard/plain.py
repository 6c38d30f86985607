"""The wizard in plain lines: a desk that shows turns and reads answers, one line at a time.

It is thin over `turn` (what to show), `answers` (what was typed) and the session (what is
allowed). An answer is tried on the machine while it can still be mended, so that the agent sees
the rule's reason at the prompt.
"""

from __future__ import annotations

from returnflow.engine.definition import Question
from returnflow.engine.machine import Step
from returnflow.engine.run import Answer, Back, Job, Leave, LookAhead, Run, Said
from returnflow.engine.session import Ask, End
from returnflow.engine.story import story
from returnflow.engine.vocabulary import Due, Event
from returnflow.errors import JournalError
from returnflow.wizard import answers, commands, flow, lookups, texts
from returnflow.wizard.answers import BadAnswer
from returnflow.wizard.asking import Asker, Cancelled, Instead, Left
from returnflow.wizard.console import Completion, Console, Prompt
from returnflow.wizard.showing import show_help, show_question, show_turn, speak
from returnflow.wizard.turn import Turn, choices_for, facts, turn_of
from returnflow.wizard.waiting import wait_for


class PlainDesk:
    """See the module.

    Args:
        patience: seconds to wait for the backend before the agent is asked what to do.
        resume: the command that goes on with a call that was left, but for its case id.
    """

    def __init__(
        self, console: Console, patience: float = 20.0, resume: str = "returnflow calls resume"
    ) -> None:
        self._console = console
        self._resume = resume
        self._patience = patience
        self._shown: object = None
        self._checking: lookups.Checking | None = None
        self._heard: Step | None = None
        self._horizon: Event | None = None

    # -- the desk's part in a run -------------------------------------------------------------

    def ask(self, run: Run, ask: Ask) -> Answer:
        """Shows the turn, once, and reads an answer."""
        ahead = self._look_ahead(run)
        if ahead is not None:
            return ahead
        turn = turn_of(run.session, ask)
        mark = (run.session, run.session.last)
        if self._shown != mark:
            told = run.session.definition.vocabulary.told
            # After a sentence was said only what comes next is shown, not all of it again.
            goes_on = run.session.last is not None and isinstance(run.session.last.event, told)
            seen = isinstance(self._shown, tuple) and self._shown[0] is run.session
            self._shown, self._heard = mark, run.session.last
            self._name_horizon(run)
            (show_question if goes_on and seen else show_turn)(self._console, turn)
        while True:
            try:
                answer = self._one(run, turn)
            except Left:
                return self._left(run)
            except EOFError:
                return self._left(run)
            if answer is not None:
                return answer

    def _one(self, run: Run, turn: Turn) -> Answer | None:
        """One attempt at an answer; None where the question stands."""
        instead: commands.Typed | None = None
        while True:
            try:
                if instead is None:
                    return self._read(run, turn)
                return self._instead(run, turn, instead)
            except (KeyboardInterrupt, EOFError) as stop:
                self._asker(run, turn).stopped(stop)
            except BadAnswer as error:
                self._complain(error)
            except Cancelled:
                show_question(self._console, turn)
            except Instead as other:
                instead = other.typed
                continue
            return None

    def _instead(self, run: Run, turn: Turn, typed: commands.Typed) -> Answer | None:
        """What was typed within an answer, which is dropped for it."""
        if typed.option is not None:
            if not typed.option.fields:
                flow.allowed(run.session, flow.event_of(run.session, typed.option, {}))
            return self._option(run, turn, typed.option, typed.text)
        flow.command_allowed(run, typed)
        return self._command(run, turn, typed.command, typed.text)

    def wait(self, run: Run, job: Job) -> Event | Leave:
        """Waits for the backend, with the time that it takes, and a choice when it is long."""
        last = run.session.last
        if last is not None and last is not self._heard:
            # Words of a row that leads to a look-up have no turn of their own.
            self._heard = last
            if words := run.session.tell():
                speak(self._console, words)
        try:
            outcome = wait_for(
                self._console, run, job, self._patience, lambda: self._transfer_instead(run)
            )
        except Left:
            return self._left(run)
        return self._left(run) if isinstance(outcome, Leave) else outcome

    def refused(self, run: Run, step: Step) -> None:
        """Says why the machine did not take the answer."""
        self._console.show(f"! {run.session.refusal(step)}", indent=2, hang=2)

    def journal_failed(self, run: Run, error: JournalError) -> bool:
        """Says that nothing moved, and asks whether to try again."""
        self._console.show(f"! {error}", indent=2, hang=2)
        self._console.show(texts.NOTHING_MOVED, indent=2)
        if not self._console.interactive:
            return False
        try:
            return Asker(self._console, (), lambda *_: None, lambda: True).yes(
                texts.yes_no(texts.WRITE_AGAIN)
            )
        except (EOFError, KeyboardInterrupt):
            return False

    def ended(self, run: Run, end: End) -> None:
        """Shows how the call ended."""
        show = self._console.show
        show()
        show(f"── {end.state.title} ──", bold=True)
        if end.state.say:
            speak(self._console, run.session.words(end.state.say))
        if end.state.end:
            show(run.session.words(end.state.end), indent=2)
        show(f"Case {run.log.header.case_id}", indent=2)

    def _name_horizon(self, run: Run) -> None:
        """Says once, when a write was sent, that going back ends there (rule 32)."""
        fence = run.horizon
        if fence is None or fence is self._horizon:
            return
        self._horizon = fence
        self._console.show()
        self._console.show(texts.no_way_back(run), indent=2)

    # -- reading ------------------------------------------------------------------------------

    def _read(self, run: Run, turn: Turn) -> Answer | None:
        """One answer; None where a command was carried out and the question stands."""
        if turn.due is not None:
            line = self._console.read(self._due_prompt(run, turn, turn.due))
        else:
            line = self._console.read(self._prompt(run, turn))
        typed = commands.parse(line, turn.options)
        if typed.command:
            return self._command(run, turn, typed.command, typed.text)
        if typed.option is not None:
            return self._option(run, turn, typed.option, typed.text)
        if turn.due is not None:
            return Said(run.session.definition.vocabulary.build_told(turn.due))
        assert turn.typed is not None  # noqa: S101 (the prompt takes no plain line otherwise)
        return self._typed(run, turn, turn.typed, line)

    def _due_prompt(self, run: Run, turn: Turn, due: Due) -> Prompt:
        def validate(line: str) -> None:
            typed = commands.parse(line, turn.options)
            if typed.option is not None and not typed.option.fields:
                flow.allowed(run.session, flow.event_of(run.session, typed.option, {}))
            elif typed.command:
                flow.command_allowed(run, typed)
            elif typed.option is None and line.strip() and answers.yes(line) is not True:
                raise BadAnswer(texts.SAY_FIRST)

        return Prompt("Said? [Enter]", validate, commands.completions(turn.options))

    def _prompt(self, run: Run, turn: Turn) -> Prompt:
        fields = list(turn.typed.fields.items()) if turn.typed else []

        def validate(line: str) -> None:
            typed = commands.parse(line, turn.options)
            if typed.command:
                flow.command_allowed(run, typed)
            elif typed.option is not None:
                if not typed.option.fields:
                    flow.allowed(run.session, flow.event_of(run.session, typed.option, {}))
            elif turn.typed is None:
                words = " or ".join(f"/{option.key}" for option in turn.options)
                raise BadAnswer(f"Please choose: {words}.")
            elif turn.kind == "return_lines":
                flow.form_of(run.session, turn.typed).validate(line)
            else:
                flow.allowed(run.session, flow.parsed(run.session, turn.typed, line, turn.choices))

        label = fields[0][1].prompt if fields else "Your choice"
        offered = [Completion(choice.ident, choice.words[:40]) for choice in turn.choices]
        if turn.typed is not None and turn.kind == "return_lines":
            form = flow.form_of(run.session, turn.typed)
            label, offered = form.label(), form.completions()
        return Prompt(label, validate, [*offered, *commands.completions(turn.options)])

    def _typed(self, run: Run, turn: Turn, question: Question, line: str) -> Answer | None:
        if turn.kind != "return_lines":
            return Said(flow.parsed(run.session, question, line, turn.choices))
        return self._lines(run, turn, question, line)

    def _option(self, run: Run, turn: Turn, option: Question, text: str) -> Answer | None:
        """An answer chosen by its key; its field is asked for, unless it was typed behind it."""
        if not option.fields:
            return Said(flow.event_of(run.session, option, {}))
        (field,) = option.fields.values()
        choices = choices_for(run.session, field.type)
        if text:
            try:
                event = flow.allowed(run.session, flow.parsed(run.session, option, text, choices))
            except BadAnswer as error:
                self._complain(error)
            else:
                return Said(event)
        for number, choice in enumerate(choices, 1):
            self._console.show(f"{number:>3}  {choice.words}", indent=2, hang=5)
        offered = [Completion(choice.ident, choice.words[:40]) for choice in choices]
        line = self._asker(run, turn).line(
            field.prompt,
            lambda typed: flow.allowed(
                run.session, flow.parsed(run.session, option, typed, choices)
            ),
            offered,
        )
        return Said(flow.parsed(run.session, option, line, choices))

    def _asker(self, run: Run, turn: Turn | None) -> Asker:
        """Reads lines within an answer; help, facts and notes leave the answer as it stands."""

        def aside(command: str, text: str) -> None:
            if command == "note":
                self._keep_note(run, text)
            elif command == "facts":
                self._show_facts(run)
            elif command == "story":
                self._show_story(run)
            elif command == "copy":
                self._copy(run)
            elif turn is not None:
                show_help(self._console, turn)

        options = turn.options if turn is not None else ()
        return Asker(self._console, options, aside, lambda: bool(run.log.entries))

    def _complain(self, error: BadAnswer) -> None:
        self._console.show(f"! {error}", indent=2, hang=2)

    def _keep_note(self, run: Run, text: str) -> None:
        kept = flow.note(text)
        if kept:
            run.note(kept)
            self._console.show(texts.NOTE_KEPT, indent=2)

    def _show_facts(self, run: Run) -> None:
        for label, known in facts(run.session):
            self._console.show(f"{label}: {known}", indent=2, hang=2)

    def _copy(self, run: Run) -> None:
        text = flow.to_copy(run)
        done = self._console.copy(text)
        self._console.show(texts.copied(text, done=done), indent=2, whole=True)

    def _show_story(self, run: Run) -> None:
        sentences = run.session.definition.vocabulary.sentences
        for line in story(run.log.header, run.log.entries, None, sentences):
            self._console.show(line, indent=2, hang=10)

    # -- the return's lines -------------------------------------------------------------------

    def _lines(self, run: Run, turn: Turn, question: Question, first: str) -> Answer | None:
        form = flow.form_of(run.session, question)
        asker = self._asker(run, turn)
        form.take(first)
        while True:
            if form.wants_note:
                form.take_note(asker.line(texts.OTHER_REASON, answers.text))
            if form.complete:
                break
            form.take(asker.line(form.label(), form.validate, form.completions()))
        event = flow.valued(run.session, question, form.lines)
        show = self._console.show
        show()
        show(texts.WILL_BE_SENT, indent=2, bold=True)
        for number, (sent, about) in enumerate(form.review(event), 1):
            show(f"{number:>3}  {sent}", indent=2, hang=5)
            show(about, indent=7, hang=2)
        for what in form.left_out():
            show(texts.left_out(what), indent=2, hang=2)
        if question.confirm:
            speak(self._console, run.session.words(question.confirm))
        offered = " / ".join(texts.REVIEW_ANSWERS)
        typed = asker.line(f"{texts.CUSTOMERS_ANSWER} ({offered})", form.validate_yes)
        if answers.yes(typed) is True:
            return Said(event)
        if answers.yes(typed) is False:
            show(texts.nothing_sent(turn), indent=2)
        raise Cancelled

    # -- commands -----------------------------------------------------------------------------

    def _command(self, run: Run, turn: Turn, command: str, text: str) -> Answer | None:
        match command:
            case "back":
                return Back()
            case "note":
                asked = text or self._asker(run, turn).line(texts.NOTE, flow.note)
                self._keep_note(run, asked)
            case "transfer":
                return Said(self._transfer(run, turn))
            case "hangup":
                if self._asker(run, turn).yes(texts.yes_no(texts.GONE)):
                    return Said(run.session.definition.vocabulary.dropped())
            case "check":
                self._checking = lookups.Checking(run.session, lookups.item_for(run.session, text))
                return self._look_ahead(run)
            case "leave":
                if self._asker(run, turn).leaves():
                    raise Left
            case "facts":
                self._show_facts(run)
            case "story":
                self._show_story(run)
            case "copy":
                self._copy(run)
            case "help":
                show_help(self._console, turn)
        return None

    def _transfer(self, run: Run, turn: Turn | None) -> Event:
        """Asks why, and shows the drafted summary for editing (rule 34)."""
        asker = self._asker(run, turn)
        reason = flow.transfer_reason(asker.line(f"{texts.WHY} ({texts.WHY_ABOUT})", answers.text))
        draft = flow.drafted(run.session, reason)
        self._console.show(texts.SUMMARY_ABOUT, indent=2)
        self._console.show(draft, indent=4)

        def event(line: str) -> Event:
            return flow.transfer(run.session, reason, line)

        return event(asker.line(texts.SUMMARY, event, (), draft))

    def _transfer_instead(self, run: Run) -> Event | None:
        """A transfer while the shop is slow; None where the agent went back to waiting."""
        try:
            return self._transfer(run, None)
        except Cancelled:
            return None
        except Instead as instead:
            if instead.typed.command == "hangup" and self._asker(run, None).yes(
                texts.yes_no(texts.GONE)
            ):
                return run.session.definition.vocabulary.dropped()
            return None

    def _look_ahead(self, run: Run) -> LookAhead | None:
        """The next look-up of an item being checked; shows the answer when all are made."""
        checking, self._checking = self._checking, None
        if checking is None or not checking.goes_on(run.session):
            return None
        try:
            call = checking.next_call(run.session)
        except BadAnswer as error:
            self._complain(error)
            return None
        if call is not None:
            self._checking = checking
            return LookAhead(call)
        if words := lookups.words(run.session, checking.item_id):
            self._console.show(words, indent=2, hang=2)
            # The look-ups moved the session; its question need not be shown again.
            self._shown = (run.session, run.session.last)
        return None

    # -- leaving ------------------------------------------------------------------------------

    def _left(self, run: Run) -> Leave:
        show = self._console.show
        show()
        if run.log.entries:
            show(texts.KEPT, indent=2)
            show(f"{self._resume} {run.log.header.case_id}", indent=4, whole=True)
        else:
            show(texts.NOT_KEPT, indent=2)
        return Leave()
