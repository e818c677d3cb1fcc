#!/bin/sh
# The entrypoint of a test image, as those have it that people use: a new database for POSTGRES_USER, POSTGRES_PASSWORD and
# POSTGRES_DB, then the server.
set -e
: "${POSTGRES_PASSWORD:?POSTGRES_PASSWORD is not set}"
PATH=$(echo /usr/lib/postgresql/*/bin):$PATH
PGDATA=/var/lib/postgresql/data
PGHOST=/tmp
PGUSER=${POSTGRES_USER:-postgres}
export PATH PGDATA PGHOST PGUSER
printf '%s' "$POSTGRES_PASSWORD" >/tmp/password
initdb --username="$PGUSER" --pwfile=/tmp/password --auth-local=trust --auth-host=scram-sha-256 --no-sync >/dev/null
rm /tmp/password
echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
pg_ctl -w -o "-c listen_addresses='' -c fsync=off -k /tmp" start >/dev/null
[ -z "$POSTGRES_DB" ] || createdb "$POSTGRES_DB"
pg_ctl -w -m fast stop >/dev/null
exec postgres -c 'listen_addresses=*' -c fsync=off -k /tmp
