#!/bin/sh
# Build a real Kubernetes from Debian's source package, once for this user, and a system for its pods:
#   sh tests/k8s/build.sh          prints the folder with all of it
#   sh tests/k8s/build.sh why-not  prints why that cannot be done here, nothing where it can
# Takes about ten minutes of processor time, half of that on two free cores, goes on where it was ended, and does
# nothing where all is built. Needs root. The controller-manager is left out: pods without owners need nothing of it.
set -eu

VERSION=1.20.2
PROGRAMS="kube-apiserver kube-scheduler kubelet"
PACKAGES="golang-go etcd-server docker.io docker-registry debootstrap openssl dpkg-dev ca-certificates"
IN_PODS="python3,slurmctld,slurmd,slurm-client,munge"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/sky-tests/kubernetes-$VERSION
bin=$cache/bin
source=$cache/kubernetes-$VERSION

why_not() {
    [ "$(id -u)" = 0 ] || { echo "a Kubernetes of its own takes root"; return; }
    [ "${SKY_TEST_APT:-1}" != 0 ] || whole || { echo "SKY_TEST_APT=0 forbids what it takes"; return; }
    grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release ||
        { echo "Kubernetes $VERSION is built from the sources of Debian 12, and this is none"; return; }
    unshare --net --mount true 2>/dev/null || { echo "network namespaces cannot be made here"; return; }
    [ -e /sys/fs/cgroup/memory ] || echo "the kubelet of $VERSION takes control groups of version 1"
}

say() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*" >&2; }

whole() {
    for program in $PROGRAMS; do [ -x "$bin/$program" ] || return 1; done
    [ -e "$cache/pod.tar" ] || return 1
    for program in etcd dockerd docker-registry; do PATH=$PATH:/usr/sbin command -v $program >/dev/null || return 1; done
}

packages() {
    missing=
    for package in $PACKAGES; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    say "installing$missing"
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod 755 $policy
        trap 'rm -f $policy' EXIT
    fi
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends $missing >&2
}

# apt with the source packages of this machine's own Debian mirror, and lists of its own.
apt_sources() {
    mkdir -p "$cache/apt/lists/partial"
    if [ -e /etc/apt/sources.list.d/debian.sources ]; then
        sed 's/^Types: .*/Types: deb-src/' /etc/apt/sources.list.d/debian.sources >"$cache/apt/list.sources"
    else
        sed 's/^deb /deb-src /' /etc/apt/sources.list >"$cache/apt/list.sources"
    fi
    apt-get -o Dir::Etc::sourcelist="$cache/apt/list.sources" -o Dir::Etc::sourceparts=- \
        -o Dir::State::lists="$cache/apt/lists" -o APT::Sandbox::User=root "$@" >&2
}

sources() {
    [ ! -e "$source/.whole" ] || return 0
    say "fetching the sources"
    apt_sources -qq update
    apt_sources -qq source --download-only kubernetes
    rm -rf "$source"
    tar xzf kubernetes_*.orig.tar.gz
    mkdir -p "$source/.go/src/k8s.io"
    ln -s ../../.. "$source/.go/src/k8s.io/kubernetes"
    touch "$source/.whole"
}

# Packages as programs into a folder. Every one with the same flags, so that they share what is compiled; without
# the clouds' own libraries, which are a third of it. GOPATH mode: the modules are vendored. Memory is spent for time (GOGC).
go_build() {
    folder=$1
    shift
    mkdir -p "$folder" "$folder.part"
    GOPATH=$source/.go GO111MODULE=off GOFLAGS='' GOCACHE=$cache/go-cache CGO_ENABLED=0 GOGC=400 \
        go build -tags providerless -ldflags "$flags" -o "$folder.part/" "$@"
    mv "$folder.part"/* "$folder/"
    rmdir "$folder.part"
}

# All at once: while one is linked, which takes one core, others are compiled.
programs() {
    wanted=
    for program in $PROGRAMS; do [ -x "$bin/$program" ] || wanted="$wanted k8s.io/kubernetes/cmd/$program"; done
    [ -n "$wanted" ] || return 0
    say "building $PROGRAMS"
    # shellcheck disable=SC2086
    go_build "$bin" $wanted
}

# The one generated file that the sources lack.
openapi() {
    [ ! -e pkg/generated/openapi/zz_generated.openapi.go ] || return 0
    say "describing the API"
    go_build "$cache/generators" k8s.io/kubernetes/vendor/k8s.io/kube-openapi/cmd/openapi-gen
    inputs=$(grep -rl --include='*.go' '+k8s:openapi-gen=' cmd pkg vendor/k8s.io/*/ |
        grep -v -e '^vendor/k8s.io/code-generator/' -e '^vendor/k8s.io/sample-apiserver/' |
        xargs -n 1 dirname | LC_ALL=C sort -u | sed 's,^,k8s.io/kubernetes/,' | tr '\n' ',')
    rm -rf "$cache/generated"
    GOPATH=$source/.go GO111MODULE=off GOFLAGS='' GOCACHE=$cache/go-cache CGO_ENABLED=0 \
        "$cache/generators/openapi-gen" -i "${inputs%,}" -p k8s.io/kubernetes/pkg/generated/openapi \
        -O zz_generated.openapi -h hack/boilerplate/boilerplate.generatego.txt -r "$cache/violations" \
        -o "$cache/generated"
    cp "$cache/generated/k8s.io/kubernetes/pkg/generated/openapi/zz_generated.openapi.go" pkg/generated/openapi/
}

# What containers are made of: Debian with what a cluster of several nodes needs.
pods() {
    [ ! -e "$cache/pod.tar" ] || return 0
    say "making a system for pods"
    rm -rf "$cache/pod"
    debootstrap --variant=minbase --include=$IN_PODS bookworm "$cache/pod" >"$cache/debootstrap.log" 2>&1
    rm -rf "$cache/pod/var/cache/apt/archives" "$cache/pod/var/lib/apt/lists"
    mkdir -p "$cache/pod/var/cache/apt/archives/partial" "$cache/pod/var/lib/apt/lists/partial"
    tar -C "$cache/pod" -cf "$cache/pod.tar.part" .
    mv "$cache/pod.tar.part" "$cache/pod.tar"
    rm -rf "$cache/pod"
}

reason=$(why_not)
if [ "${1:-}" = why-not ]; then
    echo "$reason"
    exit
fi
if ! whole; then
    [ -z "$reason" ] || { say "$reason"; exit 1; }
    mkdir -p "$bin"
    exec 9>"$cache/lock"
    flock 9
    packages
    cd "$cache"
    sources
    cd "$source/.go/src/k8s.io/kubernetes"
    flags="-s -w"
    for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
        flags="$flags -X $package.gitVersion=v$VERSION -X $package.gitMajor=1 -X $package.gitMinor=20"
    done
    pods &
    openapi
    programs
    wait $!
    say "built"
fi
echo "$cache"
