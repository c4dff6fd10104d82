#!/bin/sh
# Creates the secrets that docker-compose.yml and docker-compose.sentinel.yml read, once, in secrets/ next to this file.
# Only users who can enter that folder can read them. Containers get each file individually.
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
printf 'redis://:%s@sentinel-a:26379?addr=sentinel-b:26379&addr=sentinel-c:26379&master_set=board' "$redis" \
	>secrets/sentinel_url
head -c 32 /dev/urandom | base64 >secrets/secret_key # keep a copy elsewhere, see docs/backup.md
cat >secrets/redis.conf <<CONF
requirepass $redis
masterauth $redis
save ""
appendonly no
maxmemory 256mb
maxmemory-policy noeviction
client-output-buffer-limit normal 64mb 16mb 30
CONF
# For docker-compose.sentinel.yml.
cat >secrets/sentinel.conf <<CONF
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
sentinel monitor board redis 6379 2
sentinel auth-pass board $redis
sentinel down-after-milliseconds board 5000
sentinel failover-timeout board 30000
CONF
chmod 644 secrets/*
