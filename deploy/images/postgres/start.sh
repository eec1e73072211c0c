#!/bin/sh
# Starts PostgreSQL on PGDATA, which is made first if it is not there: user and database `assay`, with the password in the
# file that POSTGRES_PASSWORD_FILE names. Whatever ends this in the middle, the next start goes on from a whole state: a
# folder is made beside PGDATA and becomes it last. Arguments are the server's, such as `-c shared_buffers=1GB`.
set -eu
programs=$(echo /usr/lib/postgresql/*/bin)
export PATH="$programs:$PATH"
trap "exit 143" TERM INT

make() {
  new="$PGDATA.new"
  rm -rf "$new"
  initdb -D "$new" -U assay --pwfile="$POSTGRES_PASSWORD_FILE" --auth=scram-sha-256 -E UTF8 --locale=C --data-checksums
  echo 'create database assay' | postgres --single -D "$new" -c exit_on_error=true postgres >/dev/null
  mv "$new" "$PGDATA"
  sync "$(dirname "$PGDATA")"
}

# The password in the file holds for a volume from before it, too: what was uninstalled and installed again has a new one.
renew() {
  IFS= read -r password <"$POSTGRES_PASSWORD_FILE" || true
  case $password in
    *[!A-Za-z0-9_.~-]*) echo 'the password of the volume stays: the new one is not letters, digits and _.~- alone' >&2 ;;
    *) postgres --single -D "$PGDATA" -c exit_on_error=true postgres >/dev/null <<EOF ;;
alter role assay password '$password'
EOF
  esac
}

if [ ! -e "$PGDATA" ]; then
  if [ ! -s "${POSTGRES_PASSWORD_FILE:-}" ]; then
    echo 'POSTGRES_PASSWORD_FILE must name a file with the password of the new database' >&2
    exit 2
  fi
  make
elif [ -s "${POSTGRES_PASSWORD_FILE:-}" ]; then
  renew
fi

# Everybody comes over TCP, with the password. SIGTERM would wait for all clients to go; SIGINT sends them away.
postgres -D "$PGDATA" -c hba_file=/etc/postgresql/pg_hba.conf -c listen_addresses='*' -c unix_socket_directories= -c jit=off "$@" &
server=$!
trap 'kill -INT "$server"' TERM INT
code=0
wait "$server" || code=$?
# A signal ends the waiting, and not the server.
while kill -0 "$server" 2>/dev/null; do
  code=0
  wait "$server" || code=$?
done
exit "$code"
