"""The product's settings, but passwords cost next to nothing: no test is about what they cost."""

from awooop.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
