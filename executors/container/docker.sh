# Runs the container that is a node, on a machine: sh -c TEXT sh NAME CLUSTER-ID IMAGE INIT [OPTION...] < CONFIG
# OPTIONs are the user's, for docker run. CONFIG is a Docker config.json with the login of the image's registry, or
# empty. A container that is there is started. Prints what docker says, and at last how this user calls it.
# Exit code 3: docker cannot be had; 4: the image cannot be had.
set -u
name=$1 cluster=$2 image=$3 init=$4
shift 4
as_root=
[ "$(id -u)" = 0 ] || as_root="sudo -n"

fail() {
    code=$1
    shift
    echo "$*" >&2
    exit "$code"
}
reach() {
    for docker in docker "sudo -n docker"; do
        $docker version >/dev/null 2>&1 && return
    done
    return 1
}
# As after boot, the daemon may take some time.
await() {
    tries=0
    until reach; do
        [ $tries -lt 120 ] || fail 3 "docker's daemon does not answer: $(docker version 2>&1 | tail -n 1)"
        sleep 0.5
        tries=$((tries + 1))
    done
}
apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 "$@" >/dev/null
}
install() {
    command -v apt-get >/dev/null || fail 3 "it has no $1, and no apt-get to install it with"
    echo "installing $1"
    apt update -qq && apt install -y -qq "$1" || fail 3 "$1 cannot be installed"
}
# https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html
install_nvidia() {
    site=https://nvidia.github.io/libnvidia-container key=/usr/share/keyrings/nvidia-container-toolkit.asc
    curl -fsSL $site/gpgkey | $as_root tee $key >/dev/null &&
        curl -fsSL $site/stable/deb/nvidia-container-toolkit.list | sed "s,deb https,deb [signed-by=$key] https," |
        $as_root tee /etc/apt/sources.list.d/nvidia-container-toolkit.list >/dev/null
    install nvidia-container-toolkit
    $as_root systemctl restart docker
}
pull() {
    config=
    if [ -n "$login" ]; then
        config=$(umask 077 && mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
        trap 'rm -rf "$config"' EXIT
        trap 'exit 1' HUP INT TERM
        (umask 077 && printf %s "$login" >"$config/config.json")
    fi
    $docker ${config:+--config "$config"} pull "$image" || exit 4
    [ -z "$config" ] || rm -rf "$config"
}
run() {
    set -- --ipc host "$@" --network host
    set -- "$@" --detach --name "$name" --label "sky-cluster-id=$cluster" --restart always
    [ ! -d /usr/local/lib/sky ] || set -- "$@" --volume /usr/local/lib/sky:/usr/local/lib/sky:ro
    for device in /dev/neuron*; do
        [ ! -e "$device" ] || set -- "$@" --device "$device"
    done
    [ ! -d /dev/infiniband ] || set -- "$@" --device /dev/infiniband --ulimit memlock=-1
    if nvidia-smi --list-gpus >/dev/null 2>&1; then
        command -v nvidia-container-runtime-hook >/dev/null || { install_nvidia && await; }
        set -- "$@" --gpus all
    fi
    $docker run "$@" --entrypoint /bin/sh "$image" -c "$init" || {
        $docker rm --force "$name" >/dev/null 2>&1
        exit 1
    }
}

login=$(cat)
command -v docker >/dev/null || install docker.io
await
if $docker container inspect "$name" >/dev/null 2>&1; then
    $docker start "$name" || exit
else
    $docker image inspect "$image" >/dev/null 2>&1 || pull
    run "$@"
fi
echo "docker: $docker"
