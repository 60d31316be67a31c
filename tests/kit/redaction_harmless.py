"""Text that must come out as it went in; random where it is an identifier."""

import base64
import random
import uuid

HEX = "0123456789abcdef"

PROSE = (
    "the password is wrong", "Your password has expired and must be changed.", "invalid token: expired",
    "Invalid username or password", "token expired", "The secret to good coffee is patience.",
    "Unexpected token } in JSON at position 42", "SyntaxError: Unexpected token: identifier",
    "permission denied: secret not found", "password: must be at least 12 characters long",
    "Please reset your password within 24 hours.", "token refreshed successfully", "key not found",
    "primary key violates unique constraint \"users_pkey\"", "The key: value pairs are sorted.",
    "author: Jane Doe", "authors = ['A', 'B']", "authentication failed for user bob", "authorization: denied",
    "密碼錯誤，請重新輸入。", "您的密碼已於昨日變更", "權杖已過期", "今天天氣很好，我們去公園散步吧。", "系統將於凌晨兩點進行維護。",
    "使用者登入成功，工作階段已建立", "此金鑰已停用", "電話已轉接", "請提供您的電話號碼以便聯絡", "密碼強度：強", "密碼：錯誤",
    "Bearer authentication is required", "uses Basic authentication over TLS", "use a Bearer token in the header",
    "cookie consent banner was dismissed", "cookies are disabled", "session closed by peer", "He passed the test at noon.",
    "compass and bypass", "pass: 10 fail: 2 skip: 1", "tests passed: 120, failed: 0", "monkey keyboard turkey",
    "secret: not found", "secret \"regcred\" not found", "secret/db-creds created", "secrets \"tls-cert\" is forbidden",
    "failed to get secret: default/regcred not found", "mounting secret db-creds-v2 at /etc/creds",
    "no credentials provided", "credentials: missing", "using credentials from environment", "invalid credentials",
    "Access token lifetime is 3600 seconds", "token budget of 8192 exceeded by 14 tokens", "max_tokens must be positive",
    "The total is $1,234.56 (tax 5%).", "NT$ 12,345,678 於 2026 年", "ratio 3:1, score 10:9", "ETA 12:30-13:45",
    "see section 4.2.1 of RFC 7519", "ISBN 978-3-16-148410-0", "call me maybe", "version 1.2.3-rc.4+build.567",
)  # fmt: skip

