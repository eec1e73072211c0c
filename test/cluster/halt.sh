#!/usr/bin/env bash
# Stops the cluster and removes all that it has on the machine, also of a boot that was cut off. The logs of the last
# cluster stay in the cache.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

in_groups() { # what the groups say: every process of the cluster was born in one of them
	local root
	for root in $(hierarchies); do
		[ -d "$root/$cgroup" ] && find "$root/$cgroup" -name cgroup.procs -exec cat {} + 2>/dev/null
	done | grep -vx 0 | sort -un
}
remove_groups() {
	local root left=
	for root in $(hierarchies); do
		[ -d "$root/$cgroup" ] || continue
		find "$root/$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null
		[ ! -d "$root/$cgroup" ] || left=$root/$cgroup
	done
	[ -z "$left" ] || echo "$left"
}

# The kernel ends everything in a node when its process 1 ends; a killed process holds its group a moment longer.
for _ in $(seq 200); do
	# shellcheck disable=SC2046 # one word for each process
	kill -KILL $(in_groups) 2>/dev/null
	left=$(remove_groups)
	[ -n "$left" ] || break
	sleep 0.05
done
[ -z "$left" ] || echo "halt: $left is still in use" >&2
ip link del "$link" 2>/dev/null # its routes go with it

# What the kubelet sets for the whole machine is as boot.sh found it.
if [ -e "$state/sysctl" ]; then
	while read -r name value; do echo "$value" >"/proc/sys/$name"; done <"$state/sysctl"
fi
if [ -e "$state/made" ]; then xargs rmdir <"$state/made"; fi
if [ -d "$state" ]; then
	rm -rf "$cache/log"
	mkdir -p "$cache/log"
	for node in "${nodes[@]}"; do mv "$state/$node/log" "$cache/log/$node" 2>/dev/null; done
	mv "$state/audit.log" "$cache/log/audit.log" 2>/dev/null
	rm -rf --one-file-system "$state"
fi
[ -z "$left" ]
