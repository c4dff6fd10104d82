#!/bin/sh
# Creates the secrets that docker-compose.yml reads, once, in secrets/ next to this file. Only users who can enter that
# folder can read them. Containers get each file individually.
set -eu
cd "$(dirname "$0")"
[ ! -e secrets ] || { echo "rollcall: deploy/secrets already exists. Remove it to create new secrets" >&2; exit 1; }
umask 077
mkdir secrets
word() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
postgres=$(word)
redis=$(word)
printf %s "$postgres" >secrets/postgres_password
printf 'postgres://rollcall:%s@postgres:5432/rollcall' "$postgres" >secrets/database_url
printf 'redis://:%s@redis:6379' "$redis" >secrets/redis_url
head -c 32 /dev/urandom | base64 >secrets/secret_key # keep a copy elsewhere, see docs/backup.md
cat >secrets/redis.conf <<CONF
requirepass $redis
save ""
appendonly no
maxmemory 256mb
maxmemory-policy noeviction
client-output-buffer-limit normal 64mb 16mb 30
CONF
chmod 644 secrets/*