CONFIG = (
    'password: ""', "password: ''", "password:", "password: null", "password: ~", "PASSWORD=", "password=None",
    "password: ****", "password=********", "password: <redacted>", "password=[REDACTED]", "password: (hidden)",
    "password: ${PASSWORD}", "PASSWORD=$PASSWORD", "password: {{ secret }}", "password={{ .Values.db.password }}",
    "TOKEN=$(cat /run/secrets/token)", "token=`cat /token`", 'password = os.environ["DB_PASSWORD"]',
    'password=os.getenv("PW")', "token = process.env.GITHUB_TOKEN", "password: %(password)s", "password=%s",
    "api_key: <your-api-key>", "api_key = YOUR_API_KEY", "token: ${{ secrets.GITHUB_TOKEN }}", "api_key: your-key-here",
    "password = var.db_password", "password = data.vault_generic_secret.db.data[\"password\"]", "password: !Ref DbPassword",
    "secret_name: db-creds", "secretName: regcred", "secretKeyRef:\n  name: db\n  key: password\n", "kind: Secret",
    "type: kubernetes.io/service-account-token", "automountServiceAccountToken: false", "imagePullSecrets:\n- name: regcred\n",
    "token_count: 512", "max_tokens: 4096", "prompt_tokens=1200 completion_tokens=88", "tokens_used=1288",
    "tokenizer: cl100k_base", "token_type: bearer", "token_url: https://idp.example.com/oauth/token", "token_ttl: 1h",
    "password_changed_at: 2024-05-01T10:00:00Z", "passwordPolicy: strong", "password_min_length: 12",
    "password_file: /run/secrets/db", "PASSWORD_FILE=/run/secrets/pw", "password_reset_enabled: true", "require_password: yes",
    "key: value", "keys: [a, b, c]", "key=name", "sort_key=created_at", "primary_key=True", "foreign_key: users.id",
    "partition_key: order_id", "routing_key: orders.created", "cache_key=user:42:profile", "keyboard: us", "key_id: abc-1",
    "public_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE bob@laptop",
    "def login(self, user: str, password: str) -> Token:", "login(user=user, password=password)", "token := lexer.Next()",
    "if token == nil {", "for token in tokens:", "const token = await getToken(user)", "token = tokenizer.encode(text)",
    "self.password = password", "secret = config.secret", "password=self.password", "return token", "let key = map.keys().next();",
    "password: string;", "token?: string", "password = getpass.getpass()", "auth: true", "auth_method: kubernetes",
    "credentials: include", "session: new", "cookie_secure: true", "csrf_enabled = true", "signature: valid", "pin: 4",
    "secret_version: 3", "secret_arn: arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf", "vault_path: secret/data/db",
    "phone_required: false", "email: null", "mobile: true", "card: visa", "telemetry: off", "otp_enabled: true",
    "storage: 10Gi", "cpu: 250m", "image: nginx:1.27-alpine", "replicas: 3", "port: 8080", "timeout: 30s", "--token-ttl 1h",
    "kubectl get secret db-creds -o yaml", "kubectl -n prod get secrets", "--password-stdin", "mysql -u root -p shop",
    "ssh -i ~/.ssh/id_ed25519 deploy@bastion.example.com", "scp a.txt bob@host.example.com:/tmp/", "git@github.com:org/repo.git",
    "git clone ssh://git@gitlab.example.com:2222/a/b.git", "https://example.com/a?b=c&page=2#top", "https://bob@example.com/x.git",
    "postgres://db.example.com:5432/shop", "postgres://app@db:5432/shop", "postgres://app:${DB_PASSWORD}@db/shop",
    "redis://cache:6379/0", "http://localhost:8080/path@v1", "amqp://mq:5672", "npm install lodash@4.17.21 @types/node@20",
    "pip install django==5.2.1", "systemctl status getty@tty1.service", "logo@2x.png", "java.lang.Object@1b6d3586",
    '{"usage":{"prompt_tokens":12,"completion_tokens":7},"model":"gpt"}', '{"token":null,"password":""}', '{"key":"value","id":7}',
    '{"metadata":{"name":"web","uid":"x"},"spec":{"secretName":"tls"}}', '{"password": "***", "ok": true}',
)  # fmt: skip

LOGS = (
    'level=info ts=2026-01-15T10:00:00.123Z caller=main.go:42 msg="starting" version=v1.2.3',
    "10.0.3.7 - - [15/Jan/2026:10:00:00 +0800] \"GET /api/orders?page=2 HTTP/1.1\" 200 1234",
    "E0115 10:00:00.123456       1 reflector.go:138] Failed to watch *v1.Secret: unknown",
    "    at com.example.auth.TokenService.refresh(TokenService.java:118)",
    "  File \"/app/auth/tokens.py\", line 88, in verify_token\n    raise TokenExpired(token_id)",
    "goroutine 17 [running]:\nmain.(*Server).handleAuth(0xc000112000, {0x7f1c2c0, 0xc0001ba000})",
    "CPU 12.5% MEM 512Mi RESTARTS 3 AGE 4d12h", "coordinates 25.033964, 121.564468", "lat=25.0330 lng=+121.5654",
    "order 0912345678 shipped", "order_id=4111111111111111", "訂單編號 0987654321 已出貨", "ticket #0223456789 closed",
    "ms=1768471200123 ns=1768471200123456789", "retry in 00:00:05, attempt 3/10", "bytes 1048576/2097152", "2026-01-15 10:00:00+08:00",
    "diff --git a/keys.py b/keys.py\nindex 83db48f..bf2a1c9 100644\n--- a/keys.py\n+++ b/keys.py\n@@ -1,4 +1,6 @@",
    "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"api\"\r\nContent-Length: 0", "eth0: 02:42:ac:11:00:02",
    "inet6 fe80::42:acff:fe11:2/64 scope link", "SELECT id, password_changed_at FROM users WHERE token_count > 5",
    "kube-system   coredns-5d78c9869d-abcde   1/1   Running", "serial 00:9f:1c:3a", "PID 4111 exited with status 137",
    "integrity sha512-" + base64.b64encode(bytes(range(64))).decode(), "ETag: W/\"5d8c72a5edda8d6a\"", "+1234567 lines added",
    "Progress: 100% (4111/4111), 5105 files", "rate 1.5e+10, range 1-65535", "SKU 2345-6789-01", "2-1234-5678 is not dialled",
)  # fmt: skip

