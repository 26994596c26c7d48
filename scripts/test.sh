#!/bin/sh
# Install what the tests need into .venv, pinned by hash, and run them, two at a time. Arguments go to pytest.
set -eu
cd "$(dirname "$0")/.."
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

sh scripts/venv.sh
printf 'setup: installing requirements/dev.lock (half a minute on a fast line)\n'
# Most of what is installed is never imported, so it is compiled when it is.
.venv/bin/python -m pip install --quiet --no-compile --require-hashes --requirement requirements/dev.lock
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .

exec .venv/bin/python -m pytest -n 2 "$@"
