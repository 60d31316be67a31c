"""Our web with one bare view in place of every door; serves nothing but a bench's database."""

import os
from importlib import import_module

from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "awooop.settings")
settings.ROOT_URLCONF = "awooop.console.bench.bare_urls"
if os.environ.get("AWOOOP_BENCH_LEAN"):
    settings.MIDDLEWARE = []

# By its name, as uvicorn itself would: the roof is not to be imported from below.
application = import_module("awooop.asgi").application
