"""The command line. Each command imports what it needs when it is called."""

from __future__ import annotations

import contextlib
import sys

import click

from returnflow import __version__
from returnflow.cli.status import CANNOT_START, FAILED
from returnflow.errors import DefinitionError, ReturnflowError, UsageError
from returnflow.inert import inert_lines


class _Lazy(click.Group):
    """A group whose commands are imported when they are asked for."""

    COMMANDS = {  # noqa: RUF012 (never changed)
        "wizard": ("returnflow.cli.wizard", "lead a call"),
        "calls": ("returnflow.cli.calls", "list, show, resume and export calls"),
        "replay": ("returnflow.cli.replay", "judge recorded calls"),
        "sop": ("returnflow.cli.sop", "check, prove, show, walk and compare procedures"),
        "backend": ("returnflow.cli.backend", "try a shop and its adapter"),
        "import": ("returnflow.cli.import_", "move a shop into SQL"),
        "database": ("returnflow.cli.database", "make and upgrade journals and shops"),
        "settings": ("returnflow.cli.settings", "where the settings are, and what holds"),
        "demo": ("returnflow.cli.demo", "who to try in the demo shop"),
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.COMMANDS:
            return None
        from importlib import import_module

        command = import_module(self.COMMANDS[name][0]).command
        assert isinstance(command, click.Command)  # noqa: S101
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.COMMANDS:
            from difflib import get_close_matches

            close = get_close_matches(args[0], self.COMMANDS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            ctx.fail(f"There is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in self.COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="returnflow %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Leads a call-centre agent through a return, step by step, and keeps every call.

    To try it: returnflow demo, then returnflow wizard.
    """
    if ctx.invoked_subcommand in ("wizard", "calls"):
        from returnflow import settings

        said = settings.load()
        lead = said.options("journal", "agent", "patience", "timeout", "plain")
        new = said.options("backend", "zone")
        read = dict.fromkeys(("list", "show", "export"), said.options("journal"))
        ctx.default_map = {"wizard": lead | new, "calls": {"resume": lead, **read}}
        ctx.obj = said


def run(arguments: list[str] | None = None) -> int:
    """Runs the command line; the exit status. Errors of ours are told in one line each."""
    try:
        result = cli.main(args=arguments, prog_name="returnflow", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.Abort:
        return FAILED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (UsageError, DefinitionError) as error:
        _tell(error)
        return CANNOT_START
    except ReturnflowError as error:
        _tell(error)
        return FAILED
    except BrokenPipeError:
        # Whoever read our output has gone, as `head` does: no fault, and nobody to tell.
        sys.stderr.close()
        return FAILED
    except OSError as error:
        # A full disk under the output, most often; flushing it again at exit would fail again.
        with contextlib.suppress(OSError):
            sys.stdout.close()
        _tell(ReturnflowError(f"the output cannot be written: {error.strerror or error}"))
        return FAILED
    except Exception as error:
        # A bug, ours or an adapter's: told in a line, kept whole in a file for its mender.
        _tell_bug(error)
        return FAILED
    return result if isinstance(result, int) else 0


def _tell_bug(error: Exception) -> None:
    """One line on the screen, the traceback in a file; personal data in neither (rule 38)."""
    import traceback
    from datetime import UTC, datetime

    from returnflow import masking
    from returnflow.home import data_dir

    kept = "What was journaled is kept; calls list --open names it."
    try:
        folder = data_dir()
        mask = masking.Masker(masking.MaskKey.load(folder)).mask_text
        path = folder / f"fault-{datetime.now(UTC):%Y%m%d-%H%M%S}.txt"
        details = mask("".join(traceback.format_exception(error)))
        path.write_text(details, encoding="utf-8", errors="backslashreplace")
    except (OSError, ReturnflowError) as other:
        # Without a key nothing can be masked, so only the kind of the fault is told.
        _tell(ReturnflowError(f"a fault in the program: {type(error).__name__}. {kept} ({other})"))
        return
    said = mask(f"{type(error).__name__}: {error}")
    where = f"The details are in {path}: please report them."
    _tell(ReturnflowError(f"a fault in the program: {said}\n{kept} {where}"))


def _tell(error: Exception) -> None:
    click.echo(f"returnflow: {inert_lines(str(error))}", err=True)
