# What the tools share. To be sourced by bash; $root is the checkout.
# shellcheck shell=bash
# Its variables are for the tools that source it, and root is theirs.
# shellcheck disable=SC2034,SC2154

packages_build=(gcc libc6-dev meson ninja-build pkg-config python3 libfuse3-dev fuse3 libcmocka-dev
  libjansson-dev libxxhash-dev zlib1g-dev libisal-dev libmd-dev libseccomp-dev)
packages_test=(clang clang-format libclang-rt-14-dev llvm g++ git scdoc mandoc shellcheck codespell
  tcpdump tshark libeccodes-tools yaz fstrm-bin bgpdump cpio binutils libarchive-tools python3-bson
  python3-avro python3-kafka systemd-journal-remote)

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

apt_install() {
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
