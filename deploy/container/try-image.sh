#!/usr/bin/env bash
# Tries an unpacked image, ROOT, without an engine: in namespaces of its own (mounts, processes, network), with a
# read-only root, as the image's user, without capabilities. As root: deploy/container/try-image.sh ROOT
set -euo pipefail

root="$1"
if [ -z "${IN_NAMESPACES:-}" ]; then
  IN_NAMESPACES=1 exec unshare --mount --pid --net --uts --ipc --fork --kill-child --propagation private \
    bash "$0" "$root"
fi

ip link set lo up
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o uid=10001,gid=10001,mode=0700 tmpfs "$root/data"
mount -o remount,ro,bind "$root"

# As an engine would start it. chroot needs a capability that is dropped, so they are dropped inside.
# Process 1 of the namespace is this script; TINI_SUBREAPER lets tini do its work all the same.
as_engine=(env -i PATH=/opt/reviewbot/bin:/usr/local/bin:/usr/bin:/bin HOME=/data REVIEWBOT_DATA_DIR=/data
  PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 TINI_SUBREAPER=1
  /usr/sbin/chroot "$root" setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs --inh-caps=-all
  --bounding-set=-all --)
inside() { "${as_engine[@]}" "$@"; }
say() { echo "ok: $*"; }
fail() { echo "NOT OK: $*" >&2; exit 1; }

[ "$(inside id -u):$(inside id -g)" = 10001:10001 ] || fail "the user is $(inside id)"
say "user 10001"
for place in /etc /opt/reviewbot /usr; do
  if inside touch "$place/x" 2>/dev/null; then fail "$place can be written to"; fi
done
say "the root is read-only"
inside tini -- reviewbot --version
inside tini -- reviewbot review --help >/dev/null
say "review --help"
inside sh -c 'tini -- reviewbot demo --folder /tmp/demo >/tmp/demo.txt 2>&1; test "$?" -le 1 && test -s /tmp/demo/review.html' ||
  fail "the demo"
say "a whole review with git, in the sandbox that comes along"

analyzers="$(inside python -c 'from reviewbot.analyzers.run import installed; print(*(each.name for each in installed()))')"
case "$analyzers" in ruff*) say "analyzers: $analyzers" ;; *) fail "analyzers: $analyzers" ;; esac

"${as_engine[@]}" tini -- reviewbot serve --host 0.0.0.0 --port 8080 --log json 2>/dev/null &
server=$!
ready() { inside python -c "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/readyz', timeout=8)" 2>/dev/null; }
for second in $(seq 60); do
  ready && break
  [ "$second" -lt 60 ] || fail "serve is not healthy after a minute"
  sleep 1
done
say "serve is healthy by the image's own check"
inside test -s /data/admin-token || fail "no admin token in /data"
say "its state is in /data: $(inside ls /data | tr '\n' ' ')"
end() { kill -TERM "$server"; wait "$server" || fail "SIGTERM ended it with $?"; }
end
say "SIGTERM ends it, with 0"

# One role alone, as Kubernetes starts it; nothing is asked of the addresses, which nobody has.
"${as_engine[@]}" env REVIEWBOT_API_BASE=https://127.0.0.1:9/v1 REVIEWBOT_API_KEY=none REVIEWBOT_WORKER_ID=worker-1 \
  REVIEWBOT_TOKEN_URL=https://127.0.0.1:9 REVIEWBOT_TOKEN_SECRET=a-secret-for-this-trial-alone \
  tini -- reviewbot serve --role worker --host 0.0.0.0 --port 8081 --log json 2>/dev/null &
server=$!
alive() { inside python -c "import urllib.request as u; u.urlopen('http://127.0.0.1:8081/healthz', timeout=8)" 2>/dev/null; }
for second in $(seq 60); do
  alive && break
  [ "$second" -lt 60 ] || fail "a worker is not alive after a minute"
  sleep 1
done
end
say "a worker alone lives, and ends with 0"
