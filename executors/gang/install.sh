# Installs Slurm and munge where they are missing: sh -s < install.sh
# Nothing of theirs is started: the cluster has daemons of its own, and a Slurm that is there stays as it is.
# Exit code 3: not allowed; 4: no apt-get.
set -eu
PATH=$PATH:/usr/sbin:/sbin
as_root=
if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2>/dev/null || exit 3
    as_root="sudo -n"
fi
command -v apt-get >/dev/null || exit 4
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
    $as_root chmod 755 $policy
    trap '$as_root rm -f $policy' EXIT
fi
install() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y -qq \
        --no-install-recommends slurmctld slurmd slurm-client munge >&2
}
install || {
    $as_root apt-get -o DPkg::Lock::Timeout=600 update -qq >&2
    install
}
