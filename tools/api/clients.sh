#!/usr/bin/env bash
# Calls every operation of `watchfire serve` with boto3, the aws command line and, where npm can install it, AWS's SDK for
# JavaScript, and holds each answer against the service model. Packages go to target/clients.
#   tools/api/clients.sh [PROGRAM]        default: target/debug/watchfire, built first
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

program="${1:-}"
if [ -z "$program" ]; then
    cargo build --quiet --locked -p watchfire
    program=target/debug/watchfire
fi

folder=target/clients
mkdir -p "$folder"
[ -x "$folder/venv/bin/aws" ] || { python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" install --quiet boto3 awscli; }
if [ ! -d "$folder/node_modules/@aws-sdk/client-guardduty" ] && command -v npm > /dev/null; then
    npm install --silent --no-audit --no-fund --prefix "$folder" @aws-sdk/client-guardduty > /dev/null 2>&1 ||
        echo "The SDK for JavaScript could not be installed: it is left out."
fi

data="$(mktemp -d)"
log="$data/log"
"$program" serve --data "$data/store" --listen 127.0.0.1:0 --account 111122223333 > "$log" 2>&1 &
server=$!
trap 'kill "$server" 2> /dev/null || true; wait "$server" 2> /dev/null || true; rm -rf "$data"' EXIT
for _ in $(seq 100); do
    endpoint="$(sed -n 's/.* is served at //p' "$log")"
    [ -n "$endpoint" ] && break
    sleep 0.1
done
[ -n "$endpoint" ] || { cat "$log"; exit 1; }

key() {
    "$program" keys create --data "$data/store" --account "$1" --format json
}
FIRST_KEY="$(key 111122223333)" SECOND_KEY="$(key 444455556666)" \
    "$folder/venv/bin/python" tools/api/clients.py "$endpoint" "$folder" api/guardduty-2017-11-28.service-2.json
