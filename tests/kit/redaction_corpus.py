"""Secrets in context and in disguise, harmless text and worst cases, made anew at each call.

Nothing that looks like a secret is written down: prefixes stand in pieces and all else is random.
The surroundings are in redaction_texts.json, «» marking where a secret goes. Loaded by its path, as
tests are no package; a bench may load it as well.
"""

import base64
import json
import random
import string
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ALNUM = string.ascii_letters + string.digits
B64 = ALNUM + "+/"
URL = ALNUM + "-_"
HEX = "0123456789abcdef"
SIZE = 65_536
TEXTS: dict[str, list[str]] = json.loads(
    Path(__file__).with_name("redaction_texts.json").read_text(encoding="utf-8")
)


@dataclass(frozen=True)
class Case:
    """A text with a secret in it; what stood before and after must stay."""

    kind: str
    secret: str
    before: str
    after: str

    @property
    def text(self) -> str:
        return self.before + self.secret + self.after


class Maker:
    """Random secrets of every class from one seeded source."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def of(self, alphabet: str, size: int) -> str:
        made = "".join(self.random.choices(alphabet, k=size))
        while size > 6 and "0" in alphabet and not any(c.isdigit() for c in made):
            made = "".join(self.random.choices(alphabet, k=size))
        return made

    def digits(self, size: int) -> str:
        return self.of(string.digits, size)

    def password(self) -> str:
        """A password as people and generators make them, safe in quotes, YAML and URLs."""
        words = ("Sunny", "tiger", "Taipei", "admin", "winter", "Dragon", "coffee", "qwerty")
        return self.random.choice(
            (
                self.of(ALNUM, self.random.randint(8, 24)),
                self.random.choice(words)
                + self.digits(self.random.randint(2, 4))
                + self.random.choice("!_-."),
                self.of(ALNUM + "!*-_.~^", self.random.randint(10, 20)).strip(".-!*") + "Z9",
                self.of(HEX, 32),
            )
        )

    def luhn(self, prefix: str, size: int) -> str:
        body = prefix + self.digits(size - len(prefix) - 1)
        total = sum(
            d if i % 2 else (d * 2 - 9 * (d > 4)) for i, d in enumerate(map(int, reversed(body)))
        )
        return body + str(-total % 10)

    def taiwan_id(self, second: str = "12") -> str:
        letters = "ABCDEFGHJKLMNPQRSTUVXYWZIO"
        letter = self.random.choice(letters)
        body = self.random.choice(second) + self.digits(7)
        code = letters.index(letter) + 10
        first = str("ABCD".index(body[0])) if body[0].isalpha() else body[0]
        total = code // 10 + code % 10 * 9
        total += sum(int(d) * w for d, w in zip(first + body[1:], range(8, 0, -1), strict=True))
        return f"{letter}{body}{-total % 10}"

    def jwt(self) -> str:
        def part(value: object) -> str:
            return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

        header, claims = {"alg": "HS256", "typ": "JWT"}, {"sub": self.digits(9)}
        return f"{part(header)}.{part(claims)}.{self.of(URL, 43)}"

    def pem(self, label: str = "RSA PRIVATE KEY") -> str:
        body = "\n".join(self.of(B64, 64) for _ in range(4))
        return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----"

    def card(self) -> str:
        number = self.luhn(self.random.choice(("4", "52", "2221", "6011")), 16)
        mark = self.random.choice(("", " ", "-"))
        return mark.join(number[i : i + 4] for i in range(0, 16, 4))

    def email(self) -> str:
        host = self.random.choice(
            ("gmail.com", "example.com.tw", "corp.example.org", "outlook.com")
        )
        first, last = self.of(string.ascii_lowercase, 5), self.of(ALNUM.lower(), 7)
        return f"{first}.{last}@{host}"

    def phone(self) -> str:
        d = self.digits
        return self.random.choice(
            (f"09{d(2)}-{d(3)}-{d(3)}", f"09{d(8)}", f"+886 9{d(2)} {d(3)} {d(3)}", f"+8869{d(8)}",
             f"02-2{d(3)}-{d(4)}", f"(04) 2{d(3)}-{d(4)}", f"+1 415-555-{d(4)}",
             f"+44 20 7946 0{d(3)}",
             f"+81-3-1234-{d(4)}", f"+886-2-2{d(3)}-{d(4)}")
        )  # fmt: skip


def shaped(m: Maker) -> dict[str, Callable[[], str]]:
    """Secrets that are known by their shape, wherever they stand."""
    return {
        "aws": lambda: "AK" + "IA" + m.of(string.ascii_uppercase + "234567", 16),
        "aws-sts": lambda: "AS" + "IA" + m.of(string.ascii_uppercase + "234567", 16),
        "gcp": lambda: "AI" + "za" + m.of(URL, 34) + "x",
        "gcp-oauth": lambda: "GOC" + "SPX-" + m.of(URL, 28),
        "gcp-access": lambda: "ya" + "29." + m.of(URL, 120),
        "azure": lambda: m.of(ALNUM, 3) + "8" + "Q~" + m.of(ALNUM + "_~.-", 33) + "a",
        "digitalocean": lambda: "do" + "p_v1_" + m.of(HEX, 64),
        "github": lambda: (
            m.random.choice(("gh" + "p_", "gh" + "o_", "gh" + "s_")) + m.of(ALNUM, 36)
        ),
        "github-pat": lambda: "github_" + "pat_" + m.of(ALNUM, 22) + "_" + m.of(ALNUM, 59),
        "gitlab": lambda: "gl" + "pat-" + m.of(URL, 19) + "a",
        "slack": lambda: "xo" + "xb-" + m.digits(12) + "-" + m.digits(12) + "-" + m.of(ALNUM, 24),
        "telegram": lambda: m.digits(10) + ":AA" + m.of(URL, 32) + "k",
        "openai": lambda: "sk-" + "proj-" + m.of(URL, 99) + "A",
        "openai-old": lambda: "sk" + "-" + m.of(ALNUM, 48),
        "anthropic": lambda: "sk-" + "ant-api03-" + m.of(URL, 93) + "AA",
        "huggingface": lambda: "hf" + "_" + m.of(string.ascii_letters, 34),
        "stripe": lambda: "sk_" + "live_" + m.of(ALNUM, 24),
        "stripe-hook": lambda: "wh" + "sec_" + m.of(ALNUM, 32),
        "sendgrid": lambda: "S" + "G." + m.of(URL, 22) + "." + m.of(URL, 42) + "x",
        "twilio": lambda: "S" + "K" + m.of(HEX, 32),
        "npm": lambda: "np" + "m_" + m.of(ALNUM, 36),
        "pypi": lambda: "py" + "pi-AgEIcHlwaS5vcmc" + m.of(URL, 150) + "q",
        "discord": lambda: (
            m.random.choice("MNO")
            + m.of(ALNUM, 23)
            + "."
            + m.of(URL, 6)
            + "."
            + m.of(URL, 37)
            + "b"
        ),
        "grafana": lambda: "gl" + "sa_" + m.of(ALNUM, 32) + "_" + m.of(HEX, 8),
        "vault": lambda: "hv" + "s." + m.of(URL, 90) + "c",
        "docker": lambda: "dckr" + "_pat_" + m.of(URL, 27),
        "shopify": lambda: "sh" + "pat_" + m.of(HEX, 32),
        "atlassian": lambda: "ATA" + "TT3" + m.of(URL, 180) + "=7",
        "databricks": lambda: "da" + "pi" + m.of(HEX, 32),
        "newrelic": lambda: "NR" + "AK-" + m.of(string.ascii_uppercase + string.digits, 27),
        "groq": lambda: "gs" + "k_" + m.of(ALNUM, 52),
        "awooop": lambda: "aw" + "p.shop-tw." + m.of(URL, 42) + "z",
        "awooop-op": lambda: "aw" + "o." + m.of(URL, 42) + "z",
        "jwt": m.jwt,
        "pem": m.pem,
        "pem-ssh": lambda: m.pem("OPENSSH PRIVATE KEY"),
        "bcrypt": lambda: "$2b$" + "12$" + m.of(ALNUM + "./", 52) + "a",
        "email": m.email,
        "phone": m.phone,
        "taiwan-id": m.taiwan_id,
        "taiwan-arc": lambda: m.taiwan_id("89"),
        "taiwan-arc-old": lambda: m.taiwan_id("ABCD"),
        "card": m.card,
    }


def secrets_in_context(seed: int) -> list[Case]:
    """Return at least three hundred secrets, each once in some surroundings."""
    m = Maker(seed)
    cases = []
    for kind, make in shaped(m).items():
        for around in m.random.sample(TEXTS["around"], 6):
            before, after = around.split("«»")
            secret = make()
            if around.startswith("{"):
                secret = json.dumps(secret)[1:-1]
            cases.append(Case(kind, secret, before, after))
    for context in TEXTS["contexts"] * 2:
        before, after = context.split("«»")
        bare = "sig=" in context or before.startswith(("Bearer", "otp"))
        cases.append(Case("context", m.of(ALNUM, 40) if bare else m.password(), before, after))
    return cases


def _zero_width(text: str, m: Maker) -> str:
    mark = m.random.choice(("\u200b", "\u200d", "\ufeff", "\u2060", "\u00ad"))
    return mark.join(
        (text[: len(text) // 3], text[len(text) // 3 : len(text) // 2], text[len(text) // 2 :])
    )


def _coloured(text: str, m: Maker) -> str:
    at = m.random.randrange(1, len(text))
    return f"\x1b[1;31m{text[:at]}\x1b[0m\x1b[32m{text[at:]}\x1b[0m"


def _full_width(text: str, m: Maker) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def _wrapped(text: str, m: Maker) -> str:
    at = m.random.randrange(max(8, len(text) // 3), len(text) - 3)
    return text[:at] + m.random.choice(("\n", "\\\n", "\n    ", "\r\n")) + text[at:]


def _base64(text: str, m: Maker) -> str:
    whole = m.random.choice((text, f"key={text}", json.dumps({"v": text}))).encode()
    if len(whole) > 57 and m.random.random() < 0.5:
        return base64.encodebytes(whole).decode().rstrip()
    return m.random.choice((base64.b64encode, base64.urlsafe_b64encode))(whole).decode()


def _percent(text: str, m: Maker) -> str:
    every = m.random.choice((1, 2))
    return "".join(c if i % every else f"%{ord(c):02X}" for i, c in enumerate(text))


def _unicode(text: str, m: Maker) -> str:
    return "".join(
        f"\\u{ord(c):04x}" if m.random.random() < 0.5 or i == 0 else c for i, c in enumerate(text)
    )


DISGUISES = (_zero_width, _coloured, _full_width, _wrapped, _base64, _percent, _unicode)


# A wrapped token is known by its prefix; these have none.
_UNBROKEN = ("email", "phone", "card", "telegram", "discord", "azure", "taiwan")


def disguised(seed: int) -> list[tuple[str, Case]]:
    """Return each disguise over many classes: its name, and the case as disguised."""
    m = Maker(seed)
    makers = {k: make for k, make in shaped(m).items() if not k.startswith(("pem", "bcrypt"))}
    cases = []
    for disguise in DISGUISES:
        name = disguise.__name__[1:]
        kinds = [k for k in makers if not (disguise is _wrapped and k.startswith(_UNBROKEN))]
        before, after = TEXTS["around"][0].split("«»")
        if disguise is _percent:
            before, after = "GET /hook?v=", "&x=1 HTTP/1.1"
        for kind in m.random.sample(kinds, 20):
            cases.append((name, Case(kind, disguise(makers[kind](), m), before, after)))
        if disguise in (_zero_width, _coloured, _full_width):
            for _ in range(4):
                secret = disguise(m.password(), m)
                cases.append((name, Case("context", secret, "run: password=", " done")))
        if disguise is _base64:
            for _ in range(4):
                secret = disguise(f"password={m.password()}", m)
                cases.append((name, Case("context", secret, "run: ", " done")))
    return cases


def field_makers(m: Maker) -> dict[str, Callable[[], str]]:
    """Return what the marks in the documents stand for."""

    def of(alphabet: str, size: int) -> Callable[[], str]:
        return lambda: m.of(alphabet, size)

    return {
        "p": m.password,
        "p2": m.password,
        "t": of(ALNUM, 40),
        "h": of(HEX, 32),
        "h2": of(HEX, 32),
        "h64": of(HEX, 64),
        "s": lambda: m.of(B64, 39) + "k",
        "j": m.jwt,
        "w": lambda: "T00AA11BB/B00CC22DD/" + m.of(ALNUM, 24),
        "x": lambda: m.digits(18) + "/" + m.of(ALNUM, 68),
        "b": lambda: base64.b64encode(f"bob:{m.password()}".encode()).decode(),
        "k": lambda: base64.b64encode(m.pem().encode()).decode(),
        "g": lambda: m.digits(10) + ":AA" + m.of(ALNUM, 33),
        "e": lambda: m.of(HEX, 6) + "." + m.of(HEX, 16),
        "q": of(ALNUM, 43),
        "z": lambda: "AI" + "za" + m.of(ALNUM, 35),
        "v": lambda: "hv" + "s." + m.of(ALNUM, 24),
        "u": lambda: str(uuid.UUID(int=m.random.getrandbits(128), version=4)),
        "3": lambda: m.digits(3),
        "4": lambda: m.digits(4),
        "6": lambda: m.digits(6),
        "m": lambda: "09" + m.digits(8),
        "n": lambda: "0912" + m.digits(6),
        "n2": lambda: "+886-9" + m.digits(8),
        "us": lambda: "(415) 555-" + m.digits(4),
        "i": m.taiwan_id,
        "c": lambda: m.luhn("4", 16),
        "pem": lambda: json.dumps(m.pem("PRIVATE KEY") + "\n")[1:-1],
    }


def documents(seed: int) -> list[tuple[str, list[str], list[str]]]:
    """Return whole documents of the field: text, its secrets, and the pieces that must stay."""
    makers = field_makers(Maker(seed))
    made = []
    for document in TEXTS["documents"]:
        pieces = document.replace("»", "«").split("«")
        secrets = [makers[mark]() for mark in pieces[1::2]]
        kept = pieces[::2]
        text = kept[0] + "".join(
            secret + rest for secret, rest in zip(secrets, kept[1:], strict=True)
        )
        made.append((text, secrets, kept))
    return made


def identifiers(seed: int, times: int) -> list[str]:
    """Return identifiers as they stand in logs, which are no secrets."""
    m = Maker(seed)

    def value(mark: str) -> str:
        sizes = {
            "sha1": 40,
            "sha1_7": 7,
            "sha256": 64,
            "md5": 32,
            "hex16": 16,
            "hex10": 10,
            "hex12": 12,
        }
        if mark in sizes:
            return m.of(HEX, sizes[mark])
        prose = " ".join(m.random.sample(TEXTS["prose"][:20], 2))
        return {
            "uuid": str(uuid.UUID(int=m.random.getrandbits(128), version=4)),
            "uuid7": "01900000-" + str(uuid.UUID(int=m.random.getrandbits(128), version=4))[9:],
            "pod": m.of("bcdfghjklmnpqrstvwxz2456789", 5),
            "digits": m.digits(6),
            "b64": base64.b64encode(m.random.randbytes(16)).decode(),
            "image": base64.b64encode(m.random.randbytes(300)).decode(),
            "snowflake": "1" + m.digits(17),
            "text": base64.b64encode(prose.encode()).decode(),
        }[mark]

    made = []
    for template in TEXTS["identifiers"] * times:
        pieces = template.replace("»", "«").split("«")
        made.append("".join(value(p) if i % 2 else p for i, p in enumerate(pieces)))
    return made


def harmless(seed: int) -> list[str]:
    """Return at least three hundred texts that must come out as they went in."""
    return [*TEXTS["prose"], *TEXTS["config"], *TEXTS["logs"], *identifiers(seed, 4)]


_OPENINGS = (
    *("password=", 'password: "', "Authorization: Bearer ", "://a:", "ghp_", "eyJaaaaaaaaaa."),
    *("-----BEGIN PRIVATE KEY-----\n", "Cookie: ", "mysql ", "curl -u a:", "secret { ", "+886 "),
    *("kind: Secret\ndata:\n a: ", '{"password": ['),
)
_FILLERS = ("a", "A1b2", "=", '"', "\\", " ", "\n", "a=b;", "1", "-", '\\"', "@", ":", "/", ",")
_ALPHABETS = {
    "base64": B64,
    "hex": HEX,
    "digits": string.digits,
    "digits and signs": string.digits + " -.()+",
    "signs": "=:\"'\\{}[]()<>,;&|`",
    "words": ' =:"pastokenkeyrdw',
    "any ASCII": "".join(map(chr, range(128))),
    "mail": "a.@-_%+",
    "url": ":/@a?#",
    "wide": "ａ：＝\u200b密碼中\x1b[m",
    "escapes": "%\\ux0041&#;",
}


def worst_cases() -> dict[str, str]:
    """Return 64 KB at a time of what makes careless patterns slow, by its name."""
    made = {repr(p): (p * (SIZE // len(p) + 1))[:SIZE] for p in TEXTS["repeated"]}
    for opening in _OPENINGS:
        for filler in _FILLERS:
            made[f"{opening!r} + {filler!r}"] = (opening + filler * SIZE)[:SIZE]
    source = random.Random(7)
    for name, alphabet in _ALPHABETS.items():
        made[f"random {name}"] = "".join(source.choices(alphabet, k=SIZE))
    made["deep JSON"] = "[" * (SIZE // 2) + "]" * (SIZE // 2)
    made["deep JSON objects"] = '{"a":' * (SIZE // 7) + "1" + "}" * (SIZE // 7)
    made["JSON of passwords"] = json.dumps([{"password": "a1b2c3d4"}] * (SIZE // 26))
    made["one JSON string"] = json.dumps({"message": "password=x " * (SIZE // 12)})
    made["JSON in JSON"] = json.dumps({"a": json.dumps([{"b": "c"}] * (SIZE // 16))})
    return made


def survivors(text: str, output: str) -> Iterator[str]:
    """Yield the pieces of a secret, a dozen characters long, that an output still shows."""
    step = min(12, len(text))
    for at in range(0, max(1, len(text) - step + 1), 4):
        if text[at : at + step] in output:
            yield text[at : at + step]
