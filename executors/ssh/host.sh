# What sky does on a host of a pool, in the login user's home: sh -s -- VERB CLUSTER_ID [JSON] < host.sh
#
# A verb may be killed at any point and may be repeated: repeating it completes it.
#   .sky_reservation         who holds the host: one line of JSON; made and removed whole
#   .sky_agent/cluster_id    whose the three folders are; the last thing to come and the first to go
#   .sky_aside/              what was called like the three folders before; put back when they go
#   .sky_stopped/ID/         the three folders of a stopped cluster, and its reservation
# Exit codes: 0 done, 3 this cluster does not hold the host, 4 something could not be ended or removed.
set -u
LC_ALL=C
export LC_ALL
umask 077
cd "$HOME" || exit 1

verb=$1
id=${2-}
json=${3-}
folders="sky_workdir sky_logs .sky_agent"

# One verb at a time on this host; the lock is on the home itself and leaves no file.
lock() {
    exec 9<. || return 0
    flock -w 20 9 2>/dev/null || :
}

held() {
    [ -f .sky_reservation ] && grep -qF "\"cluster_id\": \"$id\"" .sky_reservation
}

must_hold() {
    held && return
    echo "cluster $id does not hold this host" >&2
    exit 3
}

prepared() {
    [ "$(cat .sky_agent/cluster_id 2>/dev/null)" = "$id" ]
}

there() {
    [ -e "$1" ] || [ -L "$1" ]
}

reserve() {
    rm -f .sky_reservation.new.*
    if [ ! -e .sky_reservation ]; then
        printf '%s\n' "$json" >".sky_reservation.new.$$" || exit 1
        ln ".sky_reservation.new.$$" .sky_reservation 2>/dev/null
        rm -f ".sky_reservation.new.$$"
    fi
    cat .sky_reservation
}

release() {
    held && rm -f .sky_reservation
    return 0
}

put_aside() {
    there "$1" || return 0
    mkdir -p .sky_aside
    if there ".sky_aside/$1"; then
        echo "~/$1 and ~/.sky_aside/$1 both exist; move one of them away" >&2
        exit 4
    fi
    mv "$1" ".sky_aside/$1" || exit 4
    echo "aside $1"
}

put_back() {
    for name in $folders; do
        if there ".sky_aside/$name" && ! there "$name"; then
            mv ".sky_aside/$name" "$name"
        fi
    done
    rmdir .sky_aside 2>/dev/null
    return 0
}

prepare() {
    must_hold
    if [ -d ".sky_stopped/$id" ]; then
        unpark
    elif ! prepared; then
        for name in $folders; do
            put_aside "$name"
        done
        rm -rf .sky_agent.new
        mkdir .sky_agent.new && printf '%s\n' "$id" >.sky_agent.new/cluster_id && mv .sky_agent.new .sky_agent || exit 1
    fi
    mkdir -p -m 755 sky_workdir
    mkdir -p sky_logs
}

park() {
    [ -d ".sky_stopped/$id" ] && ! held && exit 0
    must_hold
    parked=.sky_stopped/$id
    if prepared; then
        mkdir -p "$parked" || exit 1
        ln -f .sky_reservation "$parked/reservation" || exit 1
        for name in $folders; do
            there "$parked/$name" && continue
            there "$name" || mkdir "$name"
            mv "$name" "$parked/$name" || exit 4
        done
    fi
    put_back
    release
}

unpark() {
    parked=.sky_stopped/$id
    for name in $folders; do
        there "$parked/$name" || continue
        put_aside "$name"
        mv "$parked/$name" "$name" || exit 4
    done
    erase "$parked"
    rmdir .sky_stopped 2>/dev/null
}

# Processes of the cluster carry its mark, or work in its state where they wrote over their environment;
# this shell and those above it are not to be ended.
marked() {
    spared=" "
    pid=$$
    while [ "${pid:-0}" -gt 1 ]; do
        spared="$spared$pid "
        pid=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$pid/status" 2>/dev/null)
    done
    {
        grep -slzxF -- "SKY_SSH_CLUSTER=$id" /proc/[0-9]*/environ
        prepared && find /proc/[0-9]*/cwd -maxdepth 0 -lname "$PWD/.sky_agent/*"
    } 2>/dev/null | sort -u | while IFS=/ read -r _ _ pid _; do
        case $spared in *" $pid "*) ;; *) echo "$pid" ;; esac
    done
}

# A node that Slurm told to act lets that step come to its end; else the head would wait for it.
settle() {
    turn=0
    while [ $turn -lt 50 ] && grep -qsx slurmstepd /proc/[0-9]*/comm; do
        turn=$((turn + 1))
        sleep 0.1
    done
}

end() {
    turn=0
    while left=$(marked) && [ -n "$left" ]; do
        if [ $turn -eq 0 ]; then
            kill -TERM $left 2>/dev/null
        elif [ $turn -ge 50 ]; then
            kill -KILL $left 2>/dev/null
        fi
        if [ $turn -ge 100 ]; then
            echo "processes do not end: $(echo $left)" >&2
            exit 4
        fi
        turn=$((turn + 1))
        sleep 0.1
    done
}

erase() {
    there "$1" || return 0
    one=
    rm -f --one-file-system 2>/dev/null && one=--one-file-system
    rm -rf $one -- "$1" 2>/dev/null && return
    chmod -R u+rwX "$1" 2>/dev/null
    rm -rf $one -- "$1" 2>/dev/null && return
    sudo -n rm -rf $one -- "$1" 2>/dev/null && return
    rm -rf $one -- "$1" || exit 4
}

clear() {
    if held; then
        if prepared; then
            erase sky_workdir
            erase sky_logs
            erase .sky_agent.gone
            mv .sky_agent .sky_agent.gone
        fi
        put_back
        erase .sky_agent.gone
        erase .sky_agent.new
    fi
    erase ".sky_stopped/$id"
    rmdir .sky_stopped 2>/dev/null
    release
}

look() {
    [ -f .sky_reservation ] && echo "reservation $(cat .sky_reservation)"
    [ -f .sky_agent/cluster_id ] && echo "prepared $(cat .sky_agent/cluster_id)"
    for file in .sky_stopped/*/reservation; do
        [ -f "$file" ] && echo "stopped $(cat "$file")"
    done
    [ -f .sky_agent/agent.db ] || return 0
    pid=$(tr -cd 0-9 <.sky_agent/agent.lock 2>/dev/null)
    if [ -n "$pid" ] && grep -qs '\.pyz' "/proc/$pid/cmdline"; then
        echo "agent running"
    else
        echo "agent ended"
    fi
}

case $verb in
look) look ;;
reserve | prepare | release | park | clear) lock; $verb ;;
stop) end; lock; park ;;
down) end; lock; clear ;;
self-stop) settle; end; lock; park ;;
self-down) settle; end; lock; clear ;;
*) echo "no such verb: $verb" >&2; exit 2 ;;
esac
