"""Every setting, once, in the order a newcomer asks; reading this file changes nothing.

A secret NAME may also be given as NAME_FILE, the path of a file that holds it.
"""

from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from awooop import embedded
from awooop.kit import log

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()

# What kind of process is this?
DEBUG = env.bool("DEBUG", default=False)
TESTING = env.bool("AWOOOP_TESTING", default=False)

# Where are the database and Valkey? Without addresses, embedded ones are used.
DATABASE_URL = env.str("DATABASE_URL", default="")
DATABASE_OWNER_URL = env.str("DATABASE_OWNER_URL", default="")
AWOOOP_EMBEDDED = env.bool("AWOOOP_EMBEDDED", default=True)
STACK = embedded.from_environment(BASE_DIR)  # AWOOOP_STATE_DIR says where; .awooop by default
EMBEDDED_DATABASE = AWOOOP_EMBEDDED and not DATABASE_URL
DATABASE_PREPARE_AFTER = env.int("DATABASE_PREPARE_AFTER", default=5)  # -1: PgBouncer before 1.21
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", default=0)  # web: one pool a process
DATABASE_CONN_MAX_AGE = env.int("DATABASE_CONN_MAX_AGE", default=0)  # worker: one kept a thread


def _database(role: str, url: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = STACK.pg_dict(role) if EMBEDDED_DATABASE else env.db_url_config(url)
    except ValueError:  # it would quote the password
        raise ImproperlyConfigured(
            f"the address for {role} is none; escape its password, as %2F for a slash"
        ) from None
    options = {
        **found.get("OPTIONS", {}),
        "connect_timeout": 5,  # seconds
        "prepare_threshold": DATABASE_PREPARE_AFTER if DATABASE_PREPARE_AFTER >= 0 else None,
    }
    return {
        **found,
        "ENGINE": "django_rls.backends.postgresql",
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


DATABASES = {
    "default": _database("awooop_app", DATABASE_URL),
    "owner": _database("awooop_owner", DATABASE_OWNER_URL or DATABASE_URL),
}
DATABASES["default"]["TEST"] = {"MIRROR": "owner"}
DATABASES["default"]["CONN_MAX_AGE"] = DATABASE_CONN_MAX_AGE
if DATABASE_POOL_SIZE:
    DATABASES["default"]["OPTIONS"]["pool"] = {
        "min_size": 2,
        "max_size": DATABASE_POOL_SIZE,
        "timeout": 10,  # seconds a request may wait for a connection
    }
DJANGO_RLS = {"AUTO_ENABLE_RLS": False, "RESET_CONTEXT_ON_CONNECT": False}

EMBEDDED_REDIS = AWOOOP_EMBEDDED and not env.str("REDIS_URL", default="")
REDIS_URL = STACK.redis_url if EMBEDDED_REDIS else env.str("REDIS_URL", default="redis://127.0.0.1")

# How is it reached?
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
HTTPS_ONLY = env.bool("HTTPS_ONLY", default=not (EMBEDDED_DATABASE or DEBUG))  # off on loopback
SECURE_SSL_REDIRECT = HTTPS_ONLY
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS_ONLY else None
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$", r"^metrics$"]  # probes come without the proxy
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS_ONLY else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS_ONLY
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS_ONLY
SESSION_COOKIE_AGE = env.int("SESSION_SECONDS", default=12 * 3600)
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576  # bytes of one body
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

# What is secret?
_DEVELOPMENT_KEY = "development-only-" + "0" * 48
SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY and AWOOOP_EMBEDDED and not DATABASE_URL:
    _key_file = STACK.secret_key_file
    SECRET_KEY = _key_file.read_text().strip() if _key_file.exists() else _DEVELOPMENT_KEY
# Derived from SECRET_KEY where unset. Own keys let SECRET_KEY change while old tags stay equal and
# old signatures stay checkable.
REDACTION_KEY = env.str("REDACTION_KEY", default="") or SECRET_KEY  # tags and pseudonyms
CONTRACT_KEYS = env.list("CONTRACT_KEYS", default=[])  # id:secret; the first one signs
TICKET_KEYS = env.list("TICKET_KEYS", default=[])  # the same, of approval tickets
AUDIT_SIGNING_KEY = env.str("AUDIT_SIGNING_KEY", default="")  # an Ed25519 seed in hex
AUDIT_VERIFY_KEYS = env.list("AUDIT_VERIFY_KEYS", default=[])  # public keys of before, in hex

# What may gateway contracts refer to? PATTERN, or PROJECT=PATTERN for that project alone; {project}
# stands for whichever asks. What has neither belongs to every tenant.
CREDENTIAL_ENV = env.list("CREDENTIAL_ENV", default=["AWOOOP_CREDENTIAL_{project}__*"])
CREDENTIAL_DIRS = env.list(
    "CREDENTIAL_DIRS", default=["/run/secrets/{project}", "/var/run/secrets/{project}"]
)
CREDENTIAL_NAMESPACES = env.list("CREDENTIAL_NAMESPACES", default=["{project}"])  # of Kubernetes
KUBERNETES_SERVICE_ACCOUNT_DIR = env.str(
    "KUBERNETES_SERVICE_ACCOUNT_DIR", default="/var/run/secrets/kubernetes.io/serviceaccount"
)

# How long may work take, and what may it cost?
RUN_LEASE_SECONDS = env.int("RUN_LEASE_SECONDS", default=20)  # without a heartbeat, then requeued
RUN_REAPER_SECONDS = env.int("RUN_REAPER_SECONDS", default=10)
RUN_SWEEP_SECONDS = env.float("RUN_SWEEP_SECONDS", default=2.0)  # when every wake-up is lost
AUDIT_SEAL_SECONDS = env.float("AUDIT_SEAL_SECONDS", default=60.0)  # between signed checkpoints
GATEWAY_REFRESH_SECONDS = env.float("GATEWAY_REFRESH_SECONDS", default=60.0)  # tools listed anew
OPERATION_RETRY_SECONDS = env.float("OPERATION_RETRY_SECONDS", default=30.0)  # between attempts
RUN_BATCH = env.int("RUN_BATCH", default=50)  # runs one claim takes
MODEL_PRICES = env.str("MODEL_PRICES", default="")  # JSON or its path; before the public table
THROTTLE_KEY_PER_MINUTE = env.int("THROTTLE_KEY_PER_MINUTE", default=60_000)
THROTTLE_OPERATOR_PER_MINUTE = env.int("THROTTLE_OPERATOR_PER_MINUTE", default=1_200)
THROTTLE_ANONYMOUS_PER_MINUTE = env.int("THROTTLE_ANONYMOUS_PER_MINUTE", default=120)

# Celery: wake-ups only; the rows are the queue
CELERY_BROKER_URL = env.str(
    "CELERY_BROKER_URL", default=STACK.broker_url if EMBEDDED_REDIS else REDIS_URL
)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "awooop"
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_DISABLE_RATE_LIMITS = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # Valkey comes back: so do we
CELERY_BROKER_CONNECTION_TIMEOUT = 1  # seconds
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 5, "socket_connect_timeout": 1}
CELERY_TASK_PUBLISH_RETRY = False  # a lost wake-up is found by the sweep

# What is it made of?
INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.admin.apps.SimpleAdminConfig",
    "axes",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "awooop.audit",
    "awooop.tenants",
    "awooop.ledger",
    "contracts",
    "gateway",
    "runs",
    "approvals",
    "channels_hub",
    "awooop.console",
]
MIDDLEWARE = [
    "awooop.console.middleware.RequestId",
    "awooop.console.middleware.Address",
    "awooop.console.middleware.Encoding",
    "awooop.console.middleware.Discretion",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "awooop.urls"
ASGI_APPLICATION = "awooop.asgi.application"
WSGI_APPLICATION = "awooop.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "awooop.console.addresses.here",
                "awooop.console.gateway.banner.open_switches",
            ]
        },
    }
]
STATIC_URL = "static/"
STATIC_ROOT = env.str("STATIC_ROOT", default="") or None  # where collectstatic puts them
WHITENOISE_USE_FINDERS = EMBEDDED_DATABASE  # a checkout serves without collectstatic

