#!/bin/sh
# Run what needs a Kubernetes on a real one, which is built first where it is not there yet. Arguments go to pytest.
set -eu
cd "$(dirname "$0")/.."
sh tests/k8s/build.sh
export SKY_TEST_KUBERNETES=1
exec .venv/bin/python -m pytest -p no:xdist tests/k8s tests/conformance -k "k8s or kubernetes" "$@"
