#!/usr/bin/env bash
# Calls every operation of `watchfire serve` with boto3, the aws command line and AWS's SDK for JavaScript, and holds each
# answer against the service model; then makes the calls of Terraform's resources. Before that, what the model, the catalogue and
# GuardDuty's documentation state is tried one by one. Packages go to target/clients.
#   tools/api/clients.sh [PROGRAM]        default: target/debug/watchfire, built first
# Without python3 or npm it says so and leaves this out; with CI set, that is an error.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

folder=target/clients
mkdir -p "$folder"

# The clients are to be as new as the model, so none is pinned.
clients_are_there() {
    if [ ! -x "$folder/venv/bin/aws" ]; then
        python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" install --quiet --disable-pip-version-check boto3 awscli || return 1
    fi
    if [ ! -d "$folder/node_modules/@aws-sdk/client-guardduty" ]; then
        npm install --silent --no-audit --no-fund --prefix "$folder" @aws-sdk/client-guardduty > "$folder/npm.log" 2>&1 || return 1
    fi
}
if ! clients_are_there; then
    rm -rf "$folder/venv" "$folder/node_modules"
    echo "boto3, the aws command line or the SDK for JavaScript could not be installed: the API was not called with them" >&2
    [ -z "${CI:-}" ]
    exit
fi

model=api/guardduty-2017-11-28.service-2.json
install -D -m 644 "$model" "$folder/models/guardduty/2017-11-28/service-2.json"

program="${1:-}"
if [ -z "$program" ]; then
    cargo build --quiet --locked -p watchfire
    program=target/debug/watchfire
fi

data="$(mktemp -d)"
ended() {
    kill "${server:-}" "${bucket:-}" 2> /dev/null || true
    wait 2> /dev/null || true
    rm -rf "$data"
}
trap ended EXIT

# What a server prints first, once it listens: $1 is its output, $2 what to take of it.
first_line() {
    local line
    for _ in $(seq 100); do
        line="$(sed -n "$2" "$1")"
        [ -n "$line" ] && break
        sleep 0.1
    done
    [ -n "$line" ] || { cat "$1" >&2; return 1; }
    echo "$line"
}

"$folder/venv/bin/python" tools/api/bucket.py > "$data/bucket" &
bucket=$!
AWS_ENDPOINT_URL_S3="$(first_line "$data/bucket" 1p)"
export AWS_ENDPOINT_URL_S3
AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1 \
    "$program" serve --data "$data/store" --listen 127.0.0.1:0 --account 111122223333 > "$data/log" 2>&1 &
server=$!
endpoint="$(first_line "$data/log" 's/.* is served at //p')"

key() {
    "$program" keys create --data "$data/store" --account "$1" --format json
}
FIRST_KEY="$(key 111122223333)"
SECOND_KEY="$(key 444455556666)"
export FIRST_KEY SECOND_KEY
"$folder/venv/bin/python" tools/api/conformance.py "$endpoint" "$model" catalogue/filter-attributes.json
"$folder/venv/bin/python" tools/api/behaviour.py "$endpoint"
"$folder/venv/bin/python" tools/api/clients.py "$endpoint" "$folder" "$model"
