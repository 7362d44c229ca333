#!/usr/bin/env bash
# Compile requirements/run.txt and requirements/dev.txt from pyproject.toml: versions and hashes, for every
# supported Python and platform. Needs uv; takes the one on PATH, else puts one into .venv.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

uv=$(command -v uv || true)
if [ -z "$uv" ]; then
    .venv/bin/python -m pip install --quiet uv
    uv=.venv/bin/uv
fi

compile() {
    local out=$1
    shift
    "$uv" pip compile pyproject.toml "$@" --output-file "$out" --quiet \
        --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links
    printf '%s: %s packages\n' "$out" "$(grep -c '==' "$out")"
}

compile requirements/run.txt --group build "$@"
# The tests run with the very versions that users get.
compile requirements/dev.txt --group build --group dev --constraint requirements/run.txt "$@"
