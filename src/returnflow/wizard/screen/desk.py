"""The wizard on a full screen: a desk that shows one call and reads answers from its keys.

It is thin over `turn` and `overview` (what to show), `flow` (what was entered) and the session
(what is allowed), as the desk in plain lines is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from returnflow.engine.definition import Question
from returnflow.engine.front import Fact, Section
from returnflow.engine.machine import Step
from returnflow.engine.run import Answer, Back, Job, Leave, LookAhead, Run, Said
from returnflow.engine.session import Ask, End, Session
from returnflow.engine.vocabulary import Event
from returnflow.errors import JournalError
from returnflow.masking import veiled_text
from returnflow.returns.story import story
from returnflow.wizard import answers, flow, lookups, overview, texts, waiting
from returnflow.wizard.answers import BadAnswer
from returnflow.wizard.commands import COMMANDS, Typed
from returnflow.wizard.screen import keys, panes
from returnflow.wizard.screen.entries import Answers, Checklist, Field, Listing, Options
from returnflow.wizard.screen.entry import Action, Entry, Ways
from returnflow.wizard.screen.items import Items, Reasons
from returnflow.wizard.screen.panel import Menu, Scroll
from returnflow.wizard.screen.scene import Scene
from returnflow.wizard.screen.terminal import Closed, Terminal
from returnflow.wizard.screen.waits import Slow
from returnflow.wizard.turn import (
    Tick,
    Turn,
    checklist,
    choices_for,
    listing_for,
    trouble,
    turn_of,
)

AT_ONCE = 0.2
"""Seconds of waiting that nobody needs to see."""

TICK = 0.25
"""Seconds between two pictures while the shop is slow."""

AT_A_QUESTION = (("F7", "back"), ("F4", "transfer"), ("F2", "note"), ("F8", "hang-up"))
WITHIN = (("Esc", "back"),)
"""Keys that work at every question, and within every answer."""

PASSING = ("facts", "story", "help")
"""Commands that only show something; whatever is asked stays as it is."""


class Cancelled(Exception):  # noqa: N818 (a change of mind, not a failure)
    """The agent went back from a question within an answer."""


class Instead(Exception):  # noqa: N818 (a change of mind, not a failure)
    """The agent dropped the answer at hand for a command, or for another answer."""

    def __init__(self, typed: Typed) -> None:
        self.typed = typed
        super().__init__(typed.command)


class Left(Exception):  # noqa: N818 (a decision, not a failure)
    """The agent leaves the call open."""


class ScreenDesk:
    """See the module.

    Args:
        bar: of the top row: shop and agent.
        patience: seconds to wait for the backend before the agent is asked what to do.
        clock: the present moment.
        notice: what is to be told before the first question, or "".
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
        terminal: Callable[..., Terminal] = Terminal,
    ) -> None:
        self._bar = bar
        self._patience = patience
        self._clock = clock
        self._notice = notice
        self._checking: lookups.Checking | None = None
        self._run: Run | None = None
        self._turn: Turn | None = None
        self._scene: Scene | None = None
        self._sections: list[Section] = []
        self._unveiled = False
        self._panel = False
        self._inner = False
        self.left = False
        self.goes_on = False
        self.only_call = False
        self.terminal = terminal(self._shown, self._everywhere)

    def close(self) -> None:
        """Gives the terminal back."""
        self.terminal.close()

    # -- the desk's part in a run -------------------------------------------------------------

    def ask(self, run: Run, ask: Ask) -> Answer:
        """Shows the turn and reads an answer."""
        answer: Answer = self._turned(self._ask(run, ask))
        return answer

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
        question = self._yes(texts.WRITE_AGAIN, (f"! {error}", texts.NOTHING_MOVED))
        try:
            return self.terminal.turn(question)
        except (Closed, Left):
            return False

    def ended(self, run: Run, end: End) -> None:
        """Shows how the call ended, and offers the next one."""
        self._begin(run, None)
        try:
            self.terminal.turn(self._wrap_up(run))
        except (Closed, Left):
            self.goes_on = False

    def _turned(self, work: Any) -> Any:
        try:
            return self.terminal.turn(work)
        except (Closed, Left):
            self.left = True
            return Leave()

    # -- asking -------------------------------------------------------------------------------

    async def _ask(self, run: Run, ask: Ask) -> Answer:
        notice, self._notice = self._notice, ""
        ahead, told = self._look_ahead(run)
        if ahead is not None:
            return ahead
        notice = told or notice
        while True:
            turn = turn_of(run.session, ask)
            self._begin(run, turn)
            entry = self._entry(run, turn)
            entry.info, notice = notice, ""
            try:
                got = await self._answer_of(entry)
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

    async def _answered(self, run: Run, turn: Turn, got: object) -> Answer | str | None:
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
                    checks=lookups.possible(session),
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
        return Said(await self._within(self._typed_entry(run, turn, option, others)))

    # -- the return's lines -------------------------------------------------------------------

    async def _lines(
        self, run: Run, turn: Turn, question: Question, given: Sequence[str]
    ) -> Answer | str:
        form = flow.form_of(run.session, question)
        for answer, label in zip(given, form.labels(), strict=True):
            form.take(answer)
            if form.wants_note:
                form.take_note(
                    await self._within(Field(texts.OTHER_REASON, answers.text, about=[label]))
                )
        event = flow.allowed(run.session, flow.valued(run.session, question, form.lines))
        about = [texts.WILL_BE_SENT]
        for number, (sent, means) in enumerate(form.review(event), 1):
            about += [f"{number:>2}  {sent}", f"    {means}"]
        about += [texts.left_out(what) for what in form.left_out()]
        review = Answers(texts.REVIEW_ANSWERS, about, escape="change")
        said = run.session.words(question.confirm) if question.confirm else ""
        chosen = await self._within(review, say=said)
        if chosen == "yes":
            return Said(event)
        return texts.nothing_sent(turn) if chosen == "no" else ""

    # -- commands -----------------------------------------------------------------------------

    async def _command(self, run: Run, typed: Typed) -> Answer | str | None:
        flow.command_allowed(run, typed)
        vocabulary = run.session.definition.vocabulary
        match typed.command:
            case "back":
                return Back()
            case "note":
                return await self._note(run, typed.text)
            case "transfer":
                return Said(await self._transfer(run))
            case "hangup":
                return Said(vocabulary.dropped()) if await self._yes(texts.GONE) else None
            case "check":
                item = lookups.item_for(run.session, typed.text)
                self._checking = lookups.Checking(run.session, item)
                ahead, told = self._look_ahead(run)
                return ahead if ahead is not None else told
            case "leave":
                await self._leave(run)
        return None

    async def _note(self, run: Run, text: str) -> str:
        note = text or await self._within(Field(texts.NOTE, flow.note, tall=True))
        kept = flow.note(note)
        if not kept:
            return ""
        run.note(kept)
        return texts.NOTE_KEPT

    async def _transfer(self, run: Run) -> Event:
        """Asks why, and shows the drafted summary for editing (rule 34)."""
        reason = await self._within(Field(texts.WHY, flow.transfer_reason, about=[texts.WHY_ABOUT]))
        event: Event = await self._within(
            Field(
                texts.SUMMARY,
                lambda line: flow.transfer(run.session, reason, line),
                about=[texts.SUMMARY_ABOUT],
                default=flow.drafted(run.session, reason),
                tall=True,
            )
        )
        return event

    async def _leave(self, run: Run) -> None:
        if await self._yes(texts.leaving(bool(run.log.entries))):
            raise Left

    async def _yes(self, question: str, about: Sequence[str] = ()) -> bool:
        words = Answers({"yes": "", "no": ""}, [*about, question], escape="no")
        return bool(await self._within(words) == "yes")

    async def _pass(self, command: str) -> Typed | None:
        """Shows something over the question; what is chosen in the menu, if anything was."""
        run, turn = self._run, self._turn
        if run is None:
            return None
        panel: Entry
        if command == "facts":
            panel = Scroll(texts.FACTS, lambda: self._all_facts(run, turn), ("f5",))
        elif command == "story":
            panel = Scroll(texts.STORY, lambda: self._story(run), ("f6",))
        else:
            return await self._menu(run, turn)
        await self._over(panel)
        return None

    async def _menu(self, run: Run, turn: Turn | None) -> Typed | None:
        """Everything that can be done now; what is chosen is done."""
        by_command = {command: key for key, command in keys.COMMANDS.items()}
        things: list[tuple[str, str, object]] = []
        for option in turn.options if turn is not None and not self._inner else ():
            things.append((f"/{option.key}", option.label, Typed("", option, "")))
        for command, does in COMMANDS.items():
            if command in ("help", "check"):
                continue
            key = keys.LEAVE if command == "leave" else keys.shown(by_command[command])
            things.append((key, f"{does} (/{command})", Typed(command, None, "")))
        things.append((keys.shown(keys.UNVEIL), texts.UNVEIL, keys.UNVEIL))
        about = [texts.KEYS_ABOUT]
        if turn is not None and turn.typed is not None:
            about = [
                f"{field.prompt}: {field.help}"
                for field in turn.typed.fields.values()
                if field.help
            ] + about
        chosen = await self._over(Menu(texts.MENU, things, about))
        if chosen == keys.UNVEIL:
            self._unveil()
        if not isinstance(chosen, Typed):
            return None
        return await self._pass(chosen.command) if chosen.command in PASSING else chosen

    # -- entries ------------------------------------------------------------------------------

    async def _answer_of(self, entry: Entry) -> Any:
        """The result of an entry; what only shows something is shown, and the entry goes on."""
        while True:
            self._show(entry)
            got = await self.terminal.ask(entry)
            text = self.terminal.text
            if isinstance(got, Typed) and got.command in PASSING:
                if text.lstrip().startswith("/"):
                    text = ""
                got = await self._pass(got.command)
                if got is None:
                    entry.default, entry.error = text, ""
                    continue
            return got

    async def _within(self, entry: Entry, say: str | None = None) -> Any:
        """The result of an entry within an answer.

        Raises:
            Cancelled: Escape, or /back.
            Instead: another command, or another answer.
        """
        outer, self._inner = self._inner, True
        if self._scene is not None:
            # Another thing is asked than what the instruction is about. The next turn makes all
            # of it anew; until then what was asked stays to be seen.
            self._scene.do, self._scene.known = "", ()
            self._scene.hints = WITHIN
            if say is not None:
                self._scene.say = say
        try:
            while True:
                got = await self._answer_of(entry)
                if not isinstance(got, Typed):
                    return got
                if got.command == "back":
                    raise Cancelled
                if got.command == "leave" and self._run is not None:
                    await self._leave(self._run)
                    continue
                raise Instead(got)
        finally:
            self._inner = outer

    async def _over(self, panel: Entry) -> Any:
        shown = self._scene.entry if self._scene is not None else None
        self._panel = True
        self._show(panel)
        try:
            return await self.terminal.ask(panel)
        finally:
            self._panel = False
            if shown is not None:
                self._show(shown)

    # -- what is seen -------------------------------------------------------------------------

    def _begin(self, run: Run, turn: Turn | None) -> None:
        """What the whole turn shows, but for the entry; made once, not at every painting."""
        if self._run is not run:
            self._unveiled = False
        self._run, self._turn = run, turn
        session = run.session
        self._sections = overview.sections(session, unveiled=self._unveiled)
        self._scene = Scene(
            bar=(*self._bar, run.log.header.case_id),
            journey=overview.journey(run),
            heading=turn.step if turn is not None else session.state.title,
            entry=Entry(),
            say=(turn.tell or turn.say) if turn is not None else "",
            do=turn.do if turn is not None and turn.due is None else "",
            known=self._known(turn, session),
            trouble=trouble(session) if turn is not None else (),
            sections=self._sections,
            hints=AT_A_QUESTION,
        )

    def _known(self, turn: Turn | None, session: Session) -> Sequence[Fact]:
        if turn is None:
            return ()
        return overview.matters(turn, session, unveiled=self._unveiled)

    def _show(self, entry: Entry) -> None:
        if self._scene is not None:
            self._scene.entry = entry
        self.terminal.repaint()

    def _shown(self) -> Scene | None:
        """The scene, for the terminal."""
        return self._scene

    def _unveil(self) -> None:
        self._unveiled = not self._unveiled
        if self._run is not None and self._scene is not None:
            self._sections = overview.sections(self._run.session, unveiled=self._unveiled)
            self._scene.sections = self._sections
            if not self._inner:
                self._scene.known = self._known(self._turn, self._run.session)

    def _all_facts(self, run: Run, turn: Turn | None) -> list[str]:
        lines: list[str] = []
        if turn is not None and (words := turn.due_words or turn.tell or turn.say):
            lines += [*(f"“{line}”" for line in words.split("\n")), ""]
        lines += [f"{label}: {text}" for label, text in trouble(run.session)]
        return [*lines, *panes.facts_text(self._sections)]

    def _story(self, run: Run) -> list[str]:
        sentences = run.session.definition.vocabulary.sentences
        lines = story(run.log.header, run.log.entries, None, sentences)
        return [line if self._unveiled else veiled_text(line) for line in lines]

    def _everywhere(self) -> Mapping[str, Action]:
        """The keys that work whatever is asked, but for panels."""
        entry = self.terminal.entry
        if self._panel or entry is None or self._run is None or isinstance(entry, Slow):
            return {}

        def command(word: str) -> Action:
            return lambda: entry.finish(Typed(word, None, ""))

        if self._turn is None:
            found = {"c-c": command("leave"), "c-d": command("leave"), keys.UNVEIL: self._unveil}
            return found | ({"escape": command("back")} if self._inner else {})
        found = {key: command(word) for key, word in keys.COMMANDS.items()}
        found |= {
            "escape": command("back" if self._inner else "help"),
            "?": command("help"),
            "c-c": command("leave"),
            "c-d": command("leave"),
            keys.UNVEIL: self._unveil,
        }
        return found

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
        self._begin(run, None)
        assert self._scene is not None  # noqa: S101 (it was just made)
        state = run.session.state
        self._scene.heading = f"Step {state.step} · {run.session.definition.steps[state.step]}"
        self._scene.say = run.session.tell() or (run.session.words(state.say) if state.say else "")
        self._scene.hints = ()
        slow = Slow(
            state.title,
            lambda: job.seconds,
            waiting.choices(run, job),
            lambda: job.seconds > self._patience,
            texts.no_answer,
            job.call.operation,
        )
        while True:
            self._show(slow)
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
            return await self._yes(texts.GONE)
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

    async def _wrap_up(self, run: Run) -> None:
        """What came of the call; then the next one, or none."""
        told = ""
        while True:
            over = overview.wrap_up(run, self._clock())
            self._begin(run, None)
            assert self._scene is not None  # noqa: S101 (it was just made)
            self._scene.say = over.say
            self._scene.hints = ()
            offered = dict(texts.NEXT_CALL)
            if self.only_call:
                del offered["next"]
            entry = Answers(offered, overview.wrap_up_lines(over))
            entry.info, told = told, ""
            try:
                chosen = await self._within(entry)
            except Cancelled:
                continue
            except Instead:
                chosen = "quit"
            if chosen == "next":
                self.goes_on = True
                return
            if chosen == "quit":
                self.goes_on = False
                return
            try:
                if chosen == "note":
                    told = await self._note(run, "")
                else:
                    await self._over(Scroll(texts.STORY, lambda: self._story(run), ("f6",)))
            except (Cancelled, Instead):
                continue
