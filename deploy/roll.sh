#!/bin/sh
# Replaces the containers of the named services (api, gateway, worker) without a gap: as many new ones are started, and once they are
# healthy the old ones are told to stop, one after the other, each as long as it needs to drain.
#   deploy/roll.sh api gateway worker
# COMPOSE is the command to use, `docker compose` with its -p and -f where they are needed.
set -eu
compose=${COMPOSE:-docker compose}

for service in "$@"; do
  $compose rm -f "$service" >/dev/null 2>&1 # what has stopped would be started again as it was
  old=$($compose ps -q "$service")
  count=$(echo "$old" | wc -l)
  echo "$service: starting $count beside $count"
  $compose up -d --no-deps --no-recreate --wait --scale "$service=$((2 * count))" "$service"
  for container in $old; do
    docker stop "$container" >/dev/null
    docker rm "$container" >/dev/null
  done
  echo "$service: $count replaced"
done
