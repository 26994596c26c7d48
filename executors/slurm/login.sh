# What sky does on a login node, as the login user: sh -s -- VERB [CLUSTER_ID [WORDS...]].
#
# A cluster is the folder ~/.sky_slurm/CLUSTER_ID and the Slurm job that holds its nodes, the holder, which is
# named sky-CLUSTER_ID. The folder tells which job that is, whether it was given up, and whether an agent ran.
#
#   look ID                  say how folder and holder are
#   list                     say so of every cluster; a line "cluster ID" goes before each
#   make ID RECORD HOLDER    make the folder, with the record and the script of the holder
#   submit ID OPTIONS...     queue the holder with these options of sbatch, unless there is one
#   nodes ID JOB             say which nodes the holder has, their addresses, and the Python on the first
#   release ID               give the nodes back; the folder stays, marked as stopped
#   remove ID MEMORY         give the nodes back, remove the folder, and what copies to it remembered
#
# Exit codes: 3 no such cluster, 4 something is left, 5 Slurm refuses.
export LC_ALL=C
command -v squeue >/dev/null 2>&1 || . /etc/profile >/dev/null 2>&1
base=$HOME/.sky_slurm
verb=$1 id=${2-}
folder=$base/$id
[ $# -gt 2 ] && shift 2 || shift $#

fail() {
    code=$1
    shift
    printf '%s\n' "$*" >&2
    exit "$code"
}

# The holder that runs or waits, or else the last one there was.
job() {
    found=$(squeue --noheader --user="$(id -un)" --name="sky-$id" --format=%i 2>/dev/null | head -n 1)
    [ -n "$found" ] || [ ! -r "$folder/job" ] || read -r found <"$folder/job"
    printf %s "$found"
}

live() {
    [ -n "$(squeue --noheader --user="$(id -un)" --name="sky-$id" --format=%i)" ]
}

look() {
    if [ -d "$folder" ]; then
        echo "folder $folder"
        [ ! -r "$folder/cluster.json" ] || printf 'record %s\n' "$(cat "$folder/cluster.json")"
        [ ! -e "$folder/stopped" ] || echo "stopped yes"
        [ ! -e "$folder/home/.sky_agent/agent.db" ] || echo "agent yes"
    fi
    job=$(job)
    [ -n "$job" ] || return 0
    told=$(scontrol --oneliner show job "$job" 2>&1)
    case $told in
    JobId=*) printf 'job %s\n' "$told" ;;
    *Invalid\ job\ id*)
        told=$(sacct --noheader --parsable2 --allocations --jobs="$job" --format=State 2>/dev/null | head -n 1)
        echo "job JobId=$job JobState=${told:-UNKNOWN}"
        ;;
    *) fail 5 "$told" ;;
    esac
}

give_back() {
    live || return 0
    said=$(scancel --user="$(id -un)" --name="sky-$id" 2>&1) || fail 5 "$said"
    tries=0
    while live; do
        tries=$((tries + 1))
        [ $tries -lt 600 ] || fail 4 "the job sky-$id does not end; look at: squeue --name=sky-$id"
        sleep 0.2
    done
}

case $verb in
look)
    look
    ;;
list)
    squeue --noheader --user="$(id -un)" --format=%j >/dev/null || exit 5
    {
        squeue --noheader --user="$(id -un)" --format=%j | sed -n 's/^sky-//p'
        ls -1 "$base" 2>/dev/null
    } | sort -u | while read -r id; do
        folder=$base/$id
        echo "cluster $id"
        look
    done
    ;;
make)
    umask 077
    mkdir -p "$folder/home/sky_workdir" || exit
    [ -s "$folder/cluster.json" ] || printf '%s\n' "$1" >"$folder/cluster.json" || exit
    printf '%s\n' "$2" >"$folder/holder.sh" || exit
    [ -s "$folder/home/.bash_profile" ] ||
        { printf "export SKY_USER_HOME='%s'\n" "$HOME" && printf '%s\n' "$3"; } >"$folder/home/.bash_profile" || exit
    rm -f "$folder/stopped"
    ;;
submit)
    [ -d "$folder" ] || fail 3 "cluster $id has no folder $folder"
    cd "$folder" || exit
    tries=0
    while [ -n "$(squeue --noheader --user="$(id -un)" --name="sky-$id" --states=CG --format=%i)" ]; do
        tries=$((tries + 1))
        [ $tries -lt 600 ] || fail 5 "the last job sky-$id does not end; look at: squeue --name=sky-$id"
        sleep 0.2
    done
    if ! live; then
        rm -f python
        said=$(sbatch --parsable --job-name="sky-$id" --chdir="$folder" --output="$folder/holder.log" \
            --no-requeue "$@" holder.sh "$folder" 2>&1) || fail 5 "$said"
        printf '%s\n' "$said" | tail -n 1 | cut -d ';' -f 1 >job
    fi
    look
    ;;
nodes)
    job=$1
    hosts=$(scontrol show hostnames "$(squeue --noheader --jobs="$job" --format=%N)") || exit 5
    for host in $hosts; do
        address=$(scontrol --oneliner show node "$host" | sed -n 's/.* NodeAddr=\([^ ]*\).*/\1/p')
        set -- $(getent ahostsv4 "${address:-$host}")
        echo "node $host ${1-}"
    done
    srun --jobid="$job" --overlap --nodes=1 --ntasks=1 --nodelist="${hosts%%
*}" --chdir="$folder" \
        sh -c 'tries=0
        until [ -s python ] || [ $tries -gt 300 ]; do tries=$((tries + 1)); sleep 0.1; done
        echo "python $(cat python)"' || exit 5
    ;;
release)
    [ -d "$folder" ] || fail 3 "cluster $id has no folder $folder"
    echo user >"$folder/stopped"
    give_back
    ;;
remove)
    give_back
    rm -f "$HOME/$1"
    rmdir "$HOME/.sky_agent/synced" "$HOME/.sky_agent" 2>/dev/null
    if [ -d "$folder" ]; then
        mv "$folder" "$base/.$id.deleting.$$" || fail 4 "cannot remove $folder"
    fi
    for doomed in "$base/.$id.deleting".*; do
        [ -d "$doomed" ] || continue
        rm -rf "$doomed" 2>/dev/null || { chmod -R u+rwX "$doomed" 2>/dev/null; rm -rf "$doomed"; } ||
            fail 4 "cannot remove $doomed"
    done
    ;;
*)
    fail 2 "unknown verb $verb"
    ;;
esac
