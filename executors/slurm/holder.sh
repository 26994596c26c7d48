#!/bin/sh
# Holds a cluster's nodes for as long as this job runs, and keeps the cluster's agent alive on the first of
# them. Called with the cluster's folder; everything of the cluster lies below it.
folder=$1
export HOME="$folder/home"
export SKY_SLURM_DEVICES="${CUDA_VISIBLE_DEVICES-}"
cd "$HOME" || exit

python=
for each in python3 /usr/bin/python3 python3.13 python3.12 python3.11 python3.10 python3.9 python3.8 python; do
    if "$each" -c 'import sqlite3, sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null; then
        python=$(command -v "$each")
        break
    fi
done
echo "${python:-none}" >"$folder/.python.$$" && mv "$folder/.python.$$" "$folder/python"
[ -n "$python" ] || exit 1

umask 077
while [ -e "$folder/cluster.json" ]; do
    if [ -e .sky_agent/agent.pyz ]; then
        env SKY_SLURM_CLUSTER="$SLURM_JOB_NAME" "$python" -I .sky_agent/agent.pyz daemon || sleep 2
    fi
    sleep 0.3
done
