#!/bin/sh
# Makes a cluster of six servers, three of them replicas, and keeps it one: addresses change
# when containers start again, and a server that moved is introduced anew.
set -eu
nodes='redis redis-2 redis-3 redis-4 redis-5 redis-6'
REDISCLI_AUTH=$(cat /run/secrets/redis_cluster_password)
export REDISCLI_AUTH

# ask NODE COMMAND...
ask() {
    node=$1
    shift
    redis-cli --user cluster -h "$node" "$@" | tr -d '\r'
}
info() { ask "$1" cluster info | sed -n "s/^$2://p"; }

met() {
    for each in $nodes; do
        [ "$(info "$each" cluster_known_nodes)" = 6 ] || return 1
    done
}

meet() {
    for each in $nodes; do
        address=$(getent hosts "$each" | awk '{ print $1; exit }')
        [ -n "$address" ] && [ "$(ask redis cluster meet "$address" 6379)" = OK ] || return 1
    done
}

# slots NODE FIRST LAST
slots() { [ "$(ask "$1" cluster addslotsrange "$2" "$3")" = OK ]; }

share() {
    [ "$(info redis cluster_slots_assigned)" = 0 ] || return 0
    slots redis 0 5460 && slots redis-2 5461 10922 && slots redis-3 10923 16383
}

# replicate REPLICA PRIMARY: unless it is one already, or has slots since a failover.
replicate() {
    ask "$1" cluster nodes | grep myself | grep -q 'master.* connected$' || return 0
    [ "$(ask "$1" cluster replicate "$(ask "$2" cluster myid)")" = OK ]
}

form() {
    met || { meet && sleep 1 && met; } || return 1
    share && replicate redis-4 redis && replicate redis-5 redis-2 && replicate redis-6 redis-3 || return 1
    for each in $nodes; do
        [ "$(info "$each" cluster_state)" = ok ] || return 1
    done
}

while :; do
    if form; then
        touch /tmp/formed
        sleep 5
    else
        rm -f /tmp/formed
        # After a restart all know six, at old addresses: they meet again.
        meet || true
        sleep 2
    fi
done
