#!/usr/bin/env bash
# Makes sure that what building needs is there: Rust, and a C compiler with make for zstd, libdeflate and jemalloc.
# With `--tests`, also Chromium, in which a test opens the HTML report, and Python and npm, which AWS's clients need; what
# wants them is left out without them, loudly.
# Also PostgreSQL, on which the tests of the store run too.
# On a Debian machine, as root, it installs what is missing; anywhere else it says what to install.
set -euo pipefail

if ! command -v cargo > /dev/null; then
    echo "cargo is missing: install Rust 1.95 or newer from https://rustup.rs" >&2
    exit 1
fi

can_install() {
    [ "$(id -u)" -eq 0 ] && command -v apt-get > /dev/null
}

apt_install() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"
}

missing=()
command -v cc > /dev/null || missing+=(gcc libc6-dev)
command -v make > /dev/null || missing+=(make)
if [ "${#missing[@]}" -gt 0 ]; then
    if ! can_install; then
        echo "missing: ${missing[*]} (install them with your system's package manager)" >&2
        exit 1
    fi
    apt_install "${missing[@]}"
fi

has_browser() {
    command -v chromium || command -v chromium-browser || command -v google-chrome || command -v chrome
}

if [ "${1:-}" = --tests ] && ! has_browser > /dev/null; then
    if can_install; then
        apt_install chromium || true
    fi
    has_browser > /dev/null || echo "no Chromium is here: the HTML report will not be opened in a browser" >&2
fi

if [ "${1:-}" = --tests ] && can_install; then
    python3 -c 'import ensurepip, venv' 2> /dev/null || apt_install python3-venv || true
    command -v npm > /dev/null || apt_install npm || true
fi

has_postgres() {
    command -v initdb > /dev/null || ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1
}

# For the tests of the store, which start a server of their own: the package's is neither made nor started.
if [ "${1:-}" = --tests ] && ! has_postgres; then
    if can_install; then
        mkdir -p /etc/postgresql-common
        [ -e /etc/postgresql-common/createcluster.conf ] ||
            echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf
        apt_install postgresql || true
    fi
    has_postgres || echo "no PostgreSQL is here: the store will be tested with SQLite only" >&2
fi
