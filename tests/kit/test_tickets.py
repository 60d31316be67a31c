"""Tickets: one spelling, one algorithm, one purpose, a short life."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from django.conf import settings

from awooop.kit import keyring, tickets

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BOUND = {"project": "acme", "action": "ab" * 32}


def _claims(**changed: Any) -> dict[str, Any]:
    born = int(NOW.timestamp())
    claims = {"aud": "here", "sub": "approval", "jti": "one", "iat": born, "exp": born + 60}
    claims |= BOUND | changed
    return {name: value for name, value in claims.items() if value is not None}


def _key() -> bytes:
    return next(iter(keyring.read([], secret=settings.SECRET_KEY, purpose="tickets").values()))


def _forged(header: Any = None, claims: Any = None, key: bytes | None = None) -> str:
    """Spell a ticket by hand, with a right signature over whatever it says."""

    def part(value: Any) -> str:
        text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()

    header = header or {"alg": "HS256", "typ": tickets.TYPE, "kid": "derived"}
    body = claims if claims is not None else {**_claims(), "iss": "awooop"}
    signed = f"{part(header)}.{part(body)}"
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        signed.encode(), key or _key()
    )
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def _read(ticket: str, **changed: Any) -> dict[str, Any]:
    asked = {"audience": "here", "at": NOW, "bound": BOUND} | changed
    return tickets.read(ticket, **asked)


class TestRead:
    def test_believes_what_was_signed_for_this(self) -> None:
        assert _read(tickets.sign(_claims()))["jti"] == "one"
        assert _read(_forged())["jti"] == "one", "the forger's hand can write a true one"

    @pytest.mark.parametrize(
        "changed",
        [
            {"aud": "there"},
            {"aud": ["here"]},
            {"aud": None},
            {"sub": ""},
            {"sub": None},
            {"jti": None},
            {"jti": 7},
            {"exp": None},
            {"iat": None},
            {"exp": int(NOW.timestamp())},
            {"exp": int(NOW.timestamp()) + 10_000},
            {"exp": float(NOW.timestamp() + 60)},
            {"exp": str(int(NOW.timestamp()) + 60)},
            {"iat": int(NOW.timestamp()) + 1},
            {"nbf": 0},
            {"scope": "all"},
            {"project": "other"},
            {"project": None},
            {"action": "cd" * 32},
            {"action": ["ab" * 32]},
        ],
    )
    def test_refuses_other_claims(self, changed: dict[str, Any]) -> None:
        with pytest.raises(tickets.Unfit):
            _read(_forged(claims={**_claims(**changed), "iss": "awooop"}))

    @pytest.mark.parametrize(
        "header",
        [
            {"alg": "none", "typ": tickets.TYPE, "kid": "derived"},
            {"alg": "HS512", "typ": tickets.TYPE, "kid": "derived"},
            {"alg": "HS256", "typ": "JWT", "kid": "derived"},
            {"alg": "HS256", "typ": tickets.TYPE},
            {"alg": "HS256", "typ": tickets.TYPE, "kid": "other"},
            {"alg": "HS256", "typ": tickets.TYPE, "kid": ["derived"]},
            {"alg": "HS256", "typ": tickets.TYPE, "kid": "derived", "jwk": {}},
            {"alg": "HS256", "typ": tickets.TYPE, "kid": "derived", "crit": ["b64"]},
            f'{{"alg":"HS256","alg":"HS256","typ":"{tickets.TYPE}","kid":"derived"}}',
        ],
    )
    def test_refuses_other_headers(self, header: Any) -> None:
        with pytest.raises(tickets.Unfit):
            _read(_forged(header))

    def test_refuses_a_claim_that_stands_twice(self) -> None:
        said = json.dumps({**_claims(), "iss": "awooop"})
        with pytest.raises(tickets.Unfit):
            _read(_forged(claims=said[:-1] + ', "project": "acme"}'))

    def test_refuses_another_spelling_of_the_same(self) -> None:
        ticket = tickets.sign(_claims())
        head, body, mac = ticket.split(".")
        last = chr(ord(mac[-1]) + 1)
        for spelled in (ticket + "=", f"{head}.{body}=.{mac}", f"{head}.{body}.{mac[:-1]}{last}"):
            with pytest.raises(tickets.Unfit):
                _read(spelled)

    @pytest.mark.parametrize("text", ["", "a", "a.b.c", "..", "é.é.é", "a" * 10_000, "[]", None])
    def test_refuses_what_is_no_ticket(self, text: Any) -> None:
        with pytest.raises(tickets.Unfit):
            _read(text)

    def test_refuses_another_key_and_a_changed_byte(self) -> None:
        with pytest.raises(tickets.Unfit):
            _read(_forged(key=b"x" * 32))
        ticket = tickets.sign(_claims())
        for place in range(0, len(ticket), 7):
            changed = ticket[:place] + ("A" if ticket[place] != "A" else "B") + ticket[place + 1 :]
            with pytest.raises(tickets.Unfit):
                _read(changed)

    def test_dies_with_its_time(self) -> None:
        ticket = tickets.sign(_claims())
        assert _read(ticket, at=NOW + timedelta(seconds=59))
        with pytest.raises(tickets.Unfit):
            _read(ticket, at=NOW + timedelta(seconds=60))
        with pytest.raises(tickets.Unfit):
            _read(ticket, at=NOW - timedelta(seconds=1))
