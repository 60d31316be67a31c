"""The web process behind WSGI, for servers that speak nothing else."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "awooop.settings")

application = get_wsgi_application()

from awooop import celery as celery  # noqa: E402 - the app that tasks are sent through
