"""Secrets in context, secrets in disguise and harmless text, made anew at each call.

Nothing that looks like a secret is written down here: prefixes stand in pieces and all else is
random. Loaded by its path, as tests are no package; `manage.py bench` may load it as well.
"""

import base64
import json
import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

ALNUM = string.ascii_letters + string.digits
B64 = ALNUM + "+/"
URL = ALNUM + "-_"
HEX = "0123456789abcdef"


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

        return f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part({'sub': self.digits(9)})}.{self.of(URL, 43)}"

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
        return f"{self.of(string.ascii_lowercase, 5)}.{self.of(string.ascii_lowercase + string.digits, 7)}@{host}"

    def phone(self) -> str:
        d = self.digits
        return self.random.choice(
            (f"09{d(2)}-{d(3)}-{d(3)}", f"09{d(8)}", f"+886 9{d(2)} {d(3)} {d(3)}", f"+8869{d(8)}",
             f"02-2{d(3)}-{d(4)}", f"(04) 2{d(3)}-{d(4)}", f"+1 415-555-{d(4)}", f"+44 20 7946 0{d(3)}",
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


# Where a shaped secret may stand: ordinary surroundings that do not tell.
AROUND = (
    "2026-01-15T10:00:00Z INFO calling upstream with {} took 12ms",
    '{{"level":"error","msg":"upstream said no to {}","code":403}}',
    "Traceback (most recent call last):\n  File \"/app/x.py\", line 3, in f\nValueError: bad value '{}'\n",
    "step: deploy\nnote: {}\nreplicas: 3\n",
    "see <{}> for details",
    "收到訊息：{}，請處理。",
    'args=["--verbose", "{}"]',
    'curl -s https://api.example.com/v1 -H "X-Thing: {}" -o /dev/null',
    "| value | {} |",
    "panic: runtime error: {}\n\ngoroutine 1 [running]:\nmain.main()",
)
# Where a password or token without any shape is known by its context.
CONTEXTS = (
    "password={}", "PASSWORD: {}\n", "user=bob password={} host=db1", "passwd: '{}'", 'secret => "{}"',
    'api_key: "{}"', '{{"password": "{}", "user": "bob"}}', '{{"user":"bob","apiKey":"{}"}}',
    'data = {{\\"client_secret\\": \\"{}\\", \\"n\\": 1}}', "export DB_PASSWORD={}\n", "export API_TOKEN='{}'\n",
    "mysql -uroot -p'{}' shop", "deploy --password {} --force", "deploy --api-key={} --force",
    "GET /cb?token={}&state=1 HTTP/1.1", "GET /x?a=1&api_key={} HTTP/1.1", "X-Api-Key: {}\r\n",
    "Authorization: Bearer {}\r\nAccept: */*", "> authorization: token {}\n", "PRIVATE-TOKEN: {}\n",
    "postgres://app:{}@db.internal:5432/shop", "redis://:{}@cache:6379/0", "amqp://guest:{}@mq:5672/%2f",
    "mongodb+srv://root:{}@cluster0.mongodb.net/x?retryWrites=true", "https://bob:{}@example.com/repo.git",
    "jdbc:postgresql://db/x?user=bob&password={}&ssl=true", "jdbc:sqlserver://db;user=sa;password={};encrypt=true",
    "Server=db;Database=x;User Id=sa;Password={};", "host=db user=bob password={} dbname=x sslmode=require",
    "AccountName=acme;AccountKey={};EndpointSuffix=core.windows.net", "spring.datasource.password={}\n",
    "  - name: DB_PASSWORD\n    value: {}\n", '{{"name": "DB_PASSWORD", "value": "{}"}}', "<password>{}</password>",
    '<add key="ApiSecret" value="{}" />', "//registry.npmjs.org/:_authToken={}\n",
    "machine api.example.com login bob password {}\n", "      POSTGRES_PASSWORD: {}\n", "      - REDIS_PASSWORD={}\n",
    "    token: {}\n", 'password = "{}"\n', 'secret_key = "{}"\n', "User(name=bob, password={})",
    "map[password:{} user:bob]", "{{'password': '{}', 'user': 'bob'}}", "Config {{ password: \"{}\", retries: 3 }}",
    "('password', '{}')", "CREATE USER bob IDENTIFIED BY '{}';", "ALTER ROLE bob WITH PASSWORD '{}';",
    "kubectl create secret generic x --from-literal=key1={} -n prod", "curl -u bob:{} https://x.example.com",
    "PGPASSWORD={} psql -h db", "docker login -u bob -p {} ghcr.io", "Cookie: sessionid={}; lang=",
    "Set-Cookie: sid={}; Path=/; HttpOnly", "登入失敗，密碼：{}", "使用者密碼={}，請重設", "權杖: {}\n",
    "the password is {}", "redis-cli -h cache -a {} ping", "sshpass -p {} ssh bob@10.0.0.4",
    "requirepass {}\n", "ENV SECRET_KEY={}\n", "SECRET_KEY_BASE={}\n", "aws_secret_access_key = {}\n",
    "token={}", 'auth_token: "{}"', "refresh_token={}&grant_type=refresh_token", "clientSecret: {}\n",
    "$env:API_TOKEN = \"{}\"", "set DB_PASSWORD={}\r\n", '"Authorization": "Bearer {}"', "access-token: {}\n",
    "bob:{}@tcp(127.0.0.1:3306)/shop?parseTime=true", "sasl.jaas.config=x required username=\"u\" password=\"{}\";",
    "wget --user=bob --password={} https://x.example.com/a.tgz", "--set auth.password={} --wait",
    "credentials: {}\n", "[default]\nsecret_access_key={}\n", "otp_secret={}", "const token = \"{}\";",
    "API_KEY := \"{}\"", "db.password = '{}'", "Bearer {}", "?sv=2022-11-02&se=2026&sig={}",
)  # fmt: skip


def secrets_in_context(seed: int) -> list[Case]:
    m = Maker(seed)
    cases = []
    for kind, make in shaped(m).items():
        for around in m.random.sample(AROUND, 6):
            before, after = (
                part.replace("{{", "{").replace("}}", "}") for part in around.split("{}")
            )
            secret = make()
            cases.append(
                Case(
                    kind,
                    json.dumps(secret)[1:-1] if around.startswith("{{") else secret,
                    before,
                    after,
                )
            )
    for context in CONTEXTS:
        for _ in range(2):
            before, after = (
                part.replace("{{", "{").replace("}}", "}") for part in context.split("{}")
            )
            secret = (
                m.of(ALNUM, 40)
                if "sig=" in context or before.startswith(("Bearer", "otp"))
                else m.password()
            )
            cases.append(Case("context", secret, before, after))
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
    encode = m.random.choice((base64.b64encode, base64.urlsafe_b64encode))
    return encode(m.random.choice((text, f"key={text}", f'{{"v":"{text}"}}')).encode()).decode()


def _percent(text: str, m: Maker) -> str:
    return m.random.choice(("".join(f"%{ord(c):02X}" for c in text), quote(text, safe="")[:0] + "".join(
        f"%{ord(c):02x}" if i % 2 else c for i, c in enumerate(text))))  # fmt: skip


def _unicode(text: str, m: Maker) -> str:
    return "".join(
        f"\\u{ord(c):04x}" if m.random.random() < 0.5 or i == 0 else c for i, c in enumerate(text)
    )


DISGUISES = (_zero_width, _coloured, _full_width, _wrapped, _base64, _percent, _unicode)


def disguised(seed: int) -> list[tuple[str, Case]]:
    """Each disguise over many classes: its name, and the case with the secret as disguised."""
    m = Maker(seed)
    makers = {
        kind: make for kind, make in shaped(m).items() if not kind.startswith(("pem", "bcrypt"))
    }
    cases = []
    for disguise in DISGUISES:
        short = disguise is _wrapped
        kinds = [k for k in makers if not (short and (k in ("email", "phone", "card", "telegram", "discord", "azure")
                                                      or k.startswith("taiwan")))]  # fmt: skip
        for kind in m.random.sample(kinds, 20):
            before, after = (p.replace("{{", "{").replace("}}", "}") for p in AROUND[0].split("{}"))
            if disguise is _percent:
                before, after = "GET /hook?v=", "&x=1 HTTP/1.1"
            cases.append(
                (disguise.__name__[1:], Case(kind, disguise(makers[kind](), m), before, after))
            )
        if disguise in (_zero_width, _coloured, _full_width, _base64):
            for _ in range(4):
                secret = disguise(
                    m.password() if disguise is not _base64 else f"password={m.password()}", m
                )
                name = "run: " if disguise is _base64 else "run: password="
                cases.append((disguise.__name__[1:], Case("context", secret, name, " done")))
    return cases


def survivors(text: str, output: str) -> Iterator[str]:
    """Yield the pieces of a secret, a dozen characters long, that an output still shows."""
    step = min(12, len(text))
    for at in range(0, max(1, len(text) - step + 1), 4):
        if text[at : at + step] in output:
            yield text[at : at + step]
