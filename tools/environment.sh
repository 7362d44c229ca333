#!/usr/bin/env bash
# Set up the project's own environment in .venv: `run` for what the package needs, `dev` for tests and linters too.
# Does nothing when the locks, the package's metadata and the project's folder are as at the last set-up.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

kind=${1:?usage: tools/environment.sh run|dev}
venv=.venv
lock=requirements/$kind.txt

say() { printf '%s\n' "$*"; }
fail() { printf 'error: %s\n' "$1" >&2; shift; printf '  %s\n' "$@" >&2; exit 1; }

# What an environment was made from. The folder counts, because scripts in an environment name it.
fingerprint() { { pwd; cat pyproject.toml "requirements/$1.txt" tools/environment.sh; } | cksum; }

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    local name
    if [ -n "${PYTHON:-}" ]; then
        new_enough "$PYTHON" || fail "PYTHON=$PYTHON is not a working Python 3.11 or newer." \
            "Give another one: make PYTHON=/path/to/python3.12 ..."
        printf '%s\n' "$PYTHON"
        return
    fi
    for name in python3 python3.13 python3.12 python3.11 python; do
        if command -v "$name" >/dev/null && new_enough "$name"; then
            printf '%s\n' "$name"
            return
        fi
    done
    fail "rampgate needs Python 3.11 or newer, and none was found on PATH." \
        "python3 is: $(command -v python3 >/dev/null && python3 --version 2>&1 || echo 'not there')" \
        "Install one, or name it: make PYTHON=/path/to/python3.12 ..."
}

# A Python without ensurepip (Debian and Ubuntu split it off) makes an environment without pip;
# a pip of its own can still put one there.
make_environment() {
    local python=$1
    rm -rf "$venv"
    if "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        "$python" -m venv "$venv"
    elif "$python" -c 'import pip, venv' >/dev/null 2>&1; then
        "$python" -m venv --without-pip "$venv"
        "$python" -m pip --python "$venv/bin/python" install --quiet pip
    else
        fail "$(command -v "$python") cannot make an environment with pip: it has no ensurepip." \
            "On Debian and Ubuntu: apt-get install python3-venv" \
            "Elsewhere: install Python with its standard library complete, or name another: make PYTHON=/path/to/python3.12 ..."
    fi
}

# pip prints a line per package as it goes; keep those, and let its errors through.
install() {
    PYTHONUNBUFFERED=1 "$venv/bin/python" -m pip install --disable-pip-version-check --progress-bar off "$@" |
        sed -n -e 's/^Collecting \([^ ;]*\).*/  \1/p' -e 's/^Installing collected packages.*/  installing .../p'
}

if [ -x "$venv/bin/python" ] && [ "$(cat "$venv/.installed-$kind" 2>/dev/null)" = "$(fingerprint "$kind")" ]; then
    exit 0
fi

say "Setting up $venv for '$kind' (needed once; about a minute, depending on the network)"
if ! new_enough "$venv/bin/python" || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1 ||
    [ "$(cat "$venv/.folder" 2>/dev/null)" != "$PWD" ]; then
    python=$(find_python)
    say "[1/3] environment, with $("$python" --version)"
    make_environment "$python"
    pwd >"$venv/.folder"
else
    say "[1/3] environment is there"
fi
say "[2/3] packages of $lock"
install --require-hashes -r "$lock"
say "[3/3] rampgate itself"
install --no-deps --no-build-isolation --editable .
fingerprint "$kind" >"$venv/.installed-$kind"
if [ "$kind" = dev ]; then
    fingerprint run >"$venv/.installed-run" # dev.txt holds all of run.txt
fi
say "Ready."
