#!/bin/sh
# Install the project into .venv and run its main job: plan examples/minimal.yaml and run it on this machine.
set -eu
cd "$(dirname "$0")/.."
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

sh scripts/venv.sh
printf 'setup: installing (about a minute on a fast line)\n'
.venv/bin/python -m pip install --quiet --editable .

printf 'setup: sky launch -y -c hello examples/minimal.yaml\n'
.venv/bin/sky launch -y -c hello examples/minimal.yaml

cat <<'NEXT'

That was a cluster named "hello" on this machine. Next:
    . .venv/bin/activate
    sky optimize examples/train.yaml --dryrun    # plan eight A100s over five clouds; no account needed
    sky exec hello 'echo again'
    sky down -y hello
NEXT
