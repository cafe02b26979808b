# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Owns: Debian packages. martlet_need COMMAND-OR-FILE PACKAGE … notes what is missing; martlet_install installs it all.

missing_packages=()

note() { printf 'martlet: %s\n' "$*" >&2; }
fail() { note "$*"; exit 1; }

is_installed() {
  [[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]
}

need_packages() {
  local package
  for package in "$@"; do
    is_installed "$package" || missing_packages+=("$package")
  done
}

all_available() {
  local package
  for package in "$@"; do
    apt-cache show --no-all-versions "$package" >/dev/null 2>&1 || return 1
  done
}

install_missing() {
  ((${#missing_packages[@]})) || return 0
  command -v apt-get >/dev/null || fail "this needs ${missing_packages[*]}; only Debian's apt-get is supported"
  if ((EUID != 0)); then
    note "packages are missing; run this line, then try again:"
    printf 'sudo apt-get install --no-install-recommends -y %s\n' "${missing_packages[*]}" >&2
    exit 1
  fi
  note "installing ${missing_packages[*]}"
  export DEBIAN_FRONTEND=noninteractive
  all_available "${missing_packages[@]}" || apt-get update -q >&2
  # The lists may be older than the mirror: once more after an update before giving up.
  apt-get install -y -q --no-install-recommends "${missing_packages[@]}" >&2 || {
    apt-get update -q >&2
    apt-get install -y -q --no-install-recommends "${missing_packages[@]}" >&2
  }
  missing_packages=()
}
