"""Tickets that nobody issued: each named for its trick, each made from a real one's claims.

A forger is taken to know all that a real ticket says. Where a trick is about the text and not about
the key, they even hold the key: what is spelled in another way is refused all the same.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.conf import settings

from awooop.kit import derive, tickets

_PEM, _SPKI = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo


@dataclass(frozen=True)
class Forger:
    """Somebody who has seen a ticket.

    :param key: the first of the keys that tickets are signed with, and its id.
    :param others: every other secret of the installation, by what it is for.
    """

    claims: Mapping[str, Any]
    key_id: str
    key: bytes = field(repr=False)
    others: Mapping[str, bytes] = field(repr=False)

    @property
    def header(self) -> dict[str, Any]:
        return {"kid": self.key_id, "typ": tickets.TYPE, "alg": "HS256"}

    def make(self, *, key: bytes | None = None, hashed: Any = "sha256", **header: Any) -> str:
        """Return the same ticket with other headers, or under another key; None drops a header."""
        return self.spell(_plain(self._header(header)), _plain(self.claims), key, hashed)

    def say(self, **claims: Any) -> str:
        """Return a ticket that claims something else, signed as it should be; ... drops a claim."""
        found = {**self.claims, **claims}
        said = {name: value for name, value in found.items() if value is not ...}
        return self.spell(_plain(self.header), _plain(said))

    def spell(
        self, header: bytes, claims: bytes, key: bytes | None = None, hashed: Any = "sha256"
    ) -> str:
        text = f"{b64(header)}.{b64(claims)}"
        mac = hmac.new(self.key if key is None else key, text.encode(), hashed).digest()
        return f"{text}.{b64(mac)}"

    def real(self) -> str:
        return self.make()

    def parts(self) -> tuple[str, str, str]:
        head, body, mac = self.real().split(".")
        return head, body, mac

    def unsigned(self, alg: Any) -> str:
        header = _plain({**self.header, "alg": alg})
        return f"{b64(header)}.{b64(_plain(self.claims))}."

    def asymmetric(self, alg: str) -> str:
        return jwt.encode(dict(self.claims), _private(alg), alg, headers=self._header({"alg": alg}))

    def confused(self, alg: str, claimed: str) -> str:
        """Return a ticket whose MAC is keyed with a public key that everybody has."""
        public = _private(alg).public_key().public_bytes(_PEM, _SPKI)
        return self.make(key=public, alg=claimed)

    def _header(self, changed: Mapping[str, Any]) -> dict[str, Any]:
        found = {**self.header, **changed}
        return {name: value for name, value in found.items() if value is not None}


def forger(claims: Mapping[str, Any]) -> Forger:
    """Return one who knows of a ticket what it says, and the settings of this process."""
    key_id, _, key = settings.TICKET_KEYS[0].partition(":")
    secret = settings.SECRET_KEY
    purposes = ("contracts", "redaction", "audit", "sessions", "ticket", "tickets")
    others = {f"derived for {name}": derive.key(secret, name) for name in purposes}
    others |= {
        "SECRET_KEY": secret.encode(),
        "REDACTION_KEY": settings.REDACTION_KEY.encode(),
        "CONTRACT_KEYS": settings.CONTRACT_KEYS[0].partition(":")[2].encode(),
        "the key's id": key_id.encode(),
        "the setting as it is spelled": settings.TICKET_KEYS[0].encode(),
        "a key that was rotated out": b"g" * 40,
        "nothing": b"",
        "zeros": bytes(32),
        "the key's digest": hashlib.sha256(key.encode()).digest(),
        "the key in base64": base64.b64encode(key.encode()),
        "the issuer": tickets.ISSUER.encode(),
    }
    return Forger(claims, key_id, key.encode(), others)


def all_of(f: Forger) -> dict[str, Any]:
    """Return every forgery by its name."""
    kinds = (_algorithms, _keys, _headers, _claims, _lives, _twice, _texts, _macs)
    return {name: made for kind in kinds for name, made in kind(f)}


Named = Iterator[tuple[str, Any]]


def _algorithms(f: Forger) -> Named:
    for alg in ("none", "None", "NONE", "nOnE", "none ", "", "HS0", "null"):
        yield f"unsigned, alg {alg!r}", f.unsigned(alg)
        yield f"signed, alg {alg!r}", f.make(alg=alg)
    for odd in (0, True, [], ["HS256"], {"name": "HS256"}):
        yield f"alg {odd!r}", f.make(alg=odd)
    yield "no alg", f.make(alg=None)
    yield "unsigned without alg", f.unsigned(None)
    for alg in ("hs256", "Hs256", "HS256 ", "HS384", "HS512", "HS1"):
        yield f"alg {alg} over SHA-256", f.make(alg=alg)
    yield "HS384", f.make(alg="HS384", hashed="sha384")
    yield "HS512", f.make(alg="HS512", hashed="sha512")
    yield "HS256 over SHA-384", f.make(hashed="sha384")
    yield "HS256 over SHA-512", f.make(hashed="sha512")
    for alg in ("RS256", "PS256", "ES256", "EdDSA"):
        yield f"{alg} of a stranger", f.asymmetric(alg)
        yield f"{alg} public key as HMAC key", f.confused(alg, "HS256")
        yield f"{alg} public key as HMAC key, alg kept", f.confused(alg, alg)


def _keys(f: Forger) -> Named:
    for name, key in f.others.items():
        yield f"key: {name}", f.make(key=key)
    odd: tuple[Any, ...] = (
        *("", "gone", "derived", "../../../../dev/null", "/proc/self/environ", "file:///dev/null"),
        *("' OR '1'='1", "x' UNION SELECT 'k' --", "new\0", "new ", "NEW", "n\u0435w", "*"),
        *("http://evil.example/key", 0, 1, True, 1.5, [], ["new"], {"kid": "new"}, {"$ne": ""}),
    )
    for kid in odd:
        yield f"kid {kid!r}", f.make(kid=kid)
        yield f"kid {kid!r} and no key", f.make(kid=kid, key=b"")
    yield "no kid", f.make(kid=None)
    yield "the rotated-out key under its id", f.make(kid="gone", key=f.others[_GONE])
    yield "kid of the other key", f.make(kid="old")
    yield "the first key's id over the other key", f.make(key=b"o" * 40)


_GONE = "a key that was rotated out"


def _headers(f: Forger) -> Named:
    jwk = {"kty": "oct", "k": b64(b"mine" * 8), "alg": "HS256", "kid": f.key_id}
    added: dict[str, Any] = {
        "jku": "https://evil.example/jwks.json",
        "jwk": jwk,
        "x5u": "https://evil.example/cert.pem",
        "x5c": ["MIIB"],
        "x5t": "AAAA",
        "crit": ["exp"],
        "b64": False,
        "zip": "DEF",
        "enc": "A256GCM",
        "cty": "JWT",
        "iss": tickets.ISSUER,
        "": "x",
    }
    for name, value in added.items():
        yield f"header {name}", f.make(**{name: value})
    yield "jwk's own key", f.make(jwk=jwk, key=b"mine" * 8)
    yield "crit and b64", f.make(crit=["b64"], b64=False)
    for typ in (
        None,
        "",
        "JWT",
        "at+jwt",
        "awooop-ticket",
        tickets.TYPE.upper(),
        1,
        [tickets.TYPE],
    ):
        yield f"typ {typ!r}", f.make(typ=typ)


def _claims(f: Forger) -> Named:
    other: dict[str, tuple[Any, ...]] = {
        "aud": ("awooop", "AWOOOP.GATEWAY", ["awooop.gateway"], ["awooop.gateway", "x"], "", None),
        "iss": ("evil", "AWOOOP", ["awooop"], "", None),
        "sub": (str(uuid4()), "", 1, None, ["x"]),
        "jti": (uuid4().hex, "", 1, None, [f.claims["jti"]]),
        "run": (str(uuid4()), "", None, [f.claims["run"]], str(f.claims["run"]).upper() + " "),
        "tool": ("echo__shop", "write", "write__shop ", "Write__shop", "*", None, ["write__shop"]),
        "action": ("0" * 64, "", "*", None, str(f.claims["action"]).upper() + "."),
        "mode": ("shadow", "any", "", "LIVE", True, None),
        "agent": ("other-agent", "", "*", None, [f.claims["agent"]]),
        "project": ("acme", "", "*", "platform", None, [f.claims["project"]]),
    }
    for name, values in other.items():
        for value in values:
            # Who the yes is of, and its id, are what a ticket alone says; see TestRead.
            if name not in ("sub", "jti") or not isinstance(value, str) or not value:
                yield f"{name} {value!r}", f.say(**{name: value})
        yield f"no {name}", f.say(**{name: ...})
    for name in ("scope", "admin", "tools", "arguments", "nbf", "azp", "cnf", ""):
        yield f"a claim too many: {name!r}", f.say(**{name: f.claims["iat"]})


def _lives(f: Forger) -> Named:
    iat, exp = f.claims["iat"], f.claims["exp"]
    never: tuple[Any, ...] = (
        *(None, str(exp), float(exp), exp + 0.5, True, [exp], {"at": exp}, float("nan")),
        *(float("inf"), 0, -1, -exp, iat, iat - 1, iat + 901, iat + 86_400, exp + 10**9, 10**18),
        *(10**400, exp * 1000, "never", ""),
    )
    for value in never:
        yield f"exp {str(value)[:24]}", f.say(exp=value)
    yield "no exp", f.say(exp=...)
    born: tuple[Any, ...] = (
        None,
        str(iat),
        float(iat),
        True,
        [iat],
        float("nan"),
        0,
        -iat,
        10**400,
    )
    for value in born:
        yield f"iat {str(value)[:24]}", f.say(iat=value)
    yield "no iat", f.say(iat=...)
    yield "neither", f.say(iat=..., exp=...)
    yield "from the future", f.say(iat=iat + 300, exp=iat + 900)
    yield "from tomorrow", f.say(iat=iat + 86_400, exp=iat + 87_300)
    yield "over", f.say(iat=iat - 901, exp=iat - 1)
    yield "nbf in the past", f.say(nbf=iat - 1)
    yield "nbf in the future", f.say(nbf=iat + 600)


def _twice(f: Forger) -> Named:
    """A name that stands twice: readers differ over which one counts."""
    header, claims = _plain(f.header), _plain(f.claims)
    for name, value in f.header.items():
        for each in (value, "none"):
            pair = _plain({name: each})[1:-1]
            yield (
                f"header {name} twice, first {each}",
                f.spell(b"{" + pair + b"," + header[1:], claims),
            )
            yield (
                f"header {name} twice, last {each}",
                f.spell(header[:-1] + b"," + pair + b"}", claims),
            )
    for name, value in f.claims.items():
        for each in (value, "x"):
            pair = _plain({name: each})[1:-1]
            yield f"{name} twice, first {each}", f.spell(header, b"{" + pair + b"," + claims[1:])
            yield f"{name} twice, last {each}", f.spell(header, claims[:-1] + b"," + pair + b"}")
    hidden = b'{"\\u0065xp":9999999999,' + claims[1:]
    yield "exp twice, once escaped", f.spell(header, hidden)


def _texts(f: Forger) -> Named:
    """Signed with the right key, and spelled as we never do."""
    header, claims = _plain(f.header), _plain(f.claims)
    for where in ("header", "claims"):
        text = header if where == "header" else claims

        def put(changed: bytes, where: str = where) -> str:
            both = (changed, claims) if where == "header" else (header, changed)
            return f.spell(*both)

        spaced = json.dumps(json.loads(text)).encode()
        yield f"{where}: spaces in JSON", put(spaced)
        for space in (b" ", b"\n", b"\t", b"\r\n", b"\0"):
            yield f"{where}: {space!r} before", put(space + text)
            yield f"{where}: {space!r} after", put(text + space)
        yield f"{where}: a name with escapes", put(text.replace(b'"a', b'"\\u0061', 1))
        yield f"{where}: escaped throughout", put(_escaped(text))
        yield f"{where}: slashes escaped", put(text.replace(b"awooop", b"aw\\u006foop"))
        yield f"{where}: a mark of byte order", put(b"\xef\xbb\xbf" + text)
        for coding in ("utf-16", "utf-16-le", "utf-32", "utf-32-be"):
            yield f"{where}: {coding}", put(text.decode().encode(coding))
        for odd in (b"", b"null", b"[]", b"1", b'"x"', b"{}", b"{", text + text, b"[" * 1500):
            yield f"{where}: {odd[:12]!r} ({len(odd)})", put(odd)
        yield f"{where}: bytes that are no text", put(text[:-1] + b',"x":"\xff"}')
        yield f"{where}: in an array", put(b"[" + text + b"]")
    yield (
        "names in another order",
        f.spell(header, _plain(dict(reversed(f.claims.items()))).replace(b":", b": ", 1)),
    )
    exp = str(f.claims["exp"]).encode()
    for power in (b"e0", b"E+0", b".0"):
        yield f"exp ends in {power!r}", f.spell(header, claims.replace(exp, exp + power, 1))
    yield from _pieces(f)


def _pieces(f: Forger) -> Named:
    head, body, mac = f.parts()
    yield "a ticket in a ticket", f.spell(_plain(f.header), f.real().encode())
    yield "a ticket as a claim", f.say(jti=f.real())
    yield "looks encrypted", ".".join((head, b64(b"key"), b64(b"iv"), body, mac))
    yield "as JSON", json.dumps({"protected": head, "payload": body, "signature": mac})
    yield "as bytes", f.real().encode()
    texts = {
        "nothing": "",
        "dots": "..",
        "one dot": ".",
        "no header": f".{body}.{mac}",
        "no claims": f"{head}..{mac}",
        "no MAC": f"{head}.{body}.",
        "no last part": f"{head}.{body}",
        "a part too many": f"{head}.{body}.{mac}.{mac}",
        "a last dot": f"{head}.{body}.{mac}.",
        "a first dot": f".{head}.{body}.{mac}",
        "claims for a header": f"{body}.{body}.{mac}",
        "swapped": f"{body}.{head}.{mac}",
        "Bearer": f"Bearer {f.real()}",
        "in quotes": f'"{f.real()}"',
        "very long": f.real() + "A" * 5_000,
        "not ASCII": f"{head}.{body}.{mac[:-1]}\u0410",
        "a lone surrogate": f"{head}.{body}.{mac[:-1]}\ud800",
        "NUL at the end": f.real() + "\0",
        "full stops of another script": "\uff0e".join((head, body, mac)),
    }
    yield from texts.items()


def _macs(f: Forger) -> Named:
    head, body, mac = f.parts()
    raw = unb64(mac)
    other = f.say(sub=str(uuid4())).rpartition(".")[2]
    macs: dict[str, str] = {
        "cut by a byte": b64(raw[:-1]),
        "cut to half": b64(raw[:16]),
        "cut to a byte": b64(raw[:1]),
        "a byte too long": b64(raw + b"\0"),
        "twice": b64(raw + raw),
        "a bit flipped": b64(bytes([raw[0] ^ 1]) + raw[1:]),
        "the last bit flipped": b64(raw[:-1] + bytes([raw[-1] ^ 1])),
        "all zeros": b64(bytes(32)),
        "in hex": raw.hex(),
        "in base64 twice": b64(mac.encode()),
        "of another ticket": other,
        "a bare hash": b64(hashlib.sha256(f"{head}.{body}".encode()).digest()),
        "key behind the text": b64(hashlib.sha256(f"{head}.{body}".encode() + f.key).digest()),
        "of the claims alone": b64(hmac.digest(f.key, body.encode(), "sha256")),
        "of the decoded text": b64(hmac.digest(f.key, unb64(head) + unb64(body), "sha256")),
    }
    for name, changed in macs.items():
        yield f"MAC {name}", f"{head}.{body}.{changed}"
    for place, part in enumerate((head, body, mac)):
        for name, spelt in _respelled(part):
            yield (
                f"part {place}: {name}",
                ".".join(
                    spelt if at == place else each for at, each in enumerate((head, body, mac))
                ),
            )


def _respelled(part: str) -> Named:
    """The same bytes in another base64; signed text that is changed has another MAC besides."""
    yield "padded", part + "=" * (-len(part) % 4 or 4)
    yield "padded too much", part + "===="
    yield "a new line in it", f"{part[:8]}\n{part[8:]}"
    yield "a space after it", part + " "
    yield "a sign that is skipped", f"{part[:8]}!{part[8:]}"
    yield "percent-encoded", f"%{ord(part[0]):02X}{part[1:]}"
    raw = unb64(part)
    standard = base64.b64encode(raw).decode().rstrip("=")
    if standard != part:
        yield "the other alphabet", standard
    if len(part) % 4:
        for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
            if last != part[-1] and unb64(part[:-1] + last) == raw:
                yield f"last bits {last}", part[:-1] + last
                break


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _plain(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _escaped(text: bytes) -> bytes:
    """Return a JSON text whose strings are all written in escapes."""
    found, inside = "", False
    for sign in text.decode():
        inside ^= sign == '"'
        found += f"\\u{ord(sign):04x}" if inside and sign != '"' else sign
    return found.encode()


@cache
def _private(alg: str) -> Any:
    made: dict[str, Callable[[], Any]] = {
        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate,
    }
    if alg in made:
        return made[alg]()
    return _rsa()


@cache
def _rsa() -> Any:
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
