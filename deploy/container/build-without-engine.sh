#!/usr/bin/env bash
# Builds the image where no container engine and no registry is to be had, and tries it: for a build machine with
# nothing but Debian's packages. As root, in the root of the repository:
#
#   apt-get install buildah debootstrap
#   deploy/container/build-without-engine.sh
#
# The base image is made here, of Debian's own packages; it stands in for the one that the Dockerfile names. So this
# shows that the Dockerfile is right and that the image runs, not that the published base image does. Needs 3 GB.
set -euo pipefail
cd "$(dirname "$0")/../.."

work="${WORK:-$(mktemp -d -t reviewbot-image-XXXXXX)}"
image="reviewbot:$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)"
base="$(sed -n 's/^ARG PYTHON_IMAGE=//p' Dockerfile)"
certificates=/etc/ssl/certs/ca-certificates.crt
# Everything is kept in one folder, and no kernel feature is asked for that a container would lack.
buildah() { command buildah --root "$work/store" --runroot "$work/run" --storage-driver vfs "$@"; }

echo "== the base image, from Debian's packages"
mkdir -p "$work"
if [ ! -e "$work/base/usr/bin/python3" ]; then
  debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv,python3-pip \
    bookworm "$work/base" >"$work/debootstrap.log"
  rm -rf "$work/base/var/cache/apt/archives" "$work/base/var/lib/apt/lists"
fi
ln -sf /usr/bin/python3 "$work/base/usr/local/bin/python"
made="$(buildah from scratch)"
buildah add --quiet "$made" "$work/base" / >/dev/null
buildah config --env PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin "$made"
buildah commit --quiet --rm "$made" "docker.io/library/$base" >/dev/null

echo "== the Dockerfile"
# What this machine trusts, the build trusts: a mirror of packages may have a certificate of its own.
buildah bud --isolation chroot --pull-never --format docker --quiet \
  --volume "$certificates:$certificates:ro" \
  --build-arg "REVISION=$(git rev-parse HEAD 2>/dev/null || echo unknown)" \
  --build-arg "CREATED=$(date --utc +%Y-%m-%dT%H:%M:%SZ)" \
  --tag "$image" . >/dev/null

echo "== what it is"
made="$(buildah from --pull-never "$image")"
root="$(buildah mount "$made")"
trap 'command buildah --root "$work/store" --runroot "$work/run" --storage-driver vfs rm "$made" >/dev/null' EXIT
buildah inspect --type image --format \
  '{{.Docker.Config.User}} {{.Docker.Config.Entrypoint}} {{.Docker.Config.Cmd}} {{.Docker.Config.Volumes}} {{.Docker.Config.Healthcheck}}' \
  "$image"
echo
echo "$(du -sm "$root" | cut -f1) MB, of which $(du -sm "$root/opt/reviewbot" | cut -f1) MB are reviewbot and its libraries"

echo "== does it run: read-only, not root, nothing but /data and /tmp to write to"
bash deploy/container/try-image.sh "$root"
