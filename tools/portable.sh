#!/usr/bin/env bash
# Makes a program for any Linux with glibc 2.28 or newer (Debian 10, RHEL 8, Ubuntu 18.10 and what came after):
# target/package/watchfire-VERSION-MACHINE-linux.tar.gz. It asks the loader for nothing newer, which is checked.
#
#   tools/portable.sh                     make it and try it out
#   tools/portable.sh --compare DIR...    then scan these folders with it and with target/release/watchfire, in turns
#
# zig is the C compiler and the linker: it knows the symbols of every glibc. It comes from PyPI and cargo-zigbuild from
# crates.io; both go to target/tools.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tools/common.sh

glibc=2.28
zig_version=0.17.1
zigbuild_version=0.24.1
machine=$(uname -m)
target=$machine-unknown-linux-gnu
tools=$PWD/target/tools
program=target/portable/$target/release/watchfire

tools_are_there() {
    if ! { "$tools/bin/cargo-zigbuild" --version 2> /dev/null | grep -qxF "cargo-zigbuild $zigbuild_version"; }; then
        cargo install cargo-zigbuild --version "=$zigbuild_version" --locked --quiet --force \
            --root "$tools" --target-dir "$tools/build"
        rm -rf "$tools/build"
    fi
    if [ "$("$tools/zig/ziglang/zig" version 2> /dev/null)" != "$zig_version" ]; then
        python3 -m pip --version > /dev/null || fail "zig comes as a Python package: install python3 and pip"
        PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --no-deps --upgrade --target "$tools/zig" "ziglang==$zig_version"
    fi
}

build() {
    # Paths of this machine say nothing to anybody, and would make another machine's program a different one.
    RUSTFLAGS="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo --remap-path-prefix=$PWD=/watchfire" \
        CARGO_ZIGBUILD_ZIG_PATH=$tools/zig/ziglang/zig ZIG_GLOBAL_CACHE_DIR=$tools/zig-cache \
        PATH=$tools/bin:$PATH \
        cargo zigbuild --release --locked -p watchfire --target "$target.$glibc" --target-dir target/portable
}

asks_for_nothing_newer() {
    local newest
    newest=$(glibc_of "$program")
    [ "$(printf '%s\n' "$glibc" "$newest" | sort -V | tail -n 1)" = "$glibc" ] \
        || fail "$program asks for glibc $newest"
    echo "asks for glibc $newest, and for: $(readelf -d "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | xargs)"
}

pack() {
    local name=watchfire-$version-$machine-linux
    local folder=target/package/$name
    rm -rf "$folder"
    lay_out "$program" "$folder"
    try_out "$folder"
    mv "$folder/usr/"* "$folder"
    rmdir "$folder/usr"
    install -m 644 LICENSE README.md CHANGELOG.md "$folder/share/doc/watchfire"
    chmod -R u=rwX,go=rX "$folder"
    tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner -C target/package -c "$name" \
        | gzip -9n > "$folder.tar.gz"
    sha256sum "$folder/bin/watchfire" "$folder.tar.gz"
}

# CPU seconds of one scan, on one thread: what else the machine does matters least that way.
cpu_seconds() {
    local TIMEFORMAT='%U %S'
    { time "$1" scan "$2" --quiet --threads 1 > /dev/null 2>&1; } 2>&1 | awk '{print $1 + $2}'
}

compare() {
    local ordinary=target/release/watchfire folder turn
    [ -x $ordinary ] || fail "build the ordinary program first: cargo build --release"
    for folder in "$@"; do
        for turn in {1..15}; do
            echo "$(cpu_seconds $ordinary "$folder") $(cpu_seconds "$program" "$folder")"
        done | awk -v folder="$(basename "$folder")" '
            function median(list, n,    i, j, swap) {
                for (i = 1; i < n; i++) for (j = i + 1; j <= n; j++)
                    if (list[j] < list[i]) { swap = list[i]; list[i] = list[j]; list[j] = swap }
                return list[int((n + 1) / 2)]
            }
            { ordinary[NR] = $1; portable[NR] = $2 }
            END {
                a = median(ordinary, NR); b = median(portable, NR)
                printf "%s: ordinary %.2f s, portable %.2f s, ratio %.2f (medians of %d)\n", folder, a, b, b / a, NR
            }'
    done
}

tools_are_there
build
asks_for_nothing_newer
pack
if [ "${1:-}" = --compare ]; then
    shift
    compare "$@"
fi
