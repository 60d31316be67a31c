"""Which network addresses may be reached: public ones, and private ones that a contract names."""

import asyncio
import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from awooop.errors import Code
from gateway.providers.base import Failed

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NAT64 = IPv6Network("64:ff9b::/96")
_LOW_32 = 0xFFFFFFFF
# names are looked up on threads of their own: a name server that hangs holds up nobody else's work
_lookups = ThreadPoolExecutor(16, "gateway-dns")


async def resolve(host: str, port: int, private: Iterable[str]) -> list[str]:
    """Return the addresses of a host that may be connected to, the preferred first.

    Connect to these and not to the name, which may answer otherwise when it is asked again.

    :param private: networks that are not public but named.
    :raises Failed: the name cannot be resolved, or every address it has is out of bounds.
    """
    named = _networks(tuple(private))
    try:
        found = [str(ip_address(host.strip("[]")))]
    except ValueError:
        found = await _look_up(host, port)
    allowed = [each for each in found if _may_reach(each, named)]
    if not allowed:
        raise Failed(
            Code.UPSTREAM_ADDRESS,
            "the address is private and the contract does not name it",
            sent=False,
        )
    return allowed


def may_reach(address: str, private: Iterable[str]) -> bool:
    """Tell whether an address is public, or in a network that is named."""
    return _may_reach(address, _networks(tuple(private)))


@lru_cache(1_000)
def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


async def _look_up(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.run_in_executor(
            _lookups, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
    except (OSError, UnicodeError):
        raise Failed(Code.UPSTREAM_AWAY, "its name cannot be resolved", sent=False) from None
    return list(dict.fromkeys(str(info[4][0]) for info in found))


def _may_reach(text: str, named: tuple[Network, ...]) -> bool:
    address = ip_address(text.partition("%")[0])
    every = [address, *_within(address)]
    if any(each.is_unspecified or each.is_multicast for each in every):
        return False
    return all(_is_public(each) or _is_named(each, every, named) for each in every)


def _is_public(address: Address) -> bool:
    return address.is_global and not address.is_reserved


def _is_named(address: Address, every: list[Address], named: tuple[Network, ...]) -> bool:
    """Look for the address itself, or for the one that it only wraps."""
    reached = every[-1] if address is every[0] else address
    return any(each in network for network in named for each in (address, reached))


def _within(address: Address) -> list[Address]:
    """List the IPv4 address that an IPv6 one leads to: mapped, 6to4, NAT64, Teredo."""
    if isinstance(address, IPv4Address):
        return []
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address.sixtofour is not None:
        return [address.sixtofour]
    if address.teredo is not None:
        return [address.teredo[1]]
    if address in _NAT64:
        return [IPv4Address(int(address) & _LOW_32)]
    return []
