"""A second corpus, imagined apart from the first: whole documents as they are met in the field."""

import base64
import json
import string
from types import ModuleType
from typing import Any

# «p» is a password, «t» a long token, «h» hex, «u» a UUID; the rest must stay as it is.
DOCUMENTS = (
    # Java
    "2026-01-15 10:00:00.123 ERROR 1 --- [main] o.s.b.SpringApplication : Failed\norg.postgresql.util.PSQLException: FATAL\n"
    "\tat org.postgresql.Driver.connect(Driver.java:285) ~[postgresql-42.7.3.jar!/:42.7.3]\nCaused by: java.sql.SQLException: "
    "Access denied for url jdbc:mysql://db:3306/shop?user=app&password=«p»&useSSL=false",
    "DataSourceProperties{url='jdbc:postgresql://db/x', username='app', password='«p»', driver=null}",
    "KafkaConfig(bootstrap=[k1:9092], saslPassword=«p», groupId=orders)",
    'props.put("ssl.keystore.password", "«p»");', 'System.setProperty("javax.net.ssl.trustStorePassword", "«p»");',
    "-Djavax.net.ssl.keyStorePassword=«p» -Xmx512m", "<property name=\"hibernate.connection.password\">«p»</property>",
    "<property name=\"password\" value=\"«p»\"/>", "<server><id>nexus</id><username>ci</username><password>«p»</password></server>",
    # Python
    "Traceback (most recent call last):\n  File \"/app/db.py\", line 10, in connect\n    conn = psycopg.connect(\"dbname=x user=app password=«p» host=db\")\n"
    "psycopg.OperationalError: connection failed", "requests.get(url, headers={'Authorization': 'Bearer «t»', 'Accept': '*/*'})",
    "requests.get(url, auth=('bob', '«p»'))", "<Config user='app' api_key='«t»' debug=False>", "DATABASES = {'default': {'USER': 'app', 'PASSWORD': '«p»', 'HOST': 'db'}}",
    "SECRET_KEY = '«t»'", "kwargs={'token': '«t»', 'retries': 3}", "OPENAI_API_KEY='«t»' python app.py",
    # Go
    "panic: dial error: dsn=app:«p»@tcp(db:3306)/shop?charset=utf8mb4\n\ngoroutine 1 [running]:\nmain.main()\n\t/app/main.go:12 +0x1d",
    "{Addr:cache:6379 Password:«p» DB:0}", '&Config{User:"app", Password:"«p»", Port:5432}', 'time="2026-01-15T10:00:00Z" level=info msg=login user=bob password="«p»"',
    # Node, Ruby, PHP, C#, Rust
    "Error: connect ECONNREFUSED\n    at new Client ({ user: 'app', password: '«p»', host: 'db' })", "process.env.JWT_SECRET = \"«t»\"",
    "{:user=>\"app\", :password=>\"«p»\"}", "password: \"«p»\", host: \"db\"", "define('DB_PASSWORD', '«p»');", "$password = '«p»';", "'password' => '«p»',",
    "Data Source=db;Initial Catalog=x;User ID=sa;Password=«p»;Encrypt=True", "Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=«t»",
    "Config { url: \"x\", token: Some(\"«t»\"), retries: 3 }", '"ConnectionStrings": {"Default": "Server=db;User=sa;Password=«p»;"}',
    # Terraform, Compose, Helm, Ansible, CI
    'resource "aws_db_instance" "x" {\n  username = "app"\n  password = "«p»"\n}', 'variable "db_password" {\n  type    = string\n  default = "«p»"\n}',
    '  + master_password = "«p»"', "services:\n  db:\n    image: postgres:17\n    environment:\n      POSTGRES_USER: app\n      POSTGRES_PASSWORD: «p»\n    ports:\n      - 5432:5432\n",
    "    environment:\n      - MYSQL_ROOT_PASSWORD=«p»\n      - TZ=Asia/Taipei\n", "helm upgrade x ./x --set global.postgresql.auth.password=«p» --wait",
    "- hosts: all\n  vars:\n    ansible_become_pass: «p»\n", "ansible_ssh_pass='«p»' ansible_user=root", "env:\n  NPM_TOKEN: «t»\n  NODE_ENV: production\n",
    "docker run -e REDIS_PASSWORD=«p» -p 6379:6379 redis", "docker build --build-arg GITHUB_TOKEN=«t» .", "ARG TOKEN=«t»\nRUN x\n", "ENV DB_PASSWORD «p»\n",
    "stage('x') { withEnv(['API_TOKEN=«t»']) { sh 'make' } }", "##vso[task.setvariable variable=apiToken;issecret=true]«t»",
    # Servers and wires
    '10.0.0.7 - - [15/Jan/2026:10:00:00 +0800] "GET /cb?access_token=«t»&state=9 HTTP/1.1" 302 0 "-" "curl/8.5.0"',
    '10.0.0.7 - bob "GET /reset?email=&token=«t» HTTP/2.0" 200', "> GET /v1 HTTP/1.1\n> Host: api.example.com\n> Authorization: Bearer «t»\n> Accept: */*\n>\n< HTTP/1.1 200 OK\n",
    "< set-cookie: __Host-session=«t»; Path=/; Secure; HttpOnly\n< content-length: 0\n", "* Server auth using Basic with user 'bob'\n> Authorization: Basic «b»\n> User-Agent: curl/8\n",
    "X-Vault-Token: «t»\nX-Request-Id: 7", "x-amz-security-token: «t»\r\nx-amz-date: 20260115T000000Z", "apikey: «t»\nContent-Type: application/json",
    "Ocp-Apim-Subscription-Key: «h»\n", "Proxy-Authorization: Basic «b»\r\n", "Authorization: ApiKey «t»\n", "X-Gitlab-Token: «t»\n", "X-Hub-Signature-256-Secret: «t»\n",
    "[('Host', 'x'), ('Authorization', 'Bearer «t»')]", 'Headers: {"authorization":["Bearer «t»"],"accept":["*/*"]}', "grpc-metadata-authorization: bearer «t»",
    'curl -X POST https://x.example.com -H "X-Api-Key: «t»" -d \'{"a":1}\'', "curl --user 'bob:«p»' https://x.example.com", "http -a bob:«p» https://x.example.com/api",
    "wget --http-password=«p» https://x.example.com/f", "git clone https://oauth2:«t»@gitlab.example.com/a/b.git", "git remote set-url origin https://«t»@github.com/a/b.git",
    # dotfiles
    "DB_HOST=db\nDB_PASSWORD=«p»\nDEBUG=0\n", "APP_KEY=«t»\nAPP_ENV=local\n", "SENTRY_DSN=https://«h»@o1.ingest.sentry.io/42\nX=1\n", "//npm.pkg.github.com/:_authToken=«t»\nalways-auth=true\n",
    "_auth=«t»\nregistry=https://x.example.com\n", "machine github.com\n  login bob\n  password «p»\n", "db:5432:shop:app:«p»\n", "[client]\nuser=root\npassword=«p»\n", "[pypi]\nusername = __token__\npassword = «p»\n",
    "[profile x]\naws_access_key_id = AKIDUMMY\naws_secret_access_key = «s»\nregion = ap-east-1\n", "aws configure set aws_secret_access_key «s»", '"SecretAccessKey": "«s»",\n"SessionToken": "«t»",', "client_id=1\nclient_secret=«t»\n",
    "Host x\n  User bob\n# pass: «p»\n", "postgresql://app:«p»@db:5432/x?sslmode=require", "mongodb://app:«p»@m1:27017,m2:27017/x?replicaSet=r", "rediss://default:«p»@cache:6380/0", "amqps://app:«p»@mq/vh",
    "smtp://bob%40example:«p»@smtp.example.com:587", "ftp://bob:«p»@ftp.example.com/a", "ldap://cn=admin:«p»@ldap.example.com", "snowflake://app:«p»@acct/db", "clickhouse://default:«p»@ch:9000/x", "mssql+pyodbc://sa:«p»@db/x?driver=a",
    "psql \"host=db port=5432 dbname=x user=app password=«p»\"", "psql 'postgresql://app:«p»@db/x'", "pg_dump --dbname=postgresql://app:«p»@db:5432/x > a.sql", "ALTER USER 'app'@'%' IDENTIFIED BY '«p»';", "SET PASSWORD FOR bob = '«p»';",
    "CREATE USER app WITH ENCRYPTED PASSWORD '«p»' LOGIN;", "GRANT ALL ON *.* TO 'a'@'%' IDENTIFIED BY '«p»'", "AUTH «p»\r\nPING\r\n", "redis-cli CONFIG SET requirepass «p»", "mosquitto_pub -h mq -u app --pw «p» -t a", "rabbitmqctl change_password app «p»",
    # Kubernetes
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\ndata:\n  license: «b»\n", "apiVersion: v1\nkind: Secret\nstringData:\n  db: «p»\n  other: «p2»\n", "users:\n- name: admin\n  user:\n    client-certificate-data: LS0tCg==\n    client-key-data: «k»\n",
    "users:\n- name: sa\n  user:\n    token: «j»\n", '{"kind":"Secret","data":{"db":"«b»"},"metadata":{"name":"x"}}', "        env:\n        - name: STRIPE_KEY\n          value: «t»\n        - name: TZ\n          value: Asia/Taipei\n",
    '{"env":[{"name":"DB_PASSWORD","value":"«p»"},{"name":"TZ","value":"UTC"}]}', "kubectl create secret docker-registry r --docker-username=u --docker-password=«p» -n x", '{"auths":{"ghcr.io":{"username":"bob","password":"«p»","auth":"«b»"}}}', "kubeadm join 10.0.0.1:6443 --token «e» --discovery-token-ca-cert-hash sha256:0",
    # 中文
    "2026-01-15 10:00:00 [錯誤] 資料庫連線失敗,帳號=app,密碼=«p»,主機=db1", "使用者「王小明」登入,密碼:「«p»」", "設定檔內容:{\"密碼\":\"«p»\",\"主機\":\"db\"}", "API 金鑰為 «t»,請勿外流", "请使用口令 «p» 登录", "存取權杖：«t»", "密码是«p»",
    # people say
    "my password is «p», please reset it", "here is the api key: «t» thanks", "Password for bob: «p»", "pwd is «p»", "use token «t» to log in", "the new secret: «t»", "user/pass: bob/«p»", "login with bob and password «p».", "passphrase = \"«p»\"",
    "PIN: «4»", "Your verification OTP is: «6»", "otp=«6»", "cvv: «3»", '{"cvc":"«3»","exp":"12/29"}', "電話：«m»", "手機 «m»", '{"phone":"«n»"}', "mobile=«n»", "tel:«n2»", "身分證字號：«i»", "card number: «c»", "Call «us» now",
    # vendors
    "https://hooks.slack.com/services/«w»", "https://discord.com/api/webhooks/«x»", "https://api.telegram.org/bot«g»/sendMessage?chat_id=1", "TWILIO_AUTH_TOKEN=«h»", "DD_API_KEY=«h»", "cloudflare_api_token = \"«s»\"", "HEROKU_API_KEY=«u»",
    "AZURE_CLIENT_SECRET=«u»", "LINE_CHANNEL_ACCESS_TOKEN=«t»", "https://x.blob.core.windows.net/c/b?sv=2022-11-02&sp=r&sig=«q»", "https://b.s3.amazonaws.com/k?X-Amz-Signature=«h64»&X-Amz-Expires=60", "https://maps.googleapis.com/api?key=«z»&q=1",
    "AWS4-HMAC-SHA256 Credential=x/20260115, SignedHeaders=host, Signature=«h64»", 'Authorization: Digest username="bob", realm="x", nonce="«h»", uri="/", response="«h2»"', "{\"private_key_id\":\"x\",\"private_key\":\"«pem»\",\"client_id\":\"1\"}", "vault login «v»", "VAULT_TOKEN=«v»",
    "PASSWORD='«p»' ./x.sh && echo done", "if [ \"$TOKEN\" != \"«t»\" ]; then", "echo '«p»' | docker login -u bob --password-stdin", "openssl rsa -in a.pem -passin pass:«p» -out b.pem", "gpg --batch --passphrase «p» -d x.gpg", "unzip -P «p» a.zip", "keytool -storepass «p» -list", "snmpwalk -v3 -A «p» host # authPassword=«p2»",
)  # fmt: skip


