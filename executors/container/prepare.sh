# What a container needs for the agent: bash, and a Python of 3.8 or newer with sqlite3. Run as sh -s.
# Prints "python PATH"; exit code 3 where one is missing and cannot be installed, with its name.
find_python() {
    for python in python3 python3.13 python3.12 python3.11 python3.10 python3.9 python3.8 /usr/bin/python3; do
        if "$python" -I -c 'import sys, sqlite3; sys.exit(sys.version_info < (3, 8))' 2>/dev/null; then
            echo "python $(command -v "$python")"
            return 0
        fi
    done
    return 1
}
missing() {
    command -v bash >/dev/null || echo bash
    find_python >/dev/null || echo python3
}
wanted=$(missing)
if [ -n "$wanted" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $wanted
    } >/dev/null 2>&1
    wanted=$(missing)
fi
[ -z "$wanted" ] || { echo $wanted >&2; exit 3; }
find_python
