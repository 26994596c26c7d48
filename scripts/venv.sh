#!/bin/sh
# Make .venv with pip in it, from nothing but Python and pip. Run again, it changes nothing.
#
# Debian and Ubuntu keep `ensurepip` in a package of its own and refuse a bare `pip install` (PEP 668), so the
# environment is made without pip and the system's pip is asked to put a copy into it.
set -eu
cd "$(dirname "$0")/.."

fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

if .venv/bin/python -m pip --version >/dev/null 2>&1; then
    exit 0
fi

python=
for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.10}; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || fail "no Python 3.10 to 3.13 found (looked for ${PYTHON:-python3}); install one:" \
    "apt-get install python3 python3-pip, or set PYTHON to its path"

printf 'setup: making .venv with %s\n' "$("$python" --version)"
rm -rf .venv
"$python" -m venv --without-pip .venv || fail "could not make .venv; install it: apt-get install python3-venv"
if "$python" -m pip --version >/dev/null 2>&1; then
    packages="$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
    "$python" -m pip --disable-pip-version-check --quiet install --target "$packages" pip
else
    .venv/bin/python -m ensurepip >/dev/null 2>&1 || fail "no pip found; install it: apt-get install python3-pip"
fi
