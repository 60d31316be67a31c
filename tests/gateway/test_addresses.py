"""Which addresses the gateway may reach."""

import pytest

from gateway.providers import addresses


class TestMayReach:
    @pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
    def test_public_ones(self, address: str) -> None:
        assert addresses.may_reach(address, ())

    @pytest.mark.parametrize(
        "address",
        [
            "127.0.0.1",
            "127.255.255.254",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "198.18.0.1",
            "192.0.2.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fe80::1%eth0",
            "fd00::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "2002:a00:1::1",
        ],
    )
    def test_no_others(self, address: str) -> None:
        assert not addresses.may_reach(address, ())
        assert not addresses.may_reach(address, ("203.0.113.0/24", "2001:db8::/32"))

    @pytest.mark.parametrize(
        ("address", "named"),
        [
            ("127.0.0.1", "127.0.0.1"),
            ("10.1.2.3", "10.1.0.0/16"),
            ("169.254.169.254", "169.254.169.254/32"),
            ("fd00::1", "fd00::/8"),
            ("::ffff:10.1.2.3", "10.1.0.0/16"),
        ],
    )
    def test_those_that_are_named(self, address: str, named: str) -> None:
        assert addresses.may_reach(address, (named,))

    @pytest.mark.parametrize("address", ["0.0.0.0", "224.0.0.1", "::", "ff02::1", "::ffff:0.0.0.0"])
    def test_never_those_that_are_everybody(self, address: str) -> None:
        assert not addresses.may_reach(address, ("0.0.0.0/0", "::/0"))
