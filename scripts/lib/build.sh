# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Owns: configure and build. Sets `build` (the build folder of the chosen Python) and MARTLET_TREE (for PYTHONPATH).

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=scripts/lib/packages.sh
source "$root/scripts/lib/packages.sh"
# shellcheck source=scripts/lib/python.sh
source "$root/scripts/lib/python.sh"

build_packages=(llvm-22-dev clang-22 lld-22 cmake ninja-build g++ libgtest-dev libbenchmark-dev)

works() { "$@" >/dev/null 2>&1; }

# Packages are looked at only when something has to be built, so a built tree starts at once.
need_build_packages() {
  local package
  for package in "$@"; do
    case $package in
      cmake) works cmake --version && continue ;;
      ninja-build) works ninja --version && continue ;;
      clang-22) works clang++-22 --version && continue ;;
    esac
    need_packages "$package"
  done
  install_missing
}

configure() {
  local options=(-G Ninja -DCMAKE_CXX_COMPILER=clang++-22 -DMARTLET_PYTHON="$python" -DMARTLET_WERROR=ON)
  if command -v ccache >/dev/null; then options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
  note "configuring $build for $python"
  cmake -S "$root" -B "$build" "${options[@]}" "${build_options[@]}" >&2
}

is_up_to_date() {
  [[ -f "$build/build.ninja" ]] && [[ "$(ninja -C "$build" -n 2>/dev/null)" == *"no work to do"* ]]
}

# Set before ensure_built for another build of the same tree (a sanitizer's): its folder's suffix, options and packages.
build_suffix=
build_options=()
extra_packages=()

# Builds build/<tag of the Python><suffix> if anything changed since.
ensure_built() {
  choose_python
  build=$root/build/$python_tag$build_suffix
  MARTLET_TREE=$build/python
  is_up_to_date && return 0
  need_build_packages "${build_packages[@]}" "${extra_packages[@]}"
  mkdir -p "$build"
  {
    flock 9
    [[ -f "$build/build.ninja" ]] || configure
    ninja -C "$build" | sed -u -e '/no work to do/d' -e '/Entering directory/d' >&2
  } 9>"$build/.lock"
}

# run_python ARGUMENTS…: replaces this shell by the chosen Python with martlet importable.
run_python() {
  local path=$MARTLET_TREE
  # A process with MARTLET=1 has the JIT from its start: the folder has the same package, and a sitecustomize.
  if [[ "${MARTLET:-0}" != 0 && -n "${MARTLET:-}" ]]; then path=$build/activate; fi
  export PYTHONPATH=$path${PYTHONPATH:+:$PYTHONPATH}
  exec "$python" "$@"
}
