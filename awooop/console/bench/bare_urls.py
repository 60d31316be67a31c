"""The bare view: parse, insert one row, answer; it asks for no credential, so it stays here."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.urls import path
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from awooop.console.bench import fill, scratch
from awooop.kit import ids

TABLE = "raw_posted"

if not settings.DATABASES["default"]["NAME"].startswith(scratch.PREFIX):
    raise ImproperlyConfigured("the bare view serves nothing but a bench's scratch database")

_INSERT = f"""
INSERT INTO {TABLE}
       ({fill.COLUMNS})
VALUES (%s, 'bench0', %s, 'pending', 1, true, %s, 'api', '', %s::jsonb, %s, 0, 3, 0, 0, 0,
        clock_timestamp(), clock_timestamp() + interval '600 s')
"""


class BareDoor(APIView):
    """What Django REST framework needs at least to write one row."""

    parser_classes = (JSONParser,)

    def post(self, request: Request) -> Response:
        """Insert a row and answer with its id."""
        run_id, agent = ids.new_id(), dict(request.data)["agent_id"]
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, [run_id, agent, ids.trace_id(), fill.INPUT, "0" * 64])
        return Response({"run_id": run_id, "state": "pending"}, status=201)


urlpatterns = [path("bare", BareDoor.as_view())]
