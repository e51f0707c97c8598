#!/bin/bash
# An empty data folder gets a cluster, with the user and the database that the environment names.
set -e
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    initdb --username="${POSTGRES_USER:=postgres}" --pwfile=<(echo "${POSTGRES_PASSWORD:?}") --auth-local=trust --auth-host=scram-sha-256
    echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
    if [ "${POSTGRES_DB:=$POSTGRES_USER}" != postgres ]; then
        # As upstream does it: nobody from outside sees the server that is only there for this.
        pg_ctl --wait --options="-c listen_addresses=''" start
        createdb --username="$POSTGRES_USER" --maintenance-db=postgres "$POSTGRES_DB"
        pg_ctl --wait stop
    fi
fi
exec "$@" -c listen_addresses='*'
