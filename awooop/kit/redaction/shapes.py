"""Secrets known by their shape: what vendors, and we, put in front of them.

Prefixes and lengths follow the vendors' own documents; gitleaks' rule set (config/gitleaks.toml)
served as the list of what is in use. Each rule begins with its literal, so that the search runs
at memory speed, and is bounded or possessive, so that no input makes it slow.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from awooop.kit.redaction import values
from awooop.kit.redaction.literals import Index
from awooop.kit.redaction.tags import Span

_WORD = r"[A-Za-z0-9_-]"
_VARIED = r"(?=[A-Za-z0-9_-]{0,60}[0-9])"  # a token has a digit soon; a hyphenated name has not
_CRYPT = r"[^\s$:]{1,80}\$(?:[^\s$:]{1,40}\$)?[./A-Za-z0-9]{20,90}"  # crypt(5)
_END = r"(?![A-Za-z0-9])"
_WRAP = re.compile(r"\\?\r?\n[ \t]{0,40}")
_WORDY = re.compile(r"[A-Za-z0-9_+/=.:~$-]{14}")  # the shortest shape, and more
_RUN = re.compile(r"[A-Za-z0-9_+/=.~-]{1,400}")
_MOST_LINES = 8


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of token: the literal it is found by and the pattern that begins there."""

    kind: str
    literal: str
    pattern: re.Pattern[str]


def starting(literal: str, rest: str) -> re.Pattern[str]:
    """Return the pattern of a token that begins a word: after anything but a letter or digit.

    ``\\n`` spelled as two characters ends a word too: logs carry JSON within text.
    """
    plain = re.escape(literal)
    return re.compile(rf"{plain}(?:(?<![A-Za-z0-9]{plain})|(?<=\\[nrtbf]{plain})){rest}")


def _rules(kind: str, literals: str, rest: str) -> list[Shape]:
    return [Shape(kind, literal, starting(literal, rest)) for literal in literals.split()]


