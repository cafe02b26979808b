# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Owns: which CPython is used. Sets `python` (path), `python_tag` (names its build folder).

# Prints the real executable and a tag if $1 is a CPython 3.13 with a GIL and with its headers; fails silently if not.
probe_python() {
  # -I: the caller's PYTHONPATH must not decide what Python we see.
  "$1" -I -c '
import hashlib, os, sys, sysconfig
include = sysconfig.get_path("include")
ok = (sys.implementation.name == "cpython" and sys.version_info[:2] == (3, 13)
      and not sysconfig.get_config_var("Py_GIL_DISABLED")
      and os.path.exists(os.path.join(include, "Python.h"))
      and os.path.exists(os.path.join(include, "internal", "pycore_frame.h")))
if not ok:
    raise SystemExit(1)
executable = os.path.abspath(sys.executable)
print(executable)
print("%d.%d.%d-%s" % (*sys.version_info[:3], hashlib.sha1((executable + sys.version).encode()).hexdigest()[:8]))
' 2>/dev/null
}

python_candidates() {
  local pyenv
  type -P python3.13 || true
  for pyenv in "${PYENV_ROOT:-}" "${HOME:-}/.pyenv" /opt/pyenv; do
    if [[ -n "$pyenv" ]]; then compgen -G "$pyenv/versions/3.13*/bin/python3.13" | sort -rV || true; fi
  done
  printf '%s\n' /usr/bin/python3.13 /usr/local/bin/python3.13
}

# shellcheck disable=SC2034  # the results are for the file that sources this one
choose_python() {
  local answer candidate
  if [[ -n "${PYTHON:-}" ]]; then
    answer=$(probe_python "$PYTHON") || fail "\$PYTHON is $PYTHON, which is no CPython 3.13 with headers (and a GIL)"
  else
    answer=
    while read -r candidate; do
      [[ -x "$candidate" ]] && answer=$(probe_python "$candidate") && break
    done < <(python_candidates)
    if [[ -z "$answer" ]]; then
      missing_python
      answer=$(probe_python /usr/bin/python3.13) || fail "Debian's python3.13 cannot be used"
    fi
  fi
  { read -r python && read -r python_tag; } <<<"$answer"
}

missing_python() {
  local packages=(python3.13-dev python3.13)
  if command -v apt-cache >/dev/null && ((EUID == 0)) && ! all_available "${packages[@]}"; then
    apt-get update -q >&2 || true
  fi
  all_available "${packages[@]}" ||
    fail "no CPython 3.13 with headers found, and this Debian has no python3.13-dev: set PYTHON=/path/to/python3.13 (pyenv install 3.13 makes one)"
  need_packages "${packages[@]}"
  install_missing
}
