# What the tools share. To be sourced by bash; $root is the checkout.
# shellcheck shell=bash
# Its variables are for the tools that source it, and root is theirs.
# shellcheck disable=SC2034,SC2154

packages_build=(gcc libc6-dev meson ninja-build pkg-config python3 libfuse3-dev fuse3 libcmocka-dev
  libjansson-dev libxxhash-dev zlib1g-dev libisal-dev libmd-dev libseccomp-dev)
packages_test=(clang clang-format libclang-rt-dev llvm g++ git scdoc mandoc shellcheck codespell
  tcpdump tshark libeccodes-tools yaz fstrm-bin bgpdump cpio binutils libarchive-tools python3-bson
  python3-avro python3-kafka systemd systemd-journal-remote xxhash
  nfs-ganesha nfs-ganesha-vfs libnfs-utils rpcbind iproute2 samba smbclient nginx rsync
  openssh-client openssh-sftp-server
  lintian rpmlint rpm2cpio mmdebstrap abigail-tools)
packages_package=(build-essential debhelper scdoc rpm)

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

is_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Installs those of the packages that are missing; touches no network when none is.
install_missing() {
  local package missing=()
  for package; do
    is_installed "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "== installing ${missing[*]}"
  # The lists of a fresh machine are empty or old: then they are fetched and it is tried again.
  apt_install "${missing[@]}" || {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update && apt_install "${missing[@]}"
  }
}

# What is installed here must not serve: neither now nor after the next start of the machine.
apt_install() {
  local policy=/usr/sbin/policy-rc.d before unit status=0
  if [ ! -d /run/systemd/system ] || [ -e "$policy" ]; then
    apt_get_install "$@"
    return
  fi
  before=$(enabled_units)
  printf '#!/bin/sh\nexit 101\n' | as_root install -m 755 /dev/stdin "$policy"
  apt_get_install "$@" || status=$?
  as_root rm -f "$policy"
  for unit in $(comm -13 <(printf '%s\n' "$before") <(enabled_units)); do
    as_root systemctl -q disable "$unit"
  done
  return "$status"
}

enabled_units() {
  systemctl list-unit-files -q --state=enabled --no-legend | awk '{ print $1 }' | sort
}

apt_get_install() {
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq install -y --no-install-recommends "$@" >/dev/null
}

# configure DIR CC [MESON-OPTION...]: an existing build directory is kept.
configure() {
  local dir=$1 compiler=$2
  shift 2
  if [ -f "$dir/build.ninja" ]; then
    meson configure "$dir" "$@"
  else
    rm -rf "$dir"
    CC=$compiler meson setup "$dir" "$root" "$@"
  fi
}

# quietly LOG COMMAND...: what it prints is kept, and the end of it shown when it fails.
quietly() {
  local log=$1
  shift
  "$@" >"$log" 2>&1 || {
    tail -n 60 "$log" >&2
    echo "failed: $1 (all of it in $log)" >&2
    exit 1
  }
}
