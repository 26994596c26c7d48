# What a host has, a line each: NAME VALUE. Run by the login user; changes nothing.
LC_ALL=C
export LC_ALL
cd "$HOME" 2>/dev/null || cd /

echo "system $(uname -s)"
echo "arch $(uname -m)"
echo "user $(id -un)"
echo "home $HOME"
[ -d "$HOME" ] && [ -w "$HOME" ] && echo "home_writable yes"
echo "hostname $(uname -n)"
echo "cpus $(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)"
echo "memory_kib $(sed -n 's/^MemTotal:[[:space:]]*\([0-9]*\).*/\1/p' /proc/meminfo)"
for python in python3 python3.13 python3.12 python3.11 python3.10 python3.9 python3.8 /usr/bin/python3 /usr/local/bin/python3; do
    if "$python" -I -c 'import sys, sqlite3; sys.exit(sys.version_info < (3, 8))' 2>/dev/null; then
        echo "python $(command -v "$python")"
        break
    fi
done
command -v rsync >/dev/null 2>&1 && echo "rsync yes"
if [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; then
    echo "root yes"
fi
# shellcheck disable=SC2086  # the four words of SSH_CONNECTION: client address and port, own address and port
set -- ${SSH_CONNECTION-}
[ $# -ge 3 ] && echo "internal_ip $3"
if command -v nvidia-smi >/dev/null 2>&1; then
    timeout 10 nvidia-smi --query-gpu=name,memory.total --format=csv,noheader,nounits 2>/dev/null | sed 's/^/nvidia /'
fi
exit 0