# Who signs in?
AUTH_USER_MODEL = "tenants.Operator"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_VERBOSE = False
AXES_HANDLER = "awooop.console.lockout.Handler"
AXES_USERNAME_CALLABLE = "awooop.console.lockout.name_tried"
AXES_LOCKOUT_TEMPLATE = "console/locked_out.html"
AXES_ENABLED = not TESTING

# In which language and zone?
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hant", _("Traditional Chinese"))]
LOCALE_PATHS = [BASE_DIR / "awooop" / "console" / "locale"]
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_TZ = True

# How do the doors answer?
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["awooop.kit.rest.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["awooop.kit.rest.StrictJSONParser"],
    "ALLOWED_VERSIONS": ["1"],  # what /api/schema/?version= may put into a header
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "awooop.kit.rest.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "AwoooP",
    "DESCRIPTION": "The control plane that governs AI agents.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "DEFAULT_GENERATOR_CLASS": "awooop.kit.openapi.Generator",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "awooop.kit.openapi.tell_problems",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
}

# What may a page load? Nothing from elsewhere, nothing inline; the theme's forms widen it.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

LOGGING = log.configure(json_lines=not DEBUG)
DEFAULT_EXCEPTION_REPORTER = "awooop.console.reports.Report"
DEFAULT_EXCEPTION_REPORTER_FILTER = "awooop.console.reports.Reticence"
UNFOLD = {
    "SITE_TITLE": "AwoooP",
    "SITE_HEADER": "AwoooP",
    "SITE_SYMBOL": "shield_person",
    "SHOW_HISTORY": False,
    "SIDEBAR": {"navigation": "awooop.console.site.navigation"},
}
