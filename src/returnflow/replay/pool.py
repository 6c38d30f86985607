"""Worker processes that judge the parts of a log, the results in the order of the log.

This process reads the log; the workers read, judge and write its parts (`returnflow.replay.work`).
Each worker has one part at a time and the next goes out when its answer has come, so no pipe can
fill up from both sides.
"""

from __future__ import annotations

import multiprocessing
import signal
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import connection
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from returnflow.errors import ReturnflowError, UsageError
from returnflow.replay.work import Bench, Done, Job

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from returnflow.replay.transcripts.reader import Unit

AHEAD = 4
"""So many parts for each worker may wait for an earlier one to be finished."""

MAX_DEATHS = 12
"""After so many workers in a row that ended without an answer nothing more is tried."""


@dataclass(slots=True)
class _Task:
    """Units of one part that go to a worker together; `start` is their place in the part."""

    part: int
    start: int
    units: Sequence[Unit]
    deaths: int = 0


@dataclass(slots=True)
class _Open:
    """A part of which not everything has come back."""

    missing: int
    done: dict[int, Done] = field(default_factory=dict)

    def whole(self) -> Done:
        """What came of the part, its pieces in order."""
        pieces = [self.done[start] for start in sorted(self.done)]
        first = pieces[0]
        for piece in pieces[1:]:
            if first.stopped:
                break
            first.add(piece)
        return first


@dataclass(eq=False, slots=True)
class _Worker:
    process: BaseProcess
    pipe: connection.Connection
    task: _Task | None = None
    ready: bool = False


@dataclass(frozen=True, slots=True)
class _Failed:
    """Why a worker cannot work at all: an error of ours, or a fault with its traceback."""

    words: str
    ours: bool

    def error(self) -> Exception:
        """To be raised where the workers were started."""
        return UsageError(self.words) if self.ours else RuntimeError(self.words)


class Pool:
    """Workers, each at the other end of a pipe of its own."""

    def __init__(self, job: Job, jobs: int, tell: Callable[[str], None]) -> None:
        self._job = job
        self._tell = tell
        self._context = multiprocessing.get_context()
        self._workers: list[_Worker] = []
        self._again: deque[_Task] = deque()
        self._open: dict[int, _Open] = {}
        self._given = self._next = 0
        self._deaths = 0
        self._jobs = jobs

    def run(self, parts: Iterator[list[Unit]]) -> Iterator[Done]:
        """What came of each part, in order; the first calls for the workers.

        Raises:
            UsageError, RuntimeError: the workers cannot be set up.
            ReturnflowError: they end again and again.
        """
        ahead: list[Unit] | None = next(parts, None)
        self._workers += [self._started() for _ in range(self._jobs)]
        while True:
            for worker in list(self._workers):
                if worker.task is None and worker.ready:
                    if self._again:
                        self._give(worker, self._again.popleft())
                    elif ahead is not None and self._given - self._next < AHEAD * self._jobs:
                        self._open[self._given] = _Open(len(ahead))
                        self._give(worker, _Task(self._given, 0, ahead))
                        self._given += 1
                        ahead = next(parts, None)
            if not self._open and ahead is None:
                return
            self._hear()
            while self._next in self._open and not self._open[self._next].missing:
                done = self._open.pop(self._next).whole()
                self._next += 1
                yield done
                if done.stopped:
                    return

    def close(self) -> None:
        """Ends the workers, whatever they are at."""
        for worker in self._workers:
            worker.pipe.close()
            if worker.process.is_alive():
                worker.process.terminate()
        for worker in self._workers:
            worker.process.join()
            worker.process.close()
        self._workers.clear()

    def _started(self) -> _Worker:
        here, there = self._context.Pipe()
        # A forked process has this one's ends of all pipes and would keep them open.
        inherited = [each.pipe for each in self._workers] + [here]
        forked = self._context.get_start_method() == "fork"
        process = self._context.Process(
            target=_work, args=(self._job, there, inherited if forked else []), daemon=True
        )
        with _uninterrupted():
            process.start()
        there.close()
        return _Worker(process, here)

    def _give(self, worker: _Worker, task: _Task) -> None:
        worker.task = task
        try:
            worker.pipe.send(task.units)
        except OSError:
            self._died(worker)

    def _hear(self) -> None:
        """Waits for workers to answer, or to end."""
        heard = connection.wait([worker.pipe for worker in self._workers])
        for worker in [each for each in self._workers if each.pipe in heard]:
            try:
                answer: Any = worker.pipe.recv()
            except (EOFError, OSError):
                self._died(worker)
                continue
            if isinstance(answer, _Failed):
                raise answer.error()
            if not worker.ready:
                worker.ready = True
                continue
            task, worker.task = worker.task, None
            assert task is not None  # noqa: S101 (a worker answers only what it was given)
            self._deaths = 0
            part = self._open[task.part]
            part.done[task.start] = answer
            part.missing -= len(task.units)

    def _died(self, worker: _Worker) -> None:
        """Another worker in its place, and what it was at is tried again in smaller pieces."""
        self._deaths += 1
        worker.process.join()
        how = _ending(worker.process.exitcode)
        worker.pipe.close()
        worker.process.close()
        self._workers.remove(worker)
        if self._deaths >= MAX_DEATHS:
            raise ReturnflowError(
                f"the worker processes end unexpectedly, again and again (the last one {how}); "
                "is there enough memory? Fewer --jobs need less"
            )
        self._workers.append(self._started())
        task = worker.task
        if task is None:
            return
        where = _where(task.units)
        if len(task.units) > 1:
            if not task.deaths:
                self._tell(f"a worker process {how} at {where}; its calls are judged again")
            half = len(task.units) // 2
            again = [
                _Task(task.part, task.start, task.units[:half], task.deaths + 1),
                _Task(task.part, task.start + half, task.units[half:], task.deaths + 1),
            ]
        elif not task.deaths:
            self._tell(f"a worker process {how} at {where}; it is judged again")
            again = [_Task(task.part, task.start, task.units, 1)]
        else:
            problem = f"it could not be judged: a worker process {how} at it, twice"
            lost = replace(task.units[0], data=b"", problem=problem)
            again = [_Task(task.part, task.start, [lost], task.deaths + 1)]
        self._again.extend(again)


def _where(units: Sequence[Unit]) -> str:
    """The place of the units, as ``file:1-256``."""
    first, last = units[0], units[-1]
    start = first.source + ("" if first.line is None else f":{first.line}")
    if last is first:
        return start
    if last.source == first.source and last.line is not None:
        return f"{start}-{last.line}"
    return f"{start} to {last.source}" + ("" if last.line is None else f":{last.line}")


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            return f"was ended by {signal.Signals(-code).name}"
        except ValueError:
            return f"was ended by signal {-code}"
    return f"ended with status {code}"


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C waits: a process being started has not yet said that it does not want to hear it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(
    job: Job, pipe: connection.Connection, inherited: Sequence[connection.Connection]
) -> None:
    """A worker: answers each part with what came of it, until the pipe is closed."""
    # Ctrl-C reaches all processes of a terminal; the one that started this one sees to it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for each in inherited:
        each.close()
    try:
        _answer(job, pipe)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # nobody listens any more


def _answer(job: Job, pipe: connection.Connection) -> None:
    try:
        bench = Bench(job)
        pipe.send(None)
        while True:
            units = pipe.recv()
            pipe.send(bench.work(units))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        raise
    except ReturnflowError as error:
        pipe.send(_Failed(str(error), ours=True))
    except Exception:
        pipe.send(_Failed(traceback.format_exc(), ours=False))
