#!/usr/bin/env bash
# Installs what the tests need and runs every test: unit, property, whole-program and documentation tests, house rules; then
# the API against AWS's own clients (tools/api/clients.sh; they come from PyPI and npm).
# Arguments go to `cargo test`: `bash tools/test.sh -p watchfire-parse`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bash tools/setup.sh --tests
if [ "$#" -eq 0 ]; then
    cargo test --workspace --locked
    exec bash tools/api/clients.sh
else
    exec cargo test --locked "$@"
fi
