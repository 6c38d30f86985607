"""Makes docs/screen.svg from the wizard itself: ``python docs/screen.py``.

A call is led on a small shop up to the reasons for a return, and the screen that the wizard paints
then is drawn cell by cell. A test checks that the picture is fresh.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Any, TypeVar, cast

from returnflow.backends.answer import performer
from returnflow.bundled import bundled
from returnflow.engine import definition as procedures
from returnflow.engine.journal import Header
from returnflow.engine.journal_sql import open_journal
from returnflow.engine.run import Run
from returnflow.engine.session import Ask, Await, Session
from returnflow.records import Customer, Item, Order, OrderLine, Package, Parcel, ReturnPolicy
from returnflow.returns import events as ev
from returnflow.testing import MemoryShop
from returnflow.wizard.screen import style
from returnflow.wizard.screen.cells import wide
from returnflow.wizard.screen.desk import ScreenDesk
from returnflow.wizard.screen.entry import Action, Entry
from returnflow.wizard.screen.paint import Painting, paint
from returnflow.wizard.screen.scene import Scene
from returnflow.wizard.screen.terminal import Closed

PICTURE = Path(__file__).parent / "screen.svg"

COLUMNS, ROWS = 116, 27
CELL_WIDTH, CELL_HEIGHT, SIZE = 8.4, 18, 14
DAY = date(2026, 11, 23)
MOMENT = datetime(2026, 11, 23, 10, tzinfo=UTC)

T = TypeVar("T")


class Still:
    """A terminal that keeps the first picture and answers nothing."""

    def __init__(
        self,
        scene: Callable[[], Scene | None],
        everywhere: Callable[[], Mapping[str, Action]],
        **_: object,
    ) -> None:
        self._scene = scene
        self.entry: Entry | None = None
        self.text = ""
        self.picture: Painting | None = None

    def turn(self, work: Coroutine[Any, Any, T]) -> T:
        """Begins the work, up to the first thing that is asked."""
        return asyncio.run(work)

    async def ask(self, entry: Entry) -> Any:
        """Paints the question."""
        scene = self._scene()
        self.entry = entry
        if scene is not None:
            self.picture = paint(scene, COLUMNS, ROWS)
        raise Closed

    def repaint(self) -> None:
        """Nobody looks yet."""


def shop() -> MemoryShop:
    """Three items: one may go back, one is too late for it, one is on its way."""

    def line(item_id: str, description: str, price: str, package_id: str) -> OrderLine:
        return OrderLine(
            item_id=item_id,
            description=description,
            quantity=1,
            unit_price=Decimal(price),
            currency="EUR",
            returned=0,
            parcels=(Parcel(package_id=package_id, quantity=1),),
        )

    def package(package_id: str, status: str) -> Package:
        return Package(
            package_id=package_id,
            type="ORDER_DELIVERY",
            current_status=status,
            estimated_delivery_date="2026-11-25",
        )

    windows = {"HEADSET-2": "30", "EARTIPS-M": "14 days", "SHELF-4": "30"}
    return MemoryShop(
        today=DAY,
        customers=[
            Customer(
                customer_id="CUST-1003",
                first_name="Aoife",
                last_name="Brennan",
                email="aoife.brennan@example.com",
                phone_number="+353 1 555 0103",
                active_orders=("ORD-7303",),
            )
        ],
        orders=[
            Order(
                order_id="ORD-7303",
                customer_id="CUST-1003",
                order_date="2026-11-06",
                lines=(
                    line("HEADSET-2", "Wireless headset with a charging stand", "129.00", "PKG-1"),
                    line("EARTIPS-M", "Ear tips for in-ear headphones", "9.90", "PKG-1"),
                    line("SHELF-4", "Wall shelf, four boards", "89.00", "PKG-2"),
                ),
            )
        ],
        items=[
            Item(item_id=item, policy=ReturnPolicy(return_eligible=True, return_window=window))
            for item, window in windows.items()
        ],
        packages=[package("PKG-1", "DELIVERED"), package("PKG-2", "IN_TRANSIT")],
    )


def picture() -> Painting:
    """The screen in the middle of a call."""
    definition = procedures.load(bundled("states") / "handling_returns.yaml")
    backend = shop()
    zone = backend.zone or "UTC"
    perform = performer(backend)
    header = Header(
        case_id="20261123-7K3Q-X4MD",
        sop=definition.sop,
        version=definition.version,
        digest=definition.digest,
        agent="kim",
        policy_date=DAY,
        zone=zone,
        backend="shop",
        started_at=MOMENT,
    )
    desk = ScreenDesk(
        ("returnflow", "shop", "kim"), 20.0, lambda: MOMENT, terminal=cast(Any, Still)
    )
    said = [
        ev.EmailGiven(email="aoife.brennan@example.com"),
        ev.OrderIdGiven(order_id="ORD-7303"),
        ev.ItemsPicked(picks=tuple(ev.Pick(item, 1) for item in ("HEADSET-2", "EARTIPS-M",
                                                                 "SHELF-4"))),
    ]  # fmt: skip
    with (
        tempfile.TemporaryDirectory() as folder,
        open_journal(f"sqlite:///{folder}/journal.sqlite3") as journal,
        journal.begin(header, definition.text) as log,
    ):
        run = Run(Session(definition, DAY, zone), log, desk, perform, lambda: MOMENT)
        while True:
            waiting = run.session.waiting
            if isinstance(waiting, Await):
                run.take(perform(waiting.next_call))
            elif isinstance(waiting, Ask) and waiting.dues:
                run.take(definition.vocabulary.build_told(waiting.dues[0]))
            elif said:
                run.take(said.pop(0))
            elif isinstance(waiting, Ask):
                desk.ask(run, waiting)
                break
    return cast(Painting, cast(Still, desk.terminal).picture)


LOOKS = {
    style.TITLE: "title",
    style.PICKED: "title",
    style.BAR: "bar",
    style.WRONG: "wrong",
    style.NOTE: "note",
    style.GOOD: "bar",
}
BOLD = (style.HEAD, style.SAY, style.LABEL, style.KEY)


def svg(painting: Painting) -> str:
    """A painting as SVG, light or dark as the reader's own page is."""
    width, height = COLUMNS * CELL_WIDTH + 20, ROWS * CELL_HEIGHT + 20
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" xml:space="preserve" '
        'aria-label="The wizard on a full screen">',
        "<style>",
        f"text{{font:{SIZE}px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;"
        "white-space:pre;fill:#24292f}",
        ".page{fill:#ffffff;stroke:#8c959f}.block{fill:#24292f}.title{fill:#ffffff}"
        ".bold{font-weight:bold}.bar{fill:#1a7f37;font-weight:bold}"
        ".wrong{fill:#cf222e;font-weight:bold}.note{font-style:italic}",
        "@media (prefers-color-scheme:dark){text{fill:#e6edf3}.page{fill:#0d1117}"
        ".block{fill:#e6edf3}.title{fill:#0d1117}.bar{fill:#3fb950}.wrong{fill:#f85149}}",
        "</style>",
        f'<rect class="page" x="0.5" y="0.5" rx="6" width="{width - 1:.0f}" '
        f'height="{height - 1:.0f}"/>',
    ]
    for number, cells in enumerate(painting.rows):
        column, top = 0, 10 + number * CELL_HEIGHT
        for look, text in cells:
            takes = wide(text)
            left, length = 10 + column * CELL_WIDTH, takes * CELL_WIDTH
            name = LOOKS.get(look, "bold" if look in BOLD else "")
            if name == "title":
                out.append(
                    f'<rect class="block" x="{left:.1f}" y="{top}" width="{length:.1f}" '
                    f'height="{CELL_HEIGHT}"/>'
                )
            shown = text.rstrip()
            if shown:
                named = f' class="{name}"' if name else ""
                length = wide(shown) * CELL_WIDTH
                out.append(
                    f'<text x="{left:.1f}" y="{top + 13}" textLength="{length:.1f}"{named}>'
                    f"{escape(shown)}</text>"
                )
            column += takes
    return "\n".join([*out, "</svg>", ""])


if __name__ == "__main__":
    PICTURE.write_text(svg(picture()), encoding="utf-8")
