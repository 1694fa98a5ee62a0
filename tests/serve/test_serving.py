from __future__ import annotations

import pytest

from tunesmith.core.errors import ConfigError
from tunesmith.serve.serving import allowed_hosts


@pytest.mark.parametrize(
    ("host", "url"), [("0.0.0.0", None), ("192.168.0.7", None), ("127.0.0.1", "https://x.example")]
)
def test_another_address_needs_a_key(host: str, url: str | None) -> None:
    with pytest.raises(ConfigError, match="API key"):
        allowed_hosts(host, url, {})
    found = allowed_hosts(host, url, {"hash": "ann"})
    assert found is None if url is None else found is not None and "x.example" in found


def test_loopback_needs_none_and_goes_by_its_own_names() -> None:
    assert allowed_hosts("127.0.0.1", None, {}) == {"127.0.0.1", "localhost", "::1"}