SHAPES: tuple[Shape, ...] = (
    *_rules("aws", "AKIA ASIA ABIA ACCA", rf"[A-Z0-9]{{16}}{_END}"),
    *_rules("aws", "bedrock-api-key-", rf"{_WORD}{{20,2000}}"),
    *_rules("gcp", "AIza", rf"{_WORD}{{35}}{_END}"),
    *_rules("gcp", "GOCSPX-", rf"{_WORD}{{20,40}}"),
    *_rules("gcp", "ya29.", r"[\w.-]{20,2000}"),
    *_rules("gcp", "1//0", rf"{_WORD}{{30,200}}"),
    *_rules("digitalocean", "dop_v1_ doo_v1_ dor_v1_", r"[a-f0-9]{64}"),
    *_rules("cloudflare", "v1.0-", r"[a-f0-9]{24}-[a-f0-9]{100,200}"),
    *_rules("cloudflare", "cfut_ cfat_ cfk_", rf"{_WORD}{{30,100}}"),
    *_rules("alibaba", "LTAI", rf"[A-Za-z0-9]{{12,24}}{_END}"),
    *_rules("tencent", "AKID", rf"[A-Za-z0-9]{{28,40}}{_END}"),
    *_rules("github", "ghp_ gho_ ghu_ ghs_ ghr_", r"[A-Za-z0-9]{36,255}"),
    *_rules("github", "github_pat_", r"[A-Za-z0-9_]{22,255}"),
    *_rules(
        "gitlab",
        "glpat- gldt- glrt- glptt- glcbt- glsoat- glft- glimt- glagent- gloas- GR1348941",
        r"[\w.-]{16,300}",
    ),
    *_rules("bitbucket", "ATBB", r"[A-Za-z0-9_=]{24,60}"),
    *_rules("atlassian", "ATATT3 ATCTT3", r"[A-Za-z0-9_=-]{50,400}"),
    *_rules(
        "slack",
        "xoxb- xoxp- xoxa- xoxr- xoxs- xoxo- xoxe- xoxe. xoxc- xoxd- xapp-",
        r"[\w.%-]{10,400}",
    ),
    *_rules("slack", "hooks.slack.com/", r"(?:services|workflows|triggers)/([\w/-]{8,200})"),
    *_rules(
        "discord", "discord.com/api/ discordapp.com/api/", r"(?:v\d+/)?webhooks/(\d+/[\w-]{20,120})"
    ),
    *_rules("teams", "webhook.office.com/", r"webhookb2/([\w@/-]{20,400})"),
    *_rules("anthropic", "sk-ant-", rf"{_WORD}{{16,300}}"),
    *_rules(
        "openai", "sk-proj- sk-svcacct- sk-admin- sk-None- sess-", rf"{_VARIED}{_WORD}{{16,300}}"
    ),
    *_rules("openai", "sk-", rf"{_VARIED}{_WORD}{{20,300}}"),
    *_rules("huggingface", "hf_ api_org_", r"[A-Za-z0-9]{30,80}"),
    *_rules("groq", "gsk_", r"[A-Za-z0-9]{30,100}"),
    *_rules("xai", "xai-", r"[A-Za-z0-9]{40,120}"),
    *_rules("perplexity", "pplx-", r"[A-Za-z0-9]{30,100}"),
    *_rules("replicate", "r8_", r"[A-Za-z0-9]{30,60}"),
    *_rules("nvidia", "nvapi-", rf"{_WORD}{{40,120}}"),
    *_rules(
        "stripe", "sk_live_ sk_test_ rk_live_ rk_test_ sk_prod_ rk_prod_", r"[A-Za-z0-9]{10,250}"
    ),
    *_rules("stripe", "whsec_", r"[A-Za-z0-9+/=]{20,100}"),
    *_rules("sendgrid", "SG.", rf"{_WORD}{{16,32}}\.{_WORD}{{16,64}}"),
    *_rules("twilio", "SK", rf"[0-9a-f]{{32}}{_END}"),
    *_rules("brevo", "xkeysib- xsmtpsib-", r"[a-f0-9]{40,80}(?:-[A-Za-z0-9]{8,20})?"),
    *_rules("npm", "npm_", r"[A-Za-z0-9]{36}"),
    *_rules("pypi", "pypi-", rf"{_WORD}{{50,400}}"),
    *_rules("rubygems", "rubygems_", r"[a-f0-9]{40,60}"),
    *_rules("docker", "dckr_pat_ dckr_oat_", rf"{_WORD}{{20,60}}"),
    *_rules("shopify", "shpat_ shpss_ shpca_ shppa_ shptka_", r"[A-Fa-f0-9]{30,40}"),
    *_rules("postman", "PMAK-", r"[a-f0-9-]{50,70}"),
    *_rules("databricks", "dapi", rf"[a-f0-9]{{32}}(?:-\d)?{_END}"),
    *_rules("grafana", "glsa_", r"[A-Za-z0-9]{32}_[a-f0-9]{8}"),
    *_rules("grafana", "glc_", r"[A-Za-z0-9+/=]{32,400}"),
    *_rules("newrelic", "NRAK- NRJS- NRII- NRIQ- NRRA-", rf"{_WORD}{{16,60}}"),
    *_rules("vault", "hvs. hvb. hvr.", rf"{_WORD}{{20,300}}"),
    *_rules("vault", "s.", r"(?=[A-Za-z0-9]{0,20}\d)[A-Za-z0-9]{24}(?![\w.])"),
    *_rules("linear", "lin_api_ lin_oauth_", r"[A-Za-z0-9]{30,80}"),
    *_rules("notion", "ntn_ secret_", r"(?=[A-Za-z]{0,40}\d)[A-Za-z0-9]{40,60}"),
    *_rules("figma", "figd_ figo_", rf"{_WORD}{{30,80}}"),
    *_rules("square", "sq0atp- sq0csp- sq0idp-", rf"{_WORD}{{20,60}}"),
    *_rules("facebook", "EAACEdEose0cBA EAAA", r"(?=[A-Za-z]{0,40}\d)[A-Za-z0-9]{40,300}"),
    *_rules("age", "AGE-SECRET-KEY-1", r"[A-Z0-9]{40,80}"),
    *_rules("pulumi", "pul-", rf"[a-f0-9]{{40}}{_END}"),
    *_rules("supabase", "sbp_", rf"[a-f0-9]{{40}}{_END}"),
    *_rules("supabase", "sb_secret_", rf"{_WORD}{{20,80}}"),
    *_rules("doppler", "dp.pt. dp.st. dp.ct. dp.sa. dp.scim.", r"[\w.-]{30,100}"),
    *_rules("fly", "fo1_", rf"{_WORD}{{30,100}}"),
    *_rules("fly", "fm1r_ fm2_", r"[A-Za-z0-9+/=,_]{60,2000}"),
    *_rules("circleci", "CCIPAT_", rf"{_WORD}{{30,100}}"),
    *_rules("sentry", "sntrys_ sntryu_", r"[A-Za-z0-9+/=_-]{40,400}"),
    *_rules("tailscale", "tskey-", rf"{_WORD}{{16,120}}"),
    *_rules("onepassword", "ops_", r"eyJ[A-Za-z0-9+/_-]{100,3000}"),
    *_rules("render", "rnd_", r"(?=[A-Za-z]{0,30}\d)[A-Za-z0-9]{24,60}"),
    *_rules("airtable", "pat", r"[A-Za-z0-9]{14}\.[a-f0-9]{64}"),
    *_rules("mapbox", "sk.eyJ", r"[\w-]{20,300}\.[\w-]{16,60}"),
    *_rules("awooop", "awp.", rf"[A-Za-z0-9_-]{{1,64}}\.{_WORD}{{16,200}}"),
    *_rules("awooop", "awo.", rf"{_WORD}{{16,200}}"),
    *_rules("jwt", "eyJ", r"[\w-]{8,8192}+\.[\w-]{4,16384}+(?:\.[\w-]{0,16384}+){0,3}"),
    *_rules("pwhash", "$2a$ $2b$ $2y$", r"\d\d\$[./A-Za-z0-9]{53}"),
    *_rules("pwhash", "$1$ $5$ $6$ $y$ $7$ $apr1$", _CRYPT),
    *_rules("pwhash", "$argon2i $argon2d", r"d?\$[\w=,$+/.-]{20,300}"),
    *_rules("pwhash", "pbkdf2_sha", r"\d{1,3}\$\d{1,8}\$[^\s$]{1,64}\$[A-Za-z0-9+/=]{20,100}"),
)

