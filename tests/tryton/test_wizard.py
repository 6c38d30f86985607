"""Whole calls of the wizard on a live Tryton, as an agent leads them; the network fails in one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tryton.relay import Relay, once
from tryton.server import PASSWORD, Server
from tryton.staff import Staff

POLICY = """\
[categories.Kitchen]
eligible = true
window = "unlimited"
"""


class Desk:
    """An agent's machine: a data folder, the policy, the password."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "tryton.toml").write_text(POLICY, encoding="utf-8")

    def run(self, *arguments: str, lines: list[str] | None = None) -> tuple[int, str]:
        """The exit status of a command, and what it showed."""
        done = subprocess.run(
            [sys.executable, "-m", "returnflow", *arguments],
            check=False,
            input="".join(f"{line}\n" for line in lines or []),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={
                **os.environ,
                "RETURNFLOW_HOME": str(self.home),
                "RETURNFLOW_TRYTON_PASSWORD": PASSWORD,
                "NO_PROXY": "127.0.0.1",
            },
        )
        return done.returncode, done.stdout


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_call_from_the_address_to_the_notices(server: Server, staff: Staff, desk: Desk) -> None:
    """Rules 17, 25 to 27, 31, 33: two of three kettles go back, and the return stands in Tryton."""
    lines = ["Dora@Example.com", "call", "KETTLE x 2", "defective", "yes", "", "", "", "/done"]
    status, shown = desk.run("wizard", "--backend", server.url(), lines=lines)
    assert status == 0, shown
    assert "49.80" in shown
    [(_, state)] = staff.rows(
        "SELECT id, state FROM sale_complaint WHERE description = 'DEFECTIVE'"
        " AND origin = (SELECT 'sale.sale,' || id FROM sale_sale WHERE number = 'CALL')"
    )
    assert state == "done"
    # The one that is left, and no more than that.
    lines = ["dora@example.com", "CALL", "KETTLE x 2", "KETTLE", "/transfer", "asked for it", ""]
    status, shown = desk.run("wizard", "--backend", server.url(), lines=lines)
    assert status == 0, shown
    assert "2 in a return already" in shown
    status, shown = desk.run("calls", "list")
    assert PASSWORD not in shown


def test_a_cut_in_the_middle_of_a_return(
    server: Server, relay: Relay, staff: Staff, desk: Desk
) -> None:
    """Rules 28, 29: the call is left, taken up again without the cut, and it is one return."""
    relay.plan = once("complaint.approve", "cut_after")
    url = server.url(port=relay.port)
    lines = ["dora@example.com", "CUT-CALL", "KETTLE x 2", "other: too loud", "yes"]
    status, shown = desk.run("wizard", "--backend", url, lines=lines)
    assert status == 3, shown
    assert "nobody knows yet whether the return" in shown
    _, listed = desk.run("calls", "list", "--open")
    case = listed.splitlines()[1].split()[0]
    again = ["/again", "", "", "", "/done"]
    status, shown = desk.run("calls", "resume", case, lines=again)
    assert status == 0, shown
    found = staff.rows(
        """
        SELECT sale.state, line.quantity FROM sale_complaint AS complaint
        JOIN sale_sale AS about ON complaint.origin = 'sale.sale,' || about.id
        JOIN sale_sale AS sale ON sale.origin = 'sale.complaint,' || complaint.id
        JOIN sale_line AS line ON line.sale = sale.id
        WHERE about.number = 'CUT-CALL'
        """
    )
    assert found == [("processing", -2.0)]


@pytest.mark.parametrize("user", ["returnflow", "nobody"])
def test_a_password_in_the_url_is_never_shown(server: Server, desk: Desk, user: str) -> None:
    """Nor is it taken."""
    url = server.url(user=f"{user}:{PASSWORD.replace(' ', '%20')}")
    status, shown = desk.run("wizard", "--backend", url)
    assert status == 2
    assert "a password does not belong into a URL" in shown
    assert PASSWORD.replace(" ", "%20") not in shown
