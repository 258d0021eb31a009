#!/usr/bin/env bash
# mongod wants the key of the replica set in a file that it alone can read, which no mounted file is everywhere.
set -euo pipefail

umask 077
cp /run/secrets/mongo-replica-key /tmp/replica-key
chown mongodb:mongodb /tmp/replica-key
chmod 400 /tmp/replica-key

exec docker-entrypoint.sh mongod --replSet rs0 --bind_ip_all --keyFile /tmp/replica-key