def documents(seed: int, corpus: ModuleType) -> list[tuple[str, list[str], list[str]]]:
    """Return each document with its secrets, and the pieces of it that must stay."""
    m: Any = corpus.Maker(seed)
    hexes = "0123456789abcdef"
    plain = string.ascii_letters + string.digits
    makers = {
        "p": m.password, "p2": m.password, "t": lambda: m.of(plain, 40), "h": lambda: m.of(hexes, 32), "h2": lambda: m.of(hexes, 32),
        "h64": lambda: m.of(hexes, 64), "s": lambda: m.of(plain + "/+", 39) + "k", "j": m.jwt, "w": lambda: "T00AA11BB/B00CC22DD/" + m.of(plain, 24), "x": lambda: m.digits(18) + "/" + m.of(plain, 68),
        "b": lambda: base64.b64encode(f"bob:{m.password()}".encode()).decode(), "k": lambda: base64.b64encode(m.pem().encode()).decode(), "g": lambda: m.digits(10) + ":AA" + m.of(plain, 33),
        "e": lambda: m.of(hexes, 6) + "." + m.of(hexes, 16), "q": lambda: m.of(plain, 43), "z": lambda: "AI" + "za" + m.of(plain, 35), "v": lambda: "hv" + "s." + m.of(plain, 24),
        "u": lambda: "-".join(m.of(hexes, n) for n in (8, 4, 4, 4, 12)), "4": lambda: m.digits(4), "6": lambda: m.digits(6), "3": lambda: m.digits(3), "m": lambda: "09" + m.digits(8),
        "n": lambda: "0912" + m.digits(6), "n2": lambda: "+886-9" + m.digits(8), "us": lambda: "(415) 555-" + m.digits(4), "i": m.taiwan_id, "c": lambda: m.luhn("4", 16), "pem": lambda: json.dumps(m.pem("PRIVATE KEY") + "\n")[1:-1],
    }  # fmt: skip
    made = []
    for document in DOCUMENTS:
        text, secrets, kept = "", [], []
        for index, piece in enumerate(document.replace("»", "«").split("«")):
            if index % 2:
                secrets.append(makers[piece]())
            else:
                kept.append(piece)
            text += secrets[-1] if index % 2 else piece
        made.append((text, secrets, kept))
    return made
