"""Sixty-four kilobytes at a time of what makes careless patterns slow."""

import random

SIZE = 65_536

# Repeated until full.
_REPEATED = (
    "AKIA", "AKIAABCDEFGHIJKLMNO", "ghp_", "github_pat_", "glpat-", "xoxb-", "xoxb-1-", "hooks.slack.com/services/",
    "sk-", "sk-ant-", "sk-proj-", "hf_", "SG.", "SG.a.", "npm_", "pypi-", "eyJ", "eyJ.", "eyJaaaaaaaaa.", ".eyJaaaaaaaaa",
    "eyJaaaaaaaaaaaa.b", "AIza", "Q~", "8Q~", ":AA", "1:AA", "1234567:AA", "-us", ".atlasv1.", "$2b$", "$6$a$", "$argon2i",
    "pbkdf2_sha256$", "hvs.", "s.", "awp.", "awp.a.", "awo.", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n", "-----BEGIN PRIVATE KEY-----\\n", "-----END PRIVATE KEY-----", "Private-Lines: 1\n",
    "password", "password=", "password: ", "password: \"", "password='", 'password=\\"', "password=\\\\\"", '"password":',
    '"password":"', "'password','", "password=[", 'password=["a",', "password: |\n a\n", "password is ", "password \t ", "--password ",
    "-p'", "mysql -p", "mysql ", "curl -u a:", "curl -u ", "sshpass -p ", "login -p ", "AUTH ", "machine a login b password ",
    "echo a:b", "kind: Secret\ndata:\n", "stringData:\n  a: b\n", "token token ", "tokentoken", "pass_", "pass-", "pass.", "key=",
    "key: ", "apiKey", "密碼", "密碼：", "電話:", "name: TOKEN\nvalue: ", "secret{default=", "secret {", "secret value", "<password>",
    "password a<", "=", ":", '"', "'", "`", "\\", "\\\"", "\"\\", "\\\\\\\"", "[", "{", "[{", '{"a":', "}", "(", "((((", "%", "%4", "%41",
    "%25", "\\u", "\\u0041", "\\x41", "&#65;", "&#", "0", "09", "0912", "0912-", "09 12", "02-", "(02)", "+", "+1", "+1 ", "+1-", "1-", "4",
    "4111", "4111 ", "4111-1111-", "4111111111111111 ", "5", "62", "A1", "A123456789", "A12345678", "1.", "1.1.1.1", "1.1.1.", "256.", "@", "a@",
    "a@b", "a@b.", "a@b.c", ".@.", "@a.aa", "a.", "aaaa.", "://", "://a", "://a:", "://a:b", "://a:b@", "://:@", "a://b:c/", "//", ":/", "\\/",
    ":\\/\\/", "@tcp(", "a:b@tcp(", ":thin:a/", ":54:", "a:5432:a:a:", "\n", "\r\n", "\\\n", "\n ", " ", "\t", "A", "a", "aB3", "AAAA", "QUtJ",
    "cGFz", "cGFzc3dvcmQ9", "+/", "-_", "==", "a=", "a==", "A=\n", "ghp_\n", "AKIA\n", "ghp_a\\\n", "sk-a1\n", "eyJa\n", "\x1b", "\x1b[", "\x1b[0",
    "\x1b[0m", "\x1b]", "a\x1b[0m", "\u200b", "a\u200b", "\u200bpassword\u200b=", "ａ", "ｐａｓｓ", "：", "\ufeff=", "İ", "ß", "é", "中", "\U0001d41a",
    "bearer ", "Bearer a", "basic ", "Authorization: ", "Authorization: Digest ", "Digest nonce=", "Cookie: ", "Cookie: a=b;", "cookie: a=", "Set-Cookie:a",
    "[secret:", "[secret:aws:", "[secret:aws:00000000]", "[secret:aws:00000000", "secret:", "a-", "a_", "a_b-", "aA", "a1", "1a-", "_", "-", ".", ",", ";",
    "&", "&a=", "?token=", "; a=", "|", "<", ">", "<a", "</", "${", "$(", "{{", "%(", "#{", "os.environ[", "a.b(", "(a", "/", "/a", "./", "/a/b", "~/",
    "arn:", "vault:", "projects/", "http://", "https://a.", "is ", "was", "ssh ", "scp a", "git@", "order ", "id=", "4111111111111111id=", "a@b.co:", "a@b.co:/",
    "00", "ab", "0a", "6162", "3d", "Zm9v", "MTI", "M.", "MAAAAAAAAAAAAAAAAAAAAAAA.", "N" * 25 + ".", "x.y.z.", "IDENTIFIED BY ", "identified by", "requirepass ",
    "htpasswd -b ", "smbclient -U a", "zip -P", "-pass pass:", "--from-literal=a", "openssl -k pass:", "redis-cli -a ", "passwd", "login ", "login -p",
)  # fmt: skip


def inputs() -> dict[str, str]:
    """Return every worst case by its name, each of exactly 64 KB of characters."""
    made = {repr(piece): (piece * (SIZE // len(piece) + 1))[:SIZE] for piece in _REPEATED}
    for opening in ("password=", "password: \"", "Authorization: Bearer ", "://a:", "ghp_", "eyJaaaaaaaaaa.", "-----BEGIN PRIVATE KEY-----\n",
                    "Cookie: ", "mysql ", "curl -u a:", "kind: Secret\ndata:\n a: ", "secret { ", "{\"password\": [", "+886 "):  # fmt: skip
        for filler in (
            "a",
            "A1b2",
            "=",
            '"',
            "\\",
            " ",
            "\n",
            "a=b;",
            "1",
            "-",
            '\\"',
            "@",
            ":",
            "/",
            ",",
        ):
            made[f"{opening!r} + {filler!r}"] = (opening + filler * SIZE)[:SIZE]
    r = random.Random(7)
    for name, alphabet in (
        ("base64", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"),
        ("hex", "0123456789abcdef"), ("digits", "0123456789"), ("digits and signs", "0123456789 -.()+"),
        ("signs", "=:\"'\\{}[]()<>,;&|`"), ("token words", " =:\"pastokenkeyrdw"), ("any ASCII", "".join(map(chr, range(128)))),
        ("mail", "a.@-_%+"), ("url", ":/@a?#"), ("wide", "ａ：＝\u200b密碼中\x1b[m"), ("escapes", "%\\ux0041&#;"),
    ):  # fmt: skip
        made[f"random {name}"] = "".join(r.choices(alphabet, k=SIZE))
    made["deep JSON"] = "[" * (SIZE // 2) + "]" * (SIZE // 2)
    made["deep JSON objects"] = '{"a":' * (SIZE // 6) + "1" + "}" * (SIZE // 6)
    made["JSON of many passwords"] = (
        "[" + ",".join(['{"password":"a1b2c3d4"}'] * (SIZE // 24))[: SIZE - 30] + "]"
    )
    made["one JSON string"] = '{"message":"' + "password=x " * (SIZE // 12) + '"}'
    made["JSON in JSON"] = '{"a":"' + '{\\"b\\":\\"c\\"},' * (SIZE // 14) + '"}'
    return made
