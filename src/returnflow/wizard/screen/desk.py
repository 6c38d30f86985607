"""The wizard on a full screen: a desk that shows one call and reads answers from its keys.

It is thin over `turn` and `overview` (what to show), `flow` (what was entered) and the session
(what is allowed), as the desk in plain lines is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from returnflow.engine.definition import Question
from returnflow.engine.machine import Step
from returnflow.engine.run import Answer, Back, Job, Leave, LookAhead, Run, Said
from returnflow.engine.session import Ask, End
from returnflow.engine.vocabulary import Event
from returnflow.errors import JournalError
from returnflow.settings import Settings
from returnflow.wizard import answers, flow, lookups, overview, texts, waiting
from returnflow.wizard.answers import BadAnswer
from returnflow.wizard.commands import Typed
from returnflow.wizard.screen.dialog import Cancelled, Dialog, Instead, Left
from returnflow.wizard.screen.entries import Checklist, Field, Listing, Options
from returnflow.wizard.screen.entry import Entry, Ways
from returnflow.wizard.screen.items import Items, Reasons
from returnflow.wizard.screen.letters import Answers
from returnflow.wizard.screen.sight import Sight
from returnflow.wizard.screen.terminal import Closed, Terminal
from returnflow.wizard.screen.waits import Slow
from returnflow.wizard.turn import (
    Tick,
    Turn,
    checklist,
    choices_for,
    listing_for,
    turn_of,
)

AT_ONCE = 0.2
"""Seconds of waiting that nobody needs to see."""

TICK = 0.25
"""Seconds between two pictures while the shop is slow."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A note that is to be kept; the question stands."""

    text: str