# Tokens whose telling part is not their beginning: the literal, what stands before it, the whole.
_INNER: tuple[tuple[str, str, int, re.Pattern[str]], ...] = (
    ("telegram", ":AA", 12, re.compile(r"\d{6,12}:AA[\w-]{30,40}")),
    ("azure", "Q~", 4, re.compile(r"(?<![\w~.-])[\w~.]{3}\dQ~[\w~.-]{31,34}")),
    ("terraform", ".atlasv1.", 14, re.compile(r"(?<!\w)[A-Za-z0-9]{14}\.atlasv1\.[\w-]{60,80}")),
    ("mailchimp", "-us", 32, re.compile(r"(?<![\w-])[0-9a-f]{32}-us\d{1,2}(?!\w)")),
    ("mailgun", "key-", 0, re.compile(r"(?<![\w-])key-[0-9a-f]{32}(?!\w)")),
)
_SHAPES = Index((shape.literal, shape) for shape in SHAPES)
_INNERS = Index((inner[1], inner) for inner in _INNER)
_DISCORD = re.compile(r"[MNO](?<![\w-][MNO])[\w-]{23,25}\.[\w-]{6}\.[\w-]{27,38}(?![\w-])")
_AWS_SECRET = re.compile(r"(?<![A-Za-z0-9/+=._-])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=._-])")
_PEM = "-----BEGIN "
_PEM_HEAD = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_PEM_TAIL = re.compile(r"-----END [A-Z0-9 ]{0,40}-----")
_PEM_BODY = re.compile(
    r"(?:(?:\s|\\[nr])++[A-Z][A-Za-z-]{2,30}: [^\r\n\\]{0,200})*+(?:[A-Za-z0-9+/=]|\\[nr]"
    r"|\r?\n[ \t]{0,40}(?=[A-Za-z0-9+/=]{20}|\r?\n"
    r"|[A-Za-z0-9+/]{1,76}={0,2}\s{0,4}(?:\Z|\n|\\n)))*+"
)
_LONGEST_PEM = 65_536
_PUTTY = re.compile(r"Private-Lines: \d{1,4}\s+([A-Za-z0-9+/=\s]{20,8000})(?=Private-MAC|\Z)")


