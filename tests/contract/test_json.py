"""A shop in a folder of JSON files keeps the contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from returnflow.backends import registry
from returnflow.testing import BackendContract, ContractShop, contract_shop
from shop_folder import write_shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> ContractShop:
    """Its returns name no order: they belong to the one that lists them."""
    data = contract_shop()
    folder = write_shop(tmp_path_factory.mktemp("contract"), data)

    def fingerprint() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in folder.iterdir()}

    return ContractShop(
        data=data,
        connect=lambda: registry.open_backend(f"json:{folder}"),
        fingerprint=fingerprint,
    )


class TestJson(BackendContract):
    """Rules 2, 3, 5, 6, 9 to 12, 16 to 18, 20 to 24, 26 to 31, 34, 35, 37, 38."""