class ScreenDesk:
    """See the module.

    Args:
        bar: of the top row: shop and agent.
        patience: seconds to wait for the backend before the agent is asked what to do.
        clock: the present moment.
        notice: what is to be told before the first question, or "".
        settings: keys, theme, mouse and veil; by default as they come.
        terminal: makes the terminal, from what a `Terminal` is given.

    Attributes:
        left: the last call was left open.
        goes_on: the agent wants to lead another call.
        only_call: there is no other call to be led.
    """

    def __init__(
        self,
        bar: Sequence[str],
        patience: float,
        clock: Callable[[], datetime],
        *,
        notice: str = "",
        settings: Settings | None = None,
        terminal: Callable[..., Terminal] = Terminal,
    ) -> None:
        chosen = settings or Settings()
        self._sight = Sight(bar, chosen)
        self._dialog = Dialog(self._sight)
        self._patience = patience
        self._clock = clock
        self._notice = notice
        self._checking: lookups.Checking | None = None
        self.left = False
        self.goes_on = False
        self.only_call = False
        self.terminal = terminal(
            lambda: self._sight.scene,
            self._dialog.everywhere,
            theme=chosen.theme,
            mouse=chosen.mouse,
        )
        self._dialog.terminal = self.terminal

    def close(self) -> None:
        """Gives the terminal back."""
        self.terminal.close()

    # -- the desk's part in a run -------------------------------------------------------------

    def ask(self, run: Run, ask: Ask) -> Answer:
        """Shows the turn and reads an answer."""
        while True:
            answer: Answer | Kept = self._turned(self._ask(run, ask))
            if not isinstance(answer, Kept):
                return answer
            self._keep(run, answer)

    def wait(self, run: Run, job: Job) -> Event | Leave:
        """Waits for the backend; the screen lives on meanwhile."""
        outcome: Event | Leave = self._turned(self._wait(run, job))
        if job.call.write:
            # Whatever was pressed while something was sent was not meant for what comes next.
            self.terminal.drop_keys()
        return outcome

    def refused(self, run: Run, step: Step) -> None:
        """Says why the machine did not take the answer."""
        self._notice = f"! {run.session.refusal(step)}"

    def journal_failed(self, run: Run, error: JournalError) -> bool:
        """Says that nothing moved, and asks whether to try again."""
        about = (f"! {error}", texts.NOTHING_MOVED)
        while True:
            try:
                return self.terminal.turn(self._dialog.yes(texts.WRITE_AGAIN, about))
            except (Cancelled, Instead):
                # Nothing else can be done before this is decided.
                continue
            except (Closed, Left):
                return False

    def ended(self, run: Run, end: End) -> None:
        """Shows how the call ended, and offers the next one."""
        told = ""
        try:
            while (kept := self.terminal.turn(self._wrap_up(run, told))) is not None:
                self._keep(run, kept)
                told, self._notice = self._notice, ""
        except (Closed, Left):
            self.goes_on = False

    def _keep(self, run: Run, note: Kept) -> None:
        """Writes a note, while no event loop turns: the journal may have to ask the agent."""
        run.note(note.text)
        self._notice = texts.NOTE_KEPT

    def _turned(self, work: Any) -> Any:
        try:
            return self.terminal.turn(work)
        except (Closed, Left):
            self.left = True
            return Leave()

    # -- asking -------------------------------------------------------------------------------

    async def _ask(self, run: Run, ask: Ask) -> Answer | Kept:
        notice, self._notice = self._notice, ""
        ahead, told = self._look_ahead(run)
        if ahead is not None:
            return ahead
        notice = told or notice
        while True:
            turn = turn_of(run.session, ask)
            self._sight.begin(run, turn)
            entry = self._entry(run, turn)
            entry.info, notice = notice, ""
            try:
                got = await self._dialog.answer_of(entry)
                while True:
                    try:
                        answer = await self._answered(run, turn, got)
                    except Instead as other:
                        got = other.typed
                        continue
                    break
            except Cancelled:
                continue
            except BadAnswer as error:
                notice = f"! {error}"
                continue
            if isinstance(answer, str):
                notice = answer
            elif answer is not None:
                return answer

    async def _answered(self, run: Run, turn: Turn, got: object) -> Answer | Kept | str | None:
        """What an entry's result comes to; text: what to tell, and the question stands."""
        if isinstance(got, Typed):
            if got.command:
                return await self._command(run, got)
            if got.option is not None:
                return await self._option(run, turn, got.option, got.text)
            return None
        if isinstance(got, tuple) and turn.typed is not None:
            return await self._lines(run, turn, turn.typed, got)
        return Said(got)  # type: ignore[arg-type]

    def _entry(self, run: Run, turn: Turn) -> Entry:
        """The way of answering that the question calls for."""
        session, typed = run.session, turn.typed
        if turn.due is not None:

            def told(tick: Tick) -> Event:
                return flow.allowed(session, session.definition.vocabulary.build_told(tick.due))

            return Checklist(checklist(session), told, turn.options)
        if typed is None:
            return Options(turn.options)
        return self._typed_entry(run, turn, typed, turn.options)

    def _typed_entry(
        self, run: Run, turn: Turn, question: Question, options: Sequence[Question]
    ) -> Ways:
        """The way of typing or choosing the value of a question's field."""
        session = run.session
        (field,) = question.fields.values()
        choices = choices_for(session, field.type)

        def line(text: str) -> Event:
            return flow.allowed(session, flow.parsed(session, question, text, choices))

        match field.type:
            case "picks":
                return Items(
                    choices,
                    listing_for(session, field.type),
                    lambda picks: flow.allowed(session, flow.valued(session, question, picks)),
                    options,
                    check_key=self._sight.keys["check"] if lookups.possible(session) else "",
                )
            case "listed_order" | "listed_item":
                listing = listing_for(session, field.type)
                return Listing(field.prompt, choices, listing, line, options)
            case "return_lines":
                form = flow.form_of(session, question)
                return Reasons(
                    field.prompt, lambda: flow.form_of(session, question), form.labels(), options
                )
        return Field(field.prompt, line, options, about=[field.help] if field.help else [])

    async def _option(
        self, run: Run, turn: Turn, option: Question, text: str
    ) -> Answer | str | None:
        """An answer chosen by its key; its field is asked for, unless it was typed behind it."""
        session = run.session
        if not option.fields:
            return Said(flow.allowed(session, flow.event_of(session, option, {})))
        (field,) = option.fields.values()
        if text:
            choices = choices_for(session, field.type)
            return Said(flow.allowed(session, flow.parsed(session, option, text, choices)))
        others = [other for other in turn.options if other is not option]
        return Said(await self._dialog.within(self._typed_entry(run, turn, option, others)))

    # -- the return's lines -------------------------------------------------------------------

    async def _lines(
        self, run: Run, turn: Turn, question: Question, given: Sequence[str]
    ) -> Answer | str:
        form = flow.form_of(run.session, question)
        for answer, label in zip(given, form.labels(), strict=True):
            form.take(answer)
            if form.wants_note:
                form.take_note(
                    await self._dialog.within(
                        Field(texts.OTHER_REASON, answers.text, about=[label])
                    )
                )
        event = flow.allowed(run.session, flow.valued(run.session, question, form.lines))
        about = [texts.WILL_BE_SENT]
        for number, (sent, means) in enumerate(form.review(event), 1):
            about += [f"{number:>2}  {sent}", f"    {means}"]
        about += [texts.left_out(what) for what in form.left_out()]
        review = Answers(texts.REVIEW_ANSWERS, about, escape="change")
        said = run.session.words(question.confirm) if question.confirm else ""
        chosen = await self._dialog.within(review, say=said)
        if chosen == "yes":
            return Said(event)
        return texts.nothing_sent(turn) if chosen == "no" else ""

    # -- commands -----------------------------------------------------------------------------

    async def _command(self, run: Run, typed: Typed) -> Answer | Kept | str | None:
        flow.command_allowed(run, typed)
        vocabulary = run.session.definition.vocabulary
        match typed.command:
            case "back":
                return Back()
            case "note":
                return await self._note(typed.text)
            case "transfer":
                return Said(await self._transfer(run))
            case "hangup":
                return Said(vocabulary.dropped()) if await self._dialog.yes(texts.GONE) else None
            case "check":
                item = lookups.item_for(run.session, typed.text)
                self._checking = lookups.Checking(run.session, item)
                ahead, told = self._look_ahead(run)
                return ahead if ahead is not None else told
            case "leave":
                await self._dialog.leave(run)
        return None

    async def _note(self, text: str) -> Kept | None:
        note = text or await self._dialog.within(Field(texts.NOTE, flow.note, tall=True))
        kept = flow.note(note)
        return Kept(kept) if kept else None

    async def _transfer(self, run: Run) -> Event:
        """Asks why, and shows the drafted summary for editing (rule 34)."""
        reason = await self._dialog.within(
            Field(texts.WHY, flow.transfer_reason, about=[texts.WHY_ABOUT])
        )
        event: Event = await self._dialog.within(
            Field(
                texts.SUMMARY,
                lambda line: flow.transfer(run.session, reason, line),
                about=[texts.SUMMARY_ABOUT],
                default=flow.drafted(run.session, reason),
                tall=True,
            )
        )
        return event

    # -- looking ahead ------------------------------------------------------------------------

    def _look_ahead(self, run: Run) -> tuple[LookAhead | None, str]:
        """The next look-up of an item being checked; the answer in words when all are made."""
        checking, self._checking = self._checking, None
        if checking is None or not checking.goes_on(run.session):
            return None, ""
        try:
            call = checking.next_call(run.session)
        except BadAnswer as error:
            return None, f"! {error}"
        if call is not None:
            self._checking = checking
            return LookAhead(call), ""
        return None, lookups.words(run.session, checking.item_id)

    # -- waiting ------------------------------------------------------------------------------

    async def _wait(self, run: Run, job: Job) -> Event | Leave:
        done = self._done(job)
        if await done(AT_ONCE):
            return job.result()
        scene = self._sight.begin(run, None)
        state = run.session.state
        scene.heading = f"Step {state.step} · {run.session.definition.steps[state.step]}"
        scene.say = run.session.tell() or (run.session.words(state.say) if state.say else "")
        scene.hints = ()
        slow = Slow(
            state.title,
            lambda: job.seconds,
            waiting.choices(run, job),
            lambda: job.seconds > self._patience,
            texts.no_answer,
            job.call.operation,
        )
        while True:
            self._dialog.show(slow)
            chosen = await self._chosen(slow, done)
            if chosen == "transfer":
                try:
                    return await self._transfer(run)
                except Cancelled:
                    continue
                except Instead as other:
                    chosen = other.typed.command
            if chosen == "hangup" and not await self._gone(run):
                continue
            decision = waiting.decided(run, job, chosen)
            if decision is not None:
                return decision

    async def _gone(self, run: Run) -> bool:
        try:
            return await self._dialog.yes(texts.GONE)
        except (Cancelled, Instead):
            return False

    async def _chosen(self, slow: Slow, done: Callable[[float], Any]) -> str:
        """What the agent chooses while the shop is slow; "" once it has answered."""
        asked = asyncio.ensure_future(self.terminal.ask(slow))
        try:
            while not asked.done():
                if await done(TICK):
                    return ""
                self.terminal.repaint()
            return str(asked.result())
        finally:
            asked.cancel()

    def _done(self, job: Job) -> Callable[[float], Any]:
        """Waits for a job for up to so many seconds; whether it is done."""
        event = asyncio.Event()
        job.then(lambda: self.terminal.call_soon(event.set))

        async def done(seconds: float) -> bool:
            try:
                await asyncio.wait_for(event.wait(), seconds)
            except TimeoutError:
                return False
            return True

        return done

    # -- the end ------------------------------------------------------------------------------

    async def _wrap_up(self, run: Run, told: str) -> Kept | None:
        """What came of the call; then a note to be kept, or None: the next call, or none."""
        while True:
            over = overview.wrap_up(run, self._clock())
            scene = self._sight.begin(run, None)
            scene.say = over.say
            scene.hints = ()
            offered = dict(texts.NEXT_CALL)
            if self.only_call:
                del offered["next"]
            entry = Answers(
                offered, overview.wrap_up_lines(over), final=True, among=texts.NEXT_CALL
            )
            entry.info, told = told, ""
            try:
                chosen = await self._dialog.within(entry)
            except Cancelled:
                continue
            except Instead:
                chosen = "quit"
            if chosen == "next":
                self.goes_on = True
                return None
            if chosen == "quit":
                self.goes_on = False
                return None
            try:
                if chosen == "note":
                    kept = await self._note("")
                    if kept is not None:
                        return kept
                else:
                    await self._dialog.over(self._sight.story())
            except (Cancelled, Instead):
                continue
