#!/usr/bin/env bash
# Installs, through apt, what the cluster needs of the machine and is not there.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

missing=()
needs() { [ -e "$1" ] || command -v "$1" >/dev/null || missing+=("$2"); }
needs runc runc
needs "$cni_bin/bridge" containernetworking-plugins
needs nft nftables
needs iptables iptables
needs ip iproute2
needs openssl openssl
needs unshare util-linux
needs mount mount
if [ ${#missing[@]} = 0 ]; then
	echo "packages: all there"
	exit 0
fi
command -v apt-get >/dev/null || fail "not there, and there is no apt to install them: ${missing[*]}"
echo "packages: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
install_all() { apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}" >/dev/null; }
install_all 2>/dev/null || { apt-get -qq update && install_all; } || fail "apt-get could not install ${missing[*]}"
