"""What a name promises: ``dbPassword`` a secret, ``token_count`` a number, ``mobile`` a person."""

import re
from enum import Enum
from functools import lru_cache

from awooop.kit.redaction import values

LONGEST = 96


class Promise(Enum):
    """What stands behind a name."""

    NOTHING = "nothing"
    HINT = "hint"  # a secret only if it looks like one: key, auth, signature
    SECRET = "secret"  # noqa: S105 - a name, not a secret
    PASSWORD = "password"  # noqa: S105 - people choose these: any word may be one
    HEADER = "header"  # Authorization: a scheme, then the secret
    COOKIE = "cookie"
    CODE = "code"  # one-time codes, PIN, CVV: short numbers
    PHONE = "phone"
    CARD = "card"
    PERSON = "national_id"


STRONG = frozenset({Promise.SECRET, Promise.PASSWORD, Promise.HEADER, Promise.COOKIE})

_SPLIT = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\x00-\x7f]+")

_PASSWORDS = values.words(
    "password passwd passwort pwd passphrase passcode pass pw psw passw userpass dbpass "
    "smtppass rootpass bindpass ldappass ftppass mailpass pgpass mypass adminpass requirepass "
    "masterauth sshpass storepass keypass contraseña 密碼 密码 口令 通行碼 通关密语"
)
_SECRETS = values.words(
    "secret secrets token apikey apikeys accesskey secretkey privatekey authkey signingkey "
    "credential credentials creds jwt authtoken accesstoken refreshtoken bearer passkey "
    "sessionid jsessionid phpsessid sessid sessiontoken clientsecret encryptionkey masterkey "
    "accountkey sharedkey apitoken apisecret appsecret appkey privkey secretstring "
    "connectionstring webhooksecret csrfmiddlewaretoken xsrf cookie 金鑰 金钥 密鑰 密钥 權杖 "
    "令牌 私鑰 私钥 憑據 凭据 密匙"
)
_ENDINGS = (
    "password", "passwd", "passphrase", "passcode", "secret", "token", "apikey", "accesskey",
    "secretkey", "privatekey", "signingkey", "accountkey", "pwd",
)  # fmt: skip
_PAIRS = values.words(
    "api access private secret signing encryption decryption master account shared auth "
    "consumer subscription storage fernet deploy license client service app application admin "
    "hmac aes cipher ssh root webhook session cookie ingest integration functions vault "
    "unseal recovery crypt crypto role"
)
_HINTS = values.words(
    "key keys auth signature sig session sid pat tokens hmac nonce salt cert passes licence "
    "license cnonce opaque mac seed mnemonic assertion ticket code"
)
_PHONES = values.words(
    "phone mobile tel telephone cell cellphone fax msisdn whatsapp phonenumber mobilephone "
    "手機 手机 電話 电话 行動電話 聯絡電話 手機號碼 電話號碼 联系电话"
)
_CARDS = values.words("cardnumber cardno creditcard pan ccnumber 卡號 卡号 信用卡 信用卡號")
_PERSONS = values.words(
    "ssn nationalid idnumber idno nationalidnumber identitynumber 身分證 身份證 身份证 "
    "身分證字號 身分證號 身份证号 統一證號 居留證 居留證號"
)
_CODES = values.words("otp cvv cvc cvv2 pin pincode otpcode mfacode totp 驗證碼 验证码")
# Words after the secret's name that leave it a secret ...
_STILL = values.words(
    "value values data plain plaintext text raw b64 base64 encoded env prod production dev "
    "staging test live old new current previous default string base header hash hashed digits "
    "main primary secondary backup master replica global local internal external key keys "
    "id_token confirmation confirm again repeat admin root user db database app api 為 是"
)
# ... and words that make it something about the secret.
_ABOUT = values.words(
    "count counts type types name names id ids url urls uri path paths file files filename "
    "expires expire expiry expiration exp at ttl length len size limit limits policy policies "
    "ref refs arn version versions status state enabled disabled required field fields label "
    "prefix suffix hint hints reset changed change updated created rotated rotation min max "
    "age strength endpoint provider providers scope scopes kind class usage used budget price "
    "cost per format mode store manager review reviews request requests controller issuer "
    "audience algorithm alg template keyref sha sha1 sha256 md5 digest fingerprint checksum "
    "thumbprint rate window bucket index valid validity invalid validator validation ok error "
    "errors missing reason days hours minutes seconds ms history attempts failures failed "
    "rules rule config settings set exists present selector source mount mounts volume "
    "volumes binding exchange stream streams lifetime not on by date time timestamp last "
    "first begin end start stop position offset line column span tree cache pool ring vault "
    "engine backend service server form page screen input placeholder title message "
    "description text_count encoder encoding decoder generator parser lexer stripped question "
    "questions owner projection automount auth_method method methods protected less optional "
    "cookie_name refresh_url info metadata meta list create delete update get put"
)
_BEFORE_TOKEN = values.words(
    "max min num n total prompt completion input output cached reasoning used remaining per "
    "next cancellation page continuation eos bos pad unk special stop start end reserved sub "
    "word text new_tokens count estimated candidates thoughts cancel syntax unexpected "
    "current previous last first peek lookahead"
)
_QUESTIONS = values.words(
    "is has require requires needs allow enable disable show hide forgot forget no without "
    "can should did was public"
)


