#!/usr/bin/env bash
# Tries an image with docker as deploy/compose starts it: read-only, no capabilities, state in one volume.
# deploy/container/try-with-docker.sh IMAGE
set -euo pipefail

image="$1"
locked=(--read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges:true)
docker run --rm "${locked[@]}" "$image" --version
docker run --rm "${locked[@]}" "$image" review --help >/dev/null
docker run --rm "${locked[@]}" "$image" demo --folder /tmp/demo >/dev/null || test "$?" -eq 1
server="$(docker run --detach "${locked[@]}" --volume reviewbot-try:/data --health-start-interval 1s "$image")"
trap 'docker rm --force "$server" >/dev/null; docker volume rm reviewbot-try >/dev/null' EXIT
for second in $(seq 90); do
  [ "$(docker inspect --format '{{.State.Health.Status}}' "$server")" = healthy ] && break
  [ "$second" -lt 90 ] || { docker logs "$server"; exit 1; }
  sleep 1
done
docker stop --time 30 "$server" >/dev/null
[ "$(docker inspect --format '{{.State.ExitCode}}' "$server")" = 0 ]
echo "$image starts, is healthy, and ends when it is told to"
