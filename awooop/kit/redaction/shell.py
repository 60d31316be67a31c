"""Secrets in commands and in the terse files around them, where no name says what they are."""

import re
from collections.abc import Iterator

from awooop.kit.redaction import values
from awooop.kit.redaction.literals import Index
from awooop.kit.redaction.tags import CREDENTIAL, Span

_BY = (
    r"(?i:\bIDENTIFIED\s{1,4}(?:WITH\s{1,4}\S{1,40}\s{1,4})?BY\s{1,4}(?:PASSWORD\s{1,4})?)(?=['\"])"
)
_ARGUMENT = r"""(?:'([^'\n]{1,256})'|"([^"\n]{1,256})"|([^\s'"`;|&]{1,256}))"""
# A literal that must be there, and the pattern whose last matching group is the secret.
_RULES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (literal, re.compile(pattern + _ARGUMENT))
    for literal, pattern in (
        ("mysql", r"\b(?:mysql\w{0,12}|mysqladmin|mysqldump)\b[^\n|;]{0,200}?\s-p"),
        ("mariadb", r"\bmariadb[\w-]{0,12}\b[^\n|;]{0,200}?\s-p"),
        ("sshpass", r"\bsshpass\s{1,4}-p\s{0,4}"),
        ("login", r"\blogin\b[^\n|;]{0,160}?\s-p[ =]"),
        ("redis-cli", r"\bredis-cli\b[^\n|;]{0,120}?\s-a\s{1,4}"),
        ("sqlcmd", r"\b(?:sqlcmd|bcp)\b[^\n|;]{0,120}?\s-P\s{0,4}"),
        ("ldap", r"\bldap\w{3,10}\b[^\n|;]{0,200}?\s-w\s{1,4}"),
        ("mongo", r"\bmongo\w{0,10}\b[^\n|;]{0,200}?\s-p\s{1,4}"),
        ("smbclient", r"\bsmbclient\b[^\n|;]{0,160}?\s-U\s{0,2}[\w\\.]{1,64}%"),
        ("zip", r"\b(?:un)?zip\b[^\n|;]{0,120}?\s-P\s{0,4}"),
        ("7z", r"\b7za?\b[^\n|;]{0,120}?\s-p"),
        (
            "htpasswd",
            r"\bhtpasswd\s{1,4}-\w{0,6}b\w{0,6}\s{1,4}(?:[^\s-]\S{0,200}\s{1,4})?"
            r"[\w.@-]{1,64}\s{1,4}",
        ),
        ("pass:", r"-(?:pass|passin|passout|k)\s{1,4}pass:"),
        ("requirepass", r"\b(?:requirepass|masterauth)\s{1,8}"),
        (
            "AUTH ",
            r"(?:^|[\s>\"])AUTH\s{1,4}(?:default\s{1,4})?(?=\S{6})"
            r"(?!(?:LOGIN|PLAIN|failed|required|error)\b)",
        ),
        ("IDENTIFIED", _BY),
        ("identified", _BY),
        ("from-literal", r"--from-literal[= ][\"']?[\w.-]{1,128}="),
        (
            "machine ",
            r"\bmachine\s{1,4}\S{1,200}\s{1,8}login\s{1,4}\S{1,100}\s{1,8}"
            r"password\s{1,4}",
        ),
        ("default login ", r"\bdefault login\s{1,4}\S{1,100}\s{1,8}password\s{1,4}"),
        (
            "chpasswd",
            r"\becho\s{1,4}(?:-\w\s{1,2})?[\"']?[a-z_][\w-]{0,31}:"
            r"(?=[^|\n]{1,200}\|\s{0,4}(?:sudo\s)?chpasswd)",
        ),
        ("passwd", r"\becho\s{1,4}(?=[^|\n]{1,200}\|\s{0,4}(?:sudo\s{1,4})?passwd\s)"),
        ("rabbitmqctl", r"\brabbitmqctl\s{1,4}(?:change_password|add_user)\s{1,4}\S{1,64}\s{1,4}"),
        ("snmp", r"\bsnmp\w{2,10}\b[^\n|;]{0,120}?\s-[AX]\s{1,4}"),
        ("issecret=true", r"issecret=true\]"),
        ("::add-mask::", r"::add-mask::"),
        ("AWS4-HMAC-SHA256", r"AWS4-HMAC-SHA256[^\n]{0,400}?Signature="),
        ("/pass", r"\b(?:user|username|login)/pass(?:word)?\s?[:=]\s?[^\s/]{1,64}/"),
        ("/密碼", r"/密碼\s?[:=]\s?[^\s/]{1,64}/"),
        (
            "password-stdin",
            r"\becho\s{1,4}(?:-n\s{1,4})?"
            r"(?=[^|\n]{1,300}\|[^\n|]{1,200}--password-stdin)",
        ),
    )
)
_COMMANDS = Index((literal, pattern) for literal, pattern in _RULES)
_USER = re.compile(
    r"""\s(?:-u|--user|--proxy-user|-U|-a|--auth|--basic-auth|--creds|--credentials)[= ]?\s{0,4}"""
    r"""(["']?)([^\s"':/$]{1,128}):([^\s"']{1,256})\1"""
)
# A user and a password, one after the other, as arguments of something that logs in.
_LOGIN = re.compile(
    r"(?:\b[Aa]uth\s?[=:]|(?:[Aa]uth|[Cc]redentials?|[Ll]ogin)\w{0,12})\s?[(\[]\s?"
    r"[\"'][^\"'\n]{1,64}[\"'],\s?(?:Some\()?[\"']([^\"'\n]{4,128})[\"']"
)
_USING = ("curl", "wget", "http ", "https ", "skopeo", "proxy", "helm", "podman", "ab ", "oras")
_SECRET_BLOCK = re.compile(
    r"(?m)^([ \t]*)(?:data|stringData):[ \t]*\r?\n((?:\1[ \t]+[^\r\n]*(?:\r?\n|\Z)){1,200})"
)
_ENTRY = re.compile(r"(?m)^[ \t]+[\w.\"'/-]{1,256}:[ \t]+[\"']?([^\s\"'|>{\[][^\r\n\"']{0,8192})")


