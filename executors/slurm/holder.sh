#!/bin/sh
# Holds a cluster's nodes for as long as this job runs, and keeps the cluster's agent alive on the first of
# them. Called with the cluster's folder; everything of the cluster lies below it.
folder=$1
marker="SKY_SLURM_CLUSTER=$SLURM_JOB_NAME"
export HOME="$folder/home"
export SKY_SLURM_DEVICES="${CUDA_VISIBLE_DEVICES-}"
cd "$HOME" || exit

python=
for each in python3 /usr/bin/python3 python3.13 python3.12 python3.11 python3.10 python3.9 python3.8 python; do
    if "$each" -I -c 'import sqlite3, sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null; then
        python=$(command -v "$each")
        break
    fi
done
echo "${python:-none}" >"$folder/.python.$$" && mv "$folder/.python.$$" "$folder/python"
[ -n "$python" ] || exit 1

# What the cluster started here knows its marker, wherever it went from there.
signal_all() {
    found=
    for each in /proc/[0-9]*; do
        if tr '\0' '\n' 2>/dev/null <"$each/environ" | grep -qxF "$marker"; then
            kill "-$1" "${each#/proc/}" 2>/dev/null && found=yes
        fi
    done 2>/dev/null
    [ -n "$found" ]
}

give_back() {
    trap '' TERM
    tries=0
    signal_all TERM
    while signal_all 0 && [ $tries -lt 100 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
    signal_all KILL
    exit 0
}
trap give_back TERM

umask 077
while [ -e "$folder/cluster.json" ]; do
    if [ -e .sky_agent/agent.pyz ]; then
        env "$marker" "$python" -I .sky_agent/agent.pyz daemon || sleep 2
    fi
    sleep 0.3
done
