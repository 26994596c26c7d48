# Enter the tree ROOT as the machine NAME and become its init. Runs as the first process of new namespaces, in
# control groups of its own in each of the hierarchies CONTROLLERS: boot.sh ROOT NAME CONTROLLERS...
set -eu
root=$1 name=$2
shift 2

read -r pid _ </proc/self/stat # /proc is still the outer machine's: the number that it knows this process by
echo "$pid"
exec >&2

hostname "$name"
cd "$root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs -o mode=755 cgroup sys/fs/cgroup
for controllers in "$@"; do
    mkdir "sys/fs/cgroup/$controllers"
    mount -t cgroup -o "$controllers" cgroup "sys/fs/cgroup/$controllers"
done
mount -t tmpfs -o mode=755 run run
mount -t tmpfs -o mode=755 dev dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
mount -t tmpfs -o mode=1777 shm dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for number in 0:stdin 1:stdout 2:stderr; do
    ln -s "/proc/self/fd/${number%:*}" "dev/${number#*:}"
done
for device in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0 fuse:10:229; do
    IFS=: read -r node major minor <<<"$device"
    mknod -m 666 "dev/$node" c "$major" "$minor"
done
# Every boot of the host has an id of its own, as the kernel has but one for all.
cat proc/sys/kernel/random/uuid >run/boot_id
mount --bind run/boot_id proc/sys/kernel/random/boot_id

pivot_root . mnt
umount --lazy /mnt
cd /
exec env -i HOME=/ PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    /usr/sbin/init </dev/null >/dev/null 2>&1
