"""Looking up where an item is before it is said that the customer waits for it."""

from __future__ import annotations

from returnflow.delayed import news
from returnflow.delayed.case import Case
from returnflow.delayed.events import PackageFound
from returnflow.engine.front import Choice
from returnflow.engine.vocabulary import Call, Event
from returnflow.returns.eligibility import lines_of


class EarlyPackages:
    """See `returnflow.engine.front.Early`."""

    what = "item"
    where = "/check looks up where an item is once an order is selected and before it is named."
    shown_by: type[Event] = PackageFound

    def choices(self, case: Case) -> tuple[Choice, ...]:
        """The items of the selected order."""
        return item_choices(case)

    def next_call(self, case: Case, ident: str) -> Call | None:
        """The packages that hold it, one by one."""
        for package_id in _package_ids(case, ident):
            if package_id not in case.packages:
                return Call("get_package_details", {"package_id": package_id})
        return None

    def words(self, case: Case, ident: str) -> str:
        """Where each of them is."""
        ids = _package_ids(case, ident)
        if any(package_id not in case.packages for package_id in ids):
            return ""
        where = []
        for package_id in ids:
            package = case.packages[package_id]
            known = news.notice(package)
            day = package.estimated_delivery_date if package is not None else ""
            expected = f", expected {day}" if day and known == "on_its_way" else ""
            where.append(f"package {package_id}: {known.replace('_', ' ')}{expected}")
        return f"{ident}: {'; '.join(where) or 'not shipped'}"


def item_choices(case: Case) -> tuple[Choice, ...]:
    """The items of the selected order, each once."""
    if case.order is None:
        return ()
    names: dict[str, str] = {}
    for line in case.order.lines:
        names[line.item_id] = names.get(line.item_id) or line.description
    return tuple(Choice(item_id, name or item_id) for item_id, name in names.items())


def _package_ids(case: Case, item_id: str) -> list[str]:
    lines = lines_of(case.order, item_id) if case.order is not None else ()
    ids = [parcel.package_id for line in lines for parcel in line.parcels if parcel.package_id]
    return list(dict.fromkeys(ids))
