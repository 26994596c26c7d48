#!/bin/sh
# Cut requirements/dev.lock anew: every package that running, testing and measuring needs, with hashes,
# for every supported Python, naming no package index. Arguments go to uv, e.g. --upgrade-package ruff.
set -eu
cd "$(dirname "$0")/.."

if ! command -v uv >/dev/null 2>&1; then
    [ -x .venv/bin/python ] || { echo "lock: run 'sh scripts/test.sh' first; it makes .venv" >&2; exit 1; }
    .venv/bin/python -m pip install --quiet uv
    PATH="$PWD/.venv/bin:$PATH"
fi

exec uv pip compile pyproject.toml --group dev --group bench \
    --universal --python-version 3.10 \
    --generate-hashes --no-header --annotation-style line --quiet \
    --output-file requirements/dev.lock "$@"