def found(text: str) -> Iterator[Span]:
    """Yield the secrets that commands and Kubernetes Secret manifests carry."""
    for pattern in _COMMANDS.present(text):
        for match in pattern.finditer(text):
            group = match.lastindex or 0
            if not values.is_harmless(match.group(group)):
                yield Span(match.start(group), match.end(group), CREDENTIAL, match.group(group))
    yield from _logins(text)
    if ":" in text and any(command in text for command in _USING):
        for match in _USER.finditer(text):
            if not (match.group(3).isdigit() or values.is_harmless(match.group(3))):
                yield Span(match.start(3), match.end(3), CREDENTIAL, match.group(3))
    if "kind: Secret" in text or "stringData:" in text:
        yield from _manifest(text)


def _logins(text: str) -> Iterator[Span]:
    for literal in ("uth", "redential", "ogin"):
        at = text.find(literal, 1)
        while at >= 0:
            if match := _LOGIN.match(text, at - 1):
                secret = match.group(1)
                if values.is_telling(secret) or values.is_hex(secret, 20):
                    yield Span(match.start(1), match.end(1), CREDENTIAL, secret)
            at = text.find(literal, at + 1)


def _manifest(text: str) -> Iterator[Span]:
    """All entries of a Secret's data are secret, whatever they are called."""
    for block in _SECRET_BLOCK.finditer(text):
        for entry in _ENTRY.finditer(text, block.start(2), block.end(2)):
            secret = entry.group(1).rstrip()
            if not values.is_harmless(secret):
                yield Span(entry.start(1), entry.start(1) + len(secret), CREDENTIAL, secret)
