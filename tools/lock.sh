#!/usr/bin/env bash
# Compile requirements/run.txt, dev.txt and peers.txt from pyproject.toml: versions and hashes, for every
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
    "$uv" pip compile "$@" --output-file "$out" --quiet \
        --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links
    printf '%s: %s packages\n' "$out" "$(grep -c '==' "$out")"
}

compile requirements/run.txt pyproject.toml --group build "$@"
# The tests run with the very versions that users get.
compile requirements/dev.txt pyproject.toml --group build --group dev --constraint requirements/run.txt "$@"
# Peers of the benchmarks, without rampgate's own libraries.
# gbstats asks for pandas 1, but what is timed of it does not use pandas: it gets the others' version.
override=$(mktemp)
trap 'rm -f "$override"' EXIT
printf 'pandas>=2.2\nnumpy>=2\nscipy>=1.14\n' >"$override"
compile benchmarks/drift_contest/requirements.txt benchmarks/drift_contest/requirements.in "$@"
compile requirements/peers.txt --group peers --override "$override" "$@"
