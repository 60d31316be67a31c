# syntax=docker/dockerfile:1
# One image, four roles: web, worker, beat, migrate. See deploy/README.md.

FROM python:3.13-slim AS build
ENV PYTHONDONTWRITEBYTECODE=1
RUN python -m venv --without-pip /opt/venv
WORKDIR /app

# The dependencies change less often than the code: a layer of their own.
COPY deploy/requirements.lock deploy/requirements.lock
RUN pip --python /opt/venv/bin/python install --no-cache-dir --no-input --no-compile \
        --disable-pip-version-check --root-user-action=ignore \
        --only-binary :all: --require-hashes -r deploy/requirements.lock

COPY . .
# Neither a secret nor a server is needed to collect: nothing is signed or asked.
RUN AWOOOP_EMBEDDED=0 STATIC_ROOT=/app/static /opt/venv/bin/python manage.py collectstatic --noinput -v 0 \
    && /opt/venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv/lib .


FROM python:3.13-slim
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=awooop.settings \
    AWOOOP_EMBEDDED=0 \
    STATIC_ROOT=/app/static
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /nonexistent awooop
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app

# The first word says which process this container is; anything else is run as it stands.
COPY --chmod=755 <<'EOF' /usr/local/bin/awooop
#!/bin/sh
set -eu
role=${1:-web}
[ $# -eq 0 ] || shift
case "$role" in
web)
    export DATABASE_POOL_SIZE="${DATABASE_POOL_SIZE:-16}"
    exec uvicorn awooop.asgi:application --host 0.0.0.0 --port 8000 --lifespan on \
        --no-access-log --timeout-graceful-shutdown 5 "$@"
    ;;
worker)
    export DATABASE_CONN_MAX_AGE="${DATABASE_CONN_MAX_AGE:-3600}"
    exec celery -A awooop worker -P threads -c "${WORKER_THREADS:-4}" -l warning \
        --without-gossip --without-mingle "$@"
    ;;
beat)
    exec celery -A awooop beat -l warning --pidfile= -s /tmp/beat-schedule "$@"
    ;;
migrate)
    exec python manage.py migrate --noinput "$@"
    ;;
manage)
    exec python manage.py "$@"
    ;;
*)
    exec "$role" "$@"
    ;;
esac
EOF

USER 10001:10001
WORKDIR /app
EXPOSE 8000
STOPSIGNAL SIGTERM

# For web. The other roles listen on no port: start them with --no-healthcheck.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as web; host = os.environ.get('ALLOWED_HOSTS', '').split(',')[0].strip(' .*') or 'localhost'; web.urlopen(web.Request('http://127.0.0.1:8000/livez', headers={'Host': host}), timeout=2)"]

ENTRYPOINT ["awooop"]
CMD ["web"]
