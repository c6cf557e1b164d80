#!/usr/bin/env bash
# Writes constraints.txt (what `make` installs), requirements.lock (what the Action and the image install, with hashes)
# and deploy/container/analyzers.lock (what the image has beside it). The extra `analyzers` is in the last alone: it
# would double what a run of the Action has to fetch.
# Needs uv. Versions stay as they are in constraints.txt where pyproject.toml allows them; delete a line there, or the
# whole file, to take what is newest. Run `python tools/licences.py` afterwards.
set -euo pipefail
cd "$(dirname "$0")/.."

room="$(mktemp -d)"
trap 'rm -rf "$room"' EXIT
cp pyproject.toml README.md LICENSE THIRD_PARTY_NOTICES.md "$room/"
mkdir "$room/reviewbot" "$room/webhooks"
touch "$room/reviewbot/__init__.py" "$room/webhooks/__init__.py"
if [ -e constraints.txt ]; then
  {
    printf '\n[tool.uv]\nconstraint-dependencies = [\n'
    sed -n 's/^\([A-Za-z0-9._-]*==.*\)$/  "\1",/p' constraints.txt
    printf ']\n'
  } >>"$room/pyproject.toml"
fi

here="$PWD"
cd "$room"
uv lock --quiet --python 3.11
export=(uv export --quiet --locked --all-extras --no-header --no-annotate --no-emit-project)
"${export[@]}" --all-groups --no-hashes >"$here/constraints.txt"
"${export[@]}" --no-dev --no-extra analyzers >"$here/requirements.lock"
compile=(uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate)
"${compile[@]}" "$here/deploy/container/build.in" -o "$here/deploy/container/build.lock" >/dev/null
"${compile[@]}" --constraints "$here/constraints.txt" "$here/deploy/container/analyzers.in" \
  -o "$here/deploy/container/analyzers.lock" >/dev/null
