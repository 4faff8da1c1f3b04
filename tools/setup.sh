#!/usr/bin/env bash
# Makes sure that what building needs is there: Rust, and a C compiler with make for zstd, libdeflate and jemalloc.
# On a Debian machine, as root, it installs what is missing; anywhere else it says what to install.
set -euo pipefail

if ! command -v cargo > /dev/null; then
    echo "cargo is missing: install Rust 1.95 or newer from https://rustup.rs" >&2
    exit 1
fi

missing=()
command -v cc > /dev/null || missing+=(gcc libc6-dev)
command -v make > /dev/null || missing+=(make)
[ "${#missing[@]}" -eq 0 ] && exit 0

if [ "$(id -u)" -eq 0 ] && command -v apt-get > /dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${missing[@]}"
else
    echo "missing: ${missing[*]} (install them with your system's package manager)" >&2
    exit 1
fi
