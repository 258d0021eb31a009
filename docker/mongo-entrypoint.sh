#!/usr/bin/env bash
# mongod requires that only its own user can read the key file, which mounted files do not guarantee everywhere.
set -euo pipefail

umask 077
cp /run/secrets/mongo-replica-key /tmp/replica-key
chown mongodb:mongodb /tmp/replica-key
chmod 400 /tmp/replica-key

exec docker-entrypoint.sh mongod --replSet rs0 --bind_ip_all --keyFile /tmp/replica-key
