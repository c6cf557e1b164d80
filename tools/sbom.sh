#!/usr/bin/env bash
# Writes dist/reviewbot.cdx.json: what the image has of Python, as a CycloneDX 1.6 bill of materials, checked against
# the schema. The environment that it describes and the tool that describes it are made for it and thrown away.
set -euo pipefail
cd "$(dirname "$0")/.."

room="$(mktemp -d)"
trap 'rm -rf "$room"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$room/described"
"${PYTHON:-python3}" -m venv "$room/tool"
"$room/tool/bin/pip" install --quiet --disable-pip-version-check 'cyclonedx-bom>=7,<8'
"$room/tool/bin/pip" --python "$room/described/bin/python" install --quiet --disable-pip-version-check \
  --require-hashes --only-binary :all: -r requirements.lock -r deploy/container/analyzers.lock
"$room/tool/bin/pip" --python "$room/described/bin/python" install --quiet --disable-pip-version-check --no-deps .
mkdir -p dist
"$room/tool/bin/cyclonedx-py" environment --pyproject pyproject.toml --mc-type application --spec-version 1.6 \
  --output-format JSON --output-reproducible --validate --output-file dist/reviewbot.cdx.json \
  "$room/described/bin/python"