def found(text: str) -> Iterator[Span]:
    """Yield every token of a known shape, those broken over lines too."""
    wrapped = "\n" in text
    if not wrapped and not _WORDY.search(text):
        return
    for shape in _SHAPES.present(text):
        yield from _direct(shape, text)
        if wrapped:
            yield from _broken(shape, text)
    for kind, literal, before, pattern in _INNERS.present(text):
        yield from _inner(kind, literal, before, pattern, text)
    for match in _DISCORD.finditer(text):
        if values.is_mixed(match.group()):
            yield Span(match.start(), match.end(), "discord", match.group())
    if _PEM in text:
        yield from _private_keys(text)
    if "Private-Lines: " in text:
        for match in _PUTTY.finditer(text):
            yield Span(match.start(1), match.end(1), "pem", match.group(1))


def _direct(shape: Shape, text: str) -> Iterator[Span]:
    group = shape.pattern.groups
    for match in shape.pattern.finditer(text):
        yield Span(match.start(group), match.end(group), shape.kind, match.group(group))
        if shape.kind == "aws":
            yield from _aws_secrets(text, match.start(), match.end())


def _aws_secrets(text: str, start: int, end: int) -> Iterator[Span]:
    """An access key id seldom comes alone: its secret is near, often without a name."""
    for match in _AWS_SECRET.finditer(text, max(0, start - 200), end + 200):
        if values.is_mixed(match.group()):
            yield Span(match.start(), match.end(), "aws", match.group())


def _inner(
    kind: str, literal: str, before: int, pattern: re.Pattern[str], text: str
) -> Iterator[Span]:
    at = text.find(literal)
    while at >= 0:
        start = max(0, at - before)
        if kind == "telegram":
            start += len(text[start:at].rstrip("0123456789"))
        match = pattern.match(text, start)
        if match:
            yield Span(match.start(), match.end(), kind, match.group())
        at = text.find(literal, match.end() if match else at + 1)


def _broken(shape: Shape, text: str) -> Iterator[Span]:
    """Tokens that go on in the next line, after a newline or a backslash and a newline."""
    at = text.find(shape.literal)
    while at >= 0:
        run = _RUN.match(text, at)
        end = run.end() if run else at + 1
        if run and (wrap := _WRAP.match(text, end)):
            span = _assembled(shape, text, run, wrap.end())
            end = span.end if span else end
            if span:
                yield span
        at = text.find(shape.literal, end)


def _assembled(shape: Shape, text: str, run: re.Match[str], at: int) -> Span | None:
    """Take one more line at a time until the shape fits; then only what looks like its rest."""
    start, token, end = run.start(), run.group(), 0
    behind = text[max(0, start - 2) : start]
    whole = shape.pattern.match(behind + token, len(behind)) is not None
    for _ in range(_MOST_LINES):
        more = _RUN.match(text, at)
        if more is None or more.group().startswith(shape.literal):
            break
        if whole and not values.is_rest(more.group()):
            break
        before, token = len(behind + token), token + more.group()
        match = shape.pattern.match(behind + token, len(behind))
        if match and match.end() > before:
            whole, end = True, at + match.end() - before
        wrap = _WRAP.match(text, more.end())
        if wrap is None or (whole and end < more.end()):
            break
        at = wrap.end()
    if not end:
        return None
    return Span(start, end, shape.kind, _WRAP.sub("", text[start:end]))


def _private_keys(text: str) -> Iterator[Span]:
    closed = True
    at = text.find(_PEM)
    while at >= 0:
        head = _PEM_HEAD.match(text, at)
        end = at + len(_PEM)
        if head:
            tail = _PEM_TAIL.search(text, head.end(), head.end() + _LONGEST_PEM) if closed else None
            closed = tail is not None
            body = _PEM_BODY.match(text, head.end(), head.end() + _LONGEST_PEM)
            end = tail.end() if tail else body.end() if body else head.end()
            yield Span(at, end, "pem", text[at:end])
        at = text.find(_PEM, end)
