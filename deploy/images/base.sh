#!/bin/bash
# Builds a base image's file system from Debian packages alone, for where no image registry is reached.
#
#   base.sh plain|python|postgres FILE.tar
#
# plain: C and C++ libraries, certificates, time zones. python: those, and Python's standard library. postgres: those, and
# PostgreSQL, a shell and what its start script calls.
# The same packages give the same bytes. SUITE, MIRROR and SOURCE_DATE_EPOCH can be set; the machine must be Debian or a
# relative of it, and this needs root. What is missing (mmdebstrap; docker.io where no engine answers) apt-get installs.
set -euo pipefail
SUITE=${SUITE:-bookworm}
MIRROR=${MIRROR:-}
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1735689600}

main() {
  local packages=libc6,libstdc++6,libgcc-s1,libgomp1,ca-certificates,tzdata
  local programs='python3*'
  case "${1:-}" in
    plain) ;;
    python) packages=$packages,libpython3-stdlib,python3-minimal ;;
    postgres)
      packages=$packages,postgresql,dash,coreutils
      programs='sh dash dirname mv rm sync'
      ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
  [ $# = 2 ] || { usage >&2 && exit 2; }
  need mmdebstrap mmdebstrap
  docker info >/dev/null 2>&1 || need docker.io dockerd
  local root="$2.root"
  rm -rf "$root"
  trap "rm -rf '$root'" EXIT
  # Unpacked, never configured: what a package's scripts would do is done below, and no shell is needed for it.
  mmdebstrap --quiet --variant=extract --include="$packages" "$SUITE" "$root" ${MIRROR:+"$MIRROR"}
  strip "$root" "$programs"
  people "$root"
  tar --sort=name --format=gnu --mtime="@$SOURCE_DATE_EPOCH" --clamp-mtime --numeric-owner --owner=0 --group=0 \
    -C "$root" -cf "$2.part" .
  mv "$2.part" "$2"
}

usage() { sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }

need() {
  command -v "$2" >/dev/null && return
  [ -x "/usr/sbin/$2" ] && return
  echo "$2 is missing: apt-get installs $1" >&2
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >&2
}

# Programs, other than those that are named, and what only package managers, people and compilers read. Licences stay.
strip() {
  local root=$1 certificates=/usr/share/ca-certificates
  local kept=()
  set -f && for name in $2; do kept+=(! -name "$name"); done && set +f
  find "$root"/{bin,sbin,usr/bin,usr/sbin} ! -type d "${kept[@]}" -delete 2>/dev/null || true
  find "$root/usr/share/doc" ! -type d ! -name copyright -delete
  rm -rf "$root"/{etc,var/lib,var/cache}/{apt,dpkg,debconf.conf,perl,python3*} "$root"/var/log/* "$root"/dev/*
  rm -f "$root"/etc/{fstab,hostname,resolv.conf} # of this machine
  rm -rf "$root"/usr/share/{man,locale,info,lintian,bash-completion,perl5,debconf,pixmaps,applications,binfmts,python3}
  rm -rf "$root"/usr/lib/{*/gconv,*/engines-3,*/perl*,python3,ssl/misc,valgrind,mime} "$root"/usr/include
  rm -rf "$root"/usr/share/zoneinfo/{posix,right} "$root"/usr/share/g{cc,db}
  # PostgreSQL compiles queries with LLVM where that is there, and goes on without.
  rm -rf "$root"/usr/share/{i18n,perl,menu,postgresql-common} "$root"/usr/lib/{*/lib{LLVM,z3,perl}*,postgresql/*/lib/{bitcode,llvmjit*,pgxs}}
  rm -rf "$root"/usr/lib/python3*/{config-*,ensurepip,idlelib,test,turtledemo,tkinter}
  find "$root" -name __pycache__ -prune -exec rm -rf {} +
  find "$root" -depth -type d -empty ! -path "$root/tmp" ! -path "$root/proc" ! -path "$root/sys" \
    ! -path "$root/dev" ! -path "$root/run" -delete
  # What ca-certificates' script writes.
  mkdir -p "$root/etc/ssl/certs"
  find "$root$certificates" -name '*.crt' -print0 | sort -z | xargs -0 cat >"$root/etc/ssl/certs/ca-certificates.crt"
}

people() {
  local root=$1
  printf 'root:x:0:0:root:/root:/nologin\nassay:x:10001:10001:assay:/tmp:/nologin\n' >"$root/etc/passwd"
  printf 'root:x:0:\nassay:x:10001:\n' >"$root/etc/group"
  printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
  mkdir -p "$root"/{tmp,proc,sys,dev,run}
  chmod 1777 "$root/tmp"
}

main "$@"
