"""The measuring process: ``python -m awooop.console.bench NAME SECONDS ROWS``.

Started by ``manage.py bench``, whose scratch database is in the environment; answers in JSON.
"""

import importlib
import json
import os
import sys

import django
from django.conf import settings

from awooop.console.bench import scratch
from awooop.console.bench.sizes import Sizes


def main(name: str, seconds: str, rows: str) -> None:
    """Measure and print what was found."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else prints must not end up in the answer
    django.setup()
    if not settings.DATABASES["default"]["NAME"].startswith(scratch.PREFIX):
        sys.exit("bench: this is not a scratch database")
    measurement = importlib.import_module(f"awooop.console.bench.{name}")
    report = measurement.measure(Sizes(float(seconds), int(rows)))
    print(json.dumps(report.told()), file=answers, flush=True)


main(*sys.argv[1:])
