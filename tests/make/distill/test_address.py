from __future__ import annotations

import pytest

from tunesmith.core.errors import ConfigError
from tunesmith.make.distill.address import check_address

NAMES = {
    "api.example.org": ["93.184.216.34"],
    "inside.example.org": ["10.0.0.7"],
    "mixed.example.org": ["93.184.216.34", "192.168.1.1"],
    "rebound.example.org": ["127.0.0.1"],
    "six.example.org": ["::ffff:10.0.0.1"],
    "nowhere.example.org": [],
}


def resolve(host: str, port: int) -> list[str]:
    if host in NAMES:
        return NAMES[host]
    if host.replace(".", "").isdigit() or ":" in host:
        return [host]
    if host == "localhost":
        return ["127.0.0.1"]
    raise OSError("unknown name")


@pytest.mark.parametrize(
    "url", ["https://api.example.org/v1", "http://localhost:8000/v1", "http://127.0.0.1:1/v1", "http://[::1]:8/v1"]
)
def test_public_addresses_and_the_loopback_that_was_asked_for(url: str) -> None:
    assert check_address(url + "/", resolve=resolve).url == url


PRIVATE = [
    "http://inside.example.org/v1",
    "http://mixed.example.org",
    "http://rebound.example.org",
    "http://six.example.org",
    "http://169.254.169.254/latest",
    "http://192.168.0.1/v1",
    "http://0.0.0.0/v1",
    "http://[fd00::1]/v1",
    "http://100.64.0.1/",
    "http://nowhere.example.org",
]


@pytest.mark.parametrize("url", PRIVATE)
def test_private_addresses_need_leave(url: str) -> None:
    with pytest.raises(ConfigError, match="private address"):
        check_address(url, resolve=resolve)
    assert check_address(url, allow_local=True, resolve=resolve).url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://api.example.org",
        "gopher://x",
        "api.example.org",
        "http://",
        "http://unknown.example",
        "https://key@api.example.org",
        "https://u:p@api.example.org",
        "https://api.example.org?key=1",
        "http://x:99999/",
    ],
)
def test_what_is_no_address_is_refused_in_any_case(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_address(url, allow_local=True, resolve=resolve)
    assert "u:p" not in str(caught.value) and "key=1" not in str(caught.value)
