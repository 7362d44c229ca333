#!/usr/bin/env bash
# Set up .venv-peers with whom the benchmarks compare, from requirements/peers.txt. Does nothing when it is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bash tools/environment.sh run
venv=.venv-peers
fingerprint() { { pwd; cat requirements/peers.txt tools/peers.sh; } | cksum; }
if [ "$(cat "$venv/.installed" 2>/dev/null)" = "$(fingerprint)" ]; then
    exit 0
fi
printf 'Setting up %s (needed once)\n' "$venv"
rm -rf "$venv"
.venv/bin/python -m venv "$venv"
# Without dependencies: the lock has them all, and one of them is not the version that a peer asks for.
"$venv/bin/python" -m pip install --disable-pip-version-check --quiet --no-deps --require-hashes -r requirements/peers.txt
fingerprint >"$venv/.installed"