@lru_cache(maxsize=8192)
def promise(name: str) -> Promise:
    """Return what a key, a variable, a header or a flag of this name promises."""
    if len(name) > LONGEST:
        name = name[-LONGEST:]
    words = [word.lower() for word in _SPLIT.findall(name)]
    if not words or words[0] in _QUESTIONS:
        return Promise.NOTHING
    if (header := _header(words)) is not None:
        return header
    found, at = _head(words)
    if found is Promise.NOTHING:
        return found
    return _weighed(found, words, at)


def _header(words: list[str]) -> Promise | None:
    if words[-1] in ("authorization", "authorisation"):
        return Promise.HEADER
    if words[-1] in ("cookie", "cookies") and words[0] in ("cookie", "cookies", "set", "http"):
        return Promise.COOKIE
    return None


def _head(words: list[str]) -> tuple[Promise, int]:
    """Return the last word that promises something, and where it stands."""
    for at in range(len(words) - 1, -1, -1):
        found = _word(words[at], words[at - 1] if at else "")
        if found is not Promise.NOTHING and not (found is Promise.HINT and at < len(words) - 1):
            return found, at
    return Promise.NOTHING, 0


def _word(word: str, before: str) -> Promise:
    if word in ("issecret", "credential") and (word == "issecret" or before in ("amz", "goog")):
        return Promise.NOTHING
    if word == "signature" and before in ("amz", "goog"):
        return Promise.SECRET
    singular = word.removesuffix("s") if len(word) > 4 else word
    for promised, known in (
        (Promise.PASSWORD, _PASSWORDS),
        (Promise.SECRET, _SECRETS),
        (Promise.PHONE, _PHONES),
        (Promise.CARD, _CARDS),
        (Promise.PERSON, _PERSONS),
        (Promise.CODE, _CODES),
    ):
        if word in known or (singular in known and word != "tokens"):
            return promised
    if word in ("key", "keys") and before in _PAIRS:
        return Promise.SECRET
    if (before, word) in {("card", "number"), ("credit", "card"), ("card", "no")}:
        return Promise.CARD
    if (before, word) in {("national", "id"), ("id", "number"), ("identity", "number")}:
        return Promise.PERSON
    if word.endswith(_ENDINGS):
        return Promise.PASSWORD if word.endswith(("word", "wd", "phrase")) else Promise.SECRET
    if not word.isascii():
        return _chinese(word)
    return Promise.HINT if word in _HINTS else Promise.NOTHING


def _chinese(word: str) -> Promise:
    for promised, known in (
        (Promise.PASSWORD, _PASSWORDS),
        (Promise.SECRET, _SECRETS),
        (Promise.PHONE, _PHONES),
        (Promise.CARD, _CARDS),
        (Promise.PERSON, _PERSONS),
        (Promise.CODE, _CODES),
    ):
        if any(not name.isascii() and word.endswith(name) for name in known):
            return promised
    return Promise.NOTHING


def _weighed(found: Promise, words: list[str], at: int) -> Promise:
    """Weigh the words around: ``token_count`` is no secret, ``token_github`` may be one."""
    after, before = words[at + 1 :], words[:at]
    if any(word in _ABOUT for word in after):
        return Promise.NOTHING
    if words[at].startswith("token") and before and before[-1] in _BEFORE_TOKEN:
        return Promise.NOTHING
    if words[at] in ("key", "keys") and "public" in before:
        return Promise.NOTHING
    if found not in STRONG:
        return (
            found
            if all(word.isdigit() or word in ("number", "no") for word in after)
            else Promise.NOTHING
        )
    known = all(word.isdigit() or word in _STILL for word in after)
    return found if known else Promise.HINT
