"""The one settings file: everything comes from the environment, see .env.example for each name."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from config import environment
from config import logging as log_setup
from config.database import described
from config.environment import choice, flag, levels, listening, number, price, secret, secrets, text, tried, url, wrong
from config.home import make_folder, stepped_calendar
from config.keys import embedded_keys, refuse_bad_keys, sandbox_account

environment.gather()  # whatever is wrong is told at once, at the end of this file

ROOT = Path(__file__).resolve().parent.parent
# In a wheel the templates travel beside the packages; in a checkout they lie at the top. Both are ROOT/templates.
TEMPLATES_DIR = ROOT / "templates"
AFTERCARE_HOME = Path(text("AFTERCARE_HOME", "var")).absolute()

# --- the database: the truth -----------------------------------------------------------------------
_given = secret("DATABASE_URL")
EMBEDDED = not _given and environment.all_well()  # a secret that can't be read must not begin a new database
DATABASE_URL = _given or f"sqlite:///{AFTERCARE_HOME / 'aftercare.sqlite3'}"
WORKER_SESSION = flag("AFTERCARE_WORKER_SESSION")
if EMBEDDED:
    make_folder(AFTERCARE_HOME)
DATABASES = {"default": described(DATABASE_URL, worker=WORKER_SESSION)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- keys ------------------------------------------------------------------------------------------
_made: dict[str, str] = tried(lambda: embedded_keys(AFTERCARE_HOME) if EMBEDDED else {}, {})
SECRET_KEY = secret("SECRET_KEY", _made.get("SECRET_KEY", ""))
SECRET_KEY_FALLBACKS = secrets("SECRET_KEY_FALLBACKS")
FIELD_KEYS = secrets("FIELD_KEYS") or [key for key in [_made.get("FIELD_KEYS", "")] if key]
FINGERPRINT_KEYS = secrets("FINGERPRINT_KEYS") or [key for key in [_made.get("FINGERPRINT_KEYS", "")] if key]
for _name, _keys in (("FIELD_KEYS", FIELD_KEYS), ("FINGERPRINT_KEYS", FINGERPRINT_KEYS)):
    tried(lambda name=_name, keys=_keys: refuse_bad_keys(name, keys), None)  # type: ignore[misc] # bound as it is read
_missing = [
    name
    for name, value in (
        ("SECRET_KEY", SECRET_KEY),
        ("FIELD_KEYS", FIELD_KEYS),
        ("FINGERPRINT_KEYS", FINGERPRINT_KEYS),
    )
    if not value
]
if _missing and (_given or EMBEDDED):
    wrong(
        f"missing: {', '.join(_missing)} (or the same with _FILE); with your own DATABASE_URL the keys are yours to "
        "keep: python -m config.newkeys prints a fresh set"
    )

# --- channels --------------------------------------------------------------------------------------
PUBLIC_URL = url("PUBLIC_URL", "http://127.0.0.1:8000")
SMS_CHANNEL = choice("SMS_CHANNEL", "sandbox", ("sandbox", "twilio"))
EMAIL_URL = secret("EMAIL_URL", "sandbox")
DKIM_SELECTOR = text("DKIM_SELECTOR")  # for doctor alone: the mail server signs
EMAIL_HOOK_SECRET = secret("EMAIL_HOOK_SECRET")
MAILBOX_URL = secret("MAILBOX_URL")
# Replies to reply_to reach us, one way or the other; only then do mails offer to leave by mail (rule 115).
EMAIL_INBOUND_HOOK = flag("EMAIL_INBOUND_HOOK")
MAIL_IS_READ = bool(MAILBOX_URL) or EMAIL_INBOUND_HOOK
SANDBOX_URL = url("SANDBOX_URL", "http://127.0.0.1:8025")
SANDBOX_SMTP_URL = text("SANDBOX_SMTP_URL", "smtp://127.0.0.1:8026")
SANDBOX_ACCOUNT_SID, SANDBOX_AUTH_TOKEN = sandbox_account(SECRET_KEY)
_sandbox_sms = SMS_CHANNEL == "sandbox"
environment.also_known("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_AUTH_TOKEN_FALLBACKS", "TWILIO_API_URL")
TWILIO_ACCOUNT_SID = SANDBOX_ACCOUNT_SID if _sandbox_sms else text("TWILIO_ACCOUNT_SID")
TWILIO_AUTH_TOKEN = SANDBOX_AUTH_TOKEN if _sandbox_sms else secret("TWILIO_AUTH_TOKEN")
TWILIO_AUTH_TOKEN_FALLBACKS = [] if _sandbox_sms else secrets("TWILIO_AUTH_TOKEN_FALLBACKS")
TWILIO_REAL_URL = "https://api.twilio.com"
SANDBOX_API_URL = url("SANDBOX_API_URL", SANDBOX_URL)
TWILIO_API_URL = SANDBOX_API_URL if _sandbox_sms else url("TWILIO_API_URL", TWILIO_REAL_URL)
if TWILIO_API_URL == TWILIO_REAL_URL and not PUBLIC_URL.startswith("https://"):
    wrong("PUBLIC_URL: Twilio and clients must reach it; set the https address that leads to the web part")
ALL_SANDBOX = _sandbox_sms and EMAIL_URL == "sandbox"
# Numbers set aside for fiction may be written to only where nothing real can answer (rule 131).
ALLOW_FICTION_NUMBERS = TWILIO_API_URL != TWILIO_REAL_URL

# The calendar may be stepped only where every channel is the sandbox: a stepped clock sends real texts at night.
_outside = {urlsplit(each).hostname for each in (SANDBOX_URL, SANDBOX_API_URL, SANDBOX_SMTP_URL)}
_rehearsal = ALL_SANDBOX and _outside <= {"127.0.0.1", "localhost", "::1"}
# A shell beside `aftercare up --demo` goes by its clock: else it would call late what is not due yet.
CALENDAR_FILE = text("CALENDAR_FILE") or (stepped_calendar(AFTERCARE_HOME) if EMBEDDED and _rehearsal else "")
if CALENDAR_FILE and not _rehearsal:
    wrong(
        "CALENDAR_FILE: a stepped calendar needs SMS_CHANNEL=sandbox and EMAIL_URL=sandbox, with the sandbox on this "
        "machine; unset CALENDAR_FILE"
    )

# --- sending ---------------------------------------------------------------------------------------
SEND_SLOTS = number("SEND_SLOTS", 64, least=1)  # calls in flight per worker process
MAIL_SLOTS = number("MAIL_SLOTS", 8, least=1)
# What all workers together may do; 0 is no limit. A clinic's file may say another rate for its sender.
SMS_PER_SECOND = number("SMS_PER_SECOND", 0)  # parts of one sender
SMS_ACCOUNT_PER_SECOND = number("SMS_ACCOUNT_PER_SECOND", 0)  # parts of one account
SMS_ACCOUNT_CALLS = number("SMS_ACCOUNT_CALLS", 256)  # calls of one account under way
MAIL_PER_SECOND = number("MAIL_PER_SECOND", 0)  # mails to the relay or provider
PROVIDER_TIMEOUT_SECONDS = number("PROVIDER_TIMEOUT_SECONDS", 10, least=1)
LEASE_SECONDS = number("LEASE_SECONDS", 60, least=15)
STOP_SECONDS = number("STOP_SECONDS", 30, least=1)  # a worker that is asked to stop; then its calls alone are ended
TICK_SECONDS = number("TICK_MILLISECONDS", 1000, least=100) / 1000
HEARTBEAT_FILE = text("HEARTBEAT_FILE")
METRICS_TOKEN = secret("METRICS_TOKEN")
WORKER_METRICS = listening("WORKER_METRICS")  # host:port of a worker's own /metrics; "" serves none
RECONCILE_SECONDS = number("RECONCILE_SECONDS", 60, least=1)
# A provider's list may lag behind: nothing counts as absent sooner, but in the sandbox (rule 80).
DOUBT_SECONDS = number("DOUBT_SECONDS", 120, least=1 if ALL_SANDBOX else 120)
# What one part of an SMS costs, for the forecast; None: no cost is shown.
SMS_PRICE = price("SMS_PRICE")
# A monitor outside that hears from us each minute while all is well, and wakes somebody when it does not.
DEADMAN_URL = secret("DEADMAN_URL")
if DEADMAN_URL and (urlsplit(DEADMAN_URL).scheme not in {"http", "https"} or not urlsplit(DEADMAN_URL).netloc):
    wrong("DEADMAN_URL: is no address; for example https://hc-ping.com/your-check, or leave it out")
# --- what the provider keeps -----------------------------------------------------------------------
REDACT_AT_PROVIDER_DAYS = number("REDACT_AT_PROVIDER_DAYS", 0)  # 0: texts stay there as long as the provider likes
# How far each chain has come, signed; worth most on a disk that the database's owner can't write.
HEADS_FILE = text("HEADS_FILE", str(AFTERCARE_HOME / "heads.jsonl"))

# --- Celery's broker: may be emptied at any moment -------------------------------------------------
OWN_REDIS = f"redis+socket://{AFTERCARE_HOME / 'redis' / 'redis.sock'}"  # runs only while `aftercare up` does
REDIS_URL = secret("REDIS_URL", OWN_REDIS)
BROKER_URL = secret("BROKER_URL", REDIS_URL)  # only where Celery's messages go through RabbitMQ (docs/operate.md)

# --- Django ----------------------------------------------------------------------------------------
DEBUG = False
ALLOWED_HOSTS = [
    urlsplit(PUBLIC_URL).hostname or "localhost",
    "127.0.0.1",
    "localhost",
    *secrets("ALLOWED_HOSTS"),
]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",  # the list of passkeys is allauth's own page, and says how long ago each was used
    "django.forms",
    "anymail",
    "worker.apps.Aftercare",  # before allauth: our templates and its pages look alike
    "allauth",
    "allauth.account",
    "allauth.mfa",
]
AUTH_USER_MODEL = "aftercare.Staff"
TRUSTED_PROXIES = number("TRUSTED_PROXIES", 0)  # how many of ours stand before the web part and say whom they saw
MIDDLEWARE = [
    "worker.web.request_id.RequestId",
    *(["worker.web.visitor.Visitor"] if TRUSTED_PROXIES else []),
    "django.middleware.security.SecurityMiddleware",
    "worker.web.headers.SecurityHeaders",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "worker.web.straight.Straight",  # what a webhook needs stands above it
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "worker.web.signin.language.Language",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "worker.web.signin.limits.SessionLimits",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "worker.web.signin.second_factor.SecondFactor",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False  # webhooks are never redirected (rule 101)
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [TEMPLATES_DIR / "pages"],
        "APP_DIRS": True,  # allauth's pages, in our frame
        "OPTIONS": {
            "libraries": {"desk": "worker.web.desk.tags"},
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "worker.web.desk.navigation.navigation",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"  # fields in our own dress
STATIC_URL = "/static/"
STATICFILES_DIRS = [("aftercare", TEMPLATES_DIR / "static")]
WHITENOISE_USE_FINDERS = True
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español")]
LOCALE_PATHS = [TEMPLATES_DIR / "locale"]
LANGUAGE_COOKIE_SECURE = PUBLIC_URL.startswith("https://")
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
FILE_UPLOAD_HANDLERS = ["worker.web.no_files.NoFiles"]
SECURE_REFERRER_POLICY = "no-referrer"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https://")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]  # behind a proxy with TLS we see http, and the browser says https

# --- sign-in of staff --------------------------------------------------------------------------------
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "today"
AUTHENTICATION_BACKENDS = ["worker.web.signin.backend.StaffBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
     "OPTIONS": {"user_attributes": ("email", "name")}},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]  # fmt: skip
# Sign-in is throttled across processes; the database keeps the count, for Redis may be away and the desk must open.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "aftercare_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },  # the usual 300 would forget who tried too often
}
# Who must show a second factor before anything else.
SECOND_FACTOR_FOR = tuple(each.strip() for each in text("SECOND_FACTOR_FOR", "practitioner,operator,owner").split(","))
if not set(SECOND_FACTOR_FOR) <= {"desk", "practitioner", "operator", "owner", "nobody"}:
    wrong("SECOND_FACTOR_FOR: names no role; write desk, practitioner, operator, owner, with commas, or nobody")
IDLE_MINUTES = number("IDLE_MINUTES", 20, least=1)  # a shared desk signs itself out
SESSION_HOURS = number("SESSION_HOURS", 12, least=1)
SESSION_COOKIE_AGE = SESSION_HOURS * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
PASSWORD_RESET_TIMEOUT = 3 * 24 * 3600  # invitations and forgotten passwords
ACCOUNT_ADAPTER = "worker.web.signin.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # a person is known by the clinic's file or an owner's invitation
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300  # approval, export and erasure ask again after that many seconds
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # whoever asks for a password gets one answer, and a stranger no letter
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = urlsplit(PUBLIC_URL).scheme or "https"
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "10/m/ip,5/5m/key"}
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
MFA_ADAPTER = "worker.web.signin.adapter.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Aftercare"
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PUBLIC_URL.startswith("https://")
EMAIL_BACKEND = "worker.channels.staff_mail.StaffMail"  # letters to staff: invitations, forgotten passwords
DEFAULT_FROM_EMAIL = text("STAFF_MAIL_FROM", f"aftercare@{urlsplit(PUBLIC_URL).hostname or 'localhost'}")
CSRF_FAILURE_VIEW = "worker.web.pages.stale"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SILENCED_SYSTEM_CHECKS: list[str] = []

LOGGING_CONFIG = None
LOG_LEVEL = choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOG_FORMAT = choice("LOG_FORMAT", "auto", ("auto", "json", "human"))
LOG_LEVELS = levels("LOG_LEVELS")
log_setup.configure(level=LOG_LEVEL, style=LOG_FORMAT, parts=LOG_LEVELS)
environment.refuse_gathered()