IDENTIFIERS = (
    "request {uuid} done", "commit {sha1}", "{sha1_7} Merge branch 'main'", "sha256:{sha256}", "nginx@sha256:{sha256}",
    "md5 {md5}", "traceparent: 00-{md5}-{hex16}-01", "trace_id={md5} span_id={hex16}", "pod/web-{hex10}-{pod} created",
    "uid: {uuid}", "ghcr.io/acme/app:{sha1}", "cache key {sha256}", "etag={md5}", "digest: sha256:{sha256}",
    '{{"id": "{uuid}", "sha": "{sha1}", "n": 12}}', "pod-template-hash: {hex10}", "run {uuid7} moved to running",
    "idempotency-key: {uuid}", "X-Request-Id: {uuid}", "content-md5: {b64}", "data:image/png;base64,{image}",
    "build-{digits} finished in 12 s", "blob {image}", "session {uuid} closed", "key: {uuid}", "revision={sha1}",
    "-----BEGIN CERTIFICATE-----\n{image}\n-----END CERTIFICATE-----", "namespace team-{hex10}", "snowflake {snowflake}",
    "note {text}", "etcd member {hex16} is healthy", "container {sha256} exited", "layer {hex12}: Pull complete",
)  # fmt: skip


def identifiers(seed: int, times: int) -> list[str]:
    """Identifiers as they stand in logs, random at each call."""
    r = random.Random(seed)

    def of(alphabet: str, size: int) -> str:
        return "".join(r.choices(alphabet, k=size))

    made = []
    for _ in range(times):
        for template in IDENTIFIERS:
            made.append(  # noqa: PERF401 - one value a name
                template.format(
                    uuid=uuid.UUID(int=r.getrandbits(128), version=4),
                    uuid7=f"019{of(HEX, 5)}-{of(HEX, 4)}-7{of(HEX, 3)}-a{of(HEX, 3)}-{of(HEX, 12)}",
                    sha1=of(HEX, 40),
                    sha1_7=of(HEX, 7),
                    sha256=of(HEX, 64),
                    md5=of(HEX, 32),
                    hex16=of(HEX, 16),
                    hex10=of(HEX, 10),
                    hex12=of(HEX, 12),
                    pod=of("bcdfghjklmnpqrstvwxz2456789", 5),
                    digits=of("0123456789", 6),
                    b64=base64.b64encode(r.randbytes(16)).decode(),
                    image=base64.b64encode(r.randbytes(300)).decode(),
                    snowflake="1" + of("0123456789", 17),
                    text=base64.b64encode(" ".join(r.sample(PROSE[:20], 2)).encode()).decode(),
                )  # fmt: skip
            )
    return made


def harmless(seed: int) -> list[str]:
    """All of it: at least three hundred texts."""
    return [*PROSE, *CONFIG, *LOGS, *identifiers(seed, 4)]
