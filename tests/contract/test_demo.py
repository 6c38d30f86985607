"""The demo shop holds data of its own, so it keeps the part of the contract that only reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from returnflow.backends import demo
from returnflow.backends.protocol import Backend
from returnflow.testing.contract.promises import PROMISES, Promise
from returnflow.testing.contract.subject import Sample, Subject


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETURNFLOW_HOME", str(tmp_path_factory.mktemp("home")))
        with closing(demo.connect()) as shop:
            yield shop


@pytest.mark.parametrize("promise", PROMISES, ids=[each.name for each in PROMISES])
def test_promises(opened: Backend, promise: Promise) -> None:
    """Rules 2, 3, 20 to 22, 24, 31, for everybody whom the demo shop knows."""
    subject = Subject(opened, Sample(list({each.script.email for each in demo.scenarios()})))
    promise.check(subject)
    assert opened.zone
