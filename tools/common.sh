# What the packaging scripts share. Sourced from the root of the checkout, not run.

version=$(sed -n '/^\[workspace.package\]/,/^$/s/^version = "\(.*\)"/\1/p' Cargo.toml)

# The time of everything packed is that of the commit, so that a package can be made again byte for byte.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2> /dev/null || stat -c %Y CHANGELOG.md)}
export SOURCE_DATE_EPOCH

fail() {
    echo "error: $*" >&2
    exit 1
}

# The newest glibc that a program asks for, as 2.28.
glibc_of() {
    objdump -T "$1" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1 | sed 's/GLIBC_//'
}

# Lays out below $2 what comes with the program $1: manual page, completions, licences, example configuration, the service.
lay_out() {
    local program=$1 root=$2 share=$2/usr/share
    install -D -m 755 "$program" "$root/usr/bin/watchfire"
    strip --strip-unneeded --remove-section=.comment "$root/usr/bin/watchfire"
    mkdir -p "$share/man/man1" "$share/bash-completion/completions" "$share/zsh/vendor-completions" \
        "$share/fish/vendor_completions.d" "$share/doc/watchfire/examples"
    "$program" man | gzip -9n > "$share/man/man1/watchfire.1.gz"
    "$program" completions bash > "$share/bash-completion/completions/watchfire"
    "$program" completions zsh > "$share/zsh/vendor-completions/_watchfire"
    "$program" completions fish > "$share/fish/vendor_completions.d/watchfire.fish"
    install -m 644 NOTICE THIRD-PARTY-NOTICES.md docs/threat-lists.md "$share/doc/watchfire"
    install -m 644 docs/config.example.toml docs/inventory.example.json "$share/doc/watchfire/examples"
    install -D -m 644 packaging/watchfire.service "$root/usr/lib/systemd/system/watchfire.service"
    install -D -m 644 packaging/sysusers.conf "$root/usr/lib/sysusers.d/watchfire.conf"
}

# Runs what was laid out: the program answers, finds something in the samples, and its pages and scripts can be read.
try_out() {
    local root=$1 share=$1/usr/share
    "$root/usr/bin/watchfire" --version
    "$root/usr/bin/watchfire" scan samples --quiet --format jsonl | grep -c . > /dev/null || fail "no finding in samples"
    bash -n "$share/bash-completion/completions/watchfire"
    if command -v systemd-analyze > /dev/null; then
        # What systemd thinks of the unit, with a program that is there: no mistake, and hardly a way out.
        sed 's|/usr/bin/watchfire|/bin/true|' "$root/usr/lib/systemd/system/watchfire.service" > target/package/watchfire.service
        systemd-analyze verify --man=no target/package/watchfire.service || fail "the service's unit"
        systemd-analyze security --offline=true --threshold=20 --no-pager target/package/watchfire.service | tail -n 1
    fi
    gzip -dc "$share/man/man1/watchfire.1.gz" | grep -q '^\.TH watchfire 1' || fail "the manual page has no title"
    if command -v man > /dev/null; then
        local complaints
        complaints=$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -l "$share/man/man1/watchfire.1.gz" 2>&1 > /dev/null)
        [ -z "$complaints" ] || fail "the manual page: $complaints"
    fi
}
