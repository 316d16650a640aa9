#!/bin/sh
# A sentinel, with the password of its user from a file. It writes its own configuration.
set -eu
umask 077
cat >/tmp/sentinel.conf <<CONF
port 26379
# Only the network of the store reaches it, where masker and Redis are alone.
protected-mode no
sentinel resolve-hostnames yes
sentinel monitor masker redis 6379 2
sentinel auth-user masker sentinel
sentinel auth-pass masker $(cat /run/secrets/redis_sentinel_password)
sentinel down-after-milliseconds masker 3000
sentinel failover-timeout masker 15000
CONF
exec redis-server /tmp/sentinel.conf --sentinel
