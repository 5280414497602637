#!/bin/sh
# On an empty volume: the cluster with its superuser, then the scripts of /docker-entrypoint-initdb.d by its socket.
set -eu
if [ "$(id -u)" = 0 ]; then
    chown postgres:postgres "$PGDATA"
    exec setpriv --reuid=postgres --regid=postgres --init-groups sh "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    printf '%s' "$POSTGRES_PASSWORD" >/tmp/password
    initdb --username=postgres --pwfile=/tmp/password --auth=scram-sha-256 --auth-local=trust --encoding=UTF8 \
        --locale=C.UTF-8
    rm /tmp/password
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
    pg_ctl --wait --options='-c listen_addresses=' start
    export POSTGRES_USER=postgres
    for script in /docker-entrypoint-initdb.d/*.sh; do sh "$script"; done
    pg_ctl --wait --mode=fast stop
fi
exec "$@"
