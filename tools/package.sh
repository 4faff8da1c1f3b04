#!/usr/bin/env bash
# Makes the Debian package target/package/watchfire_VERSION_ARCH.deb, and tries it out.
#
#   tools/package.sh [PROGRAM]    without PROGRAM it packs what `cargo install` makes of the checkout
#
# Give it the program that tools/portable.sh makes, and the package installs on older systems too. The same program and
# commit give the same bytes: that is checked here, as is what the package holds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tools/common.sh

for tool in dpkg-deb objdump readelf strip; do
    command -v $tool > /dev/null || fail "$tool is missing: install dpkg and binutils"
done
program=${1:-target/package/cargo/bin/watchfire}
if [ $# -eq 0 ]; then
    cargo install --path crates/watchfire --locked --force --no-track --root target/package/cargo --target-dir target
fi
[ -x "$program" ] || fail "there is no program $program"
maintainer=${WATCHFIRE_MAINTAINER:-The Watchfire authors <authors@watchfire.invalid>}

case $(readelf -h "$program" | sed -n 's/ *Machine: *//p') in
    *X86-64) arch=amd64 ;;
    AArch64) arch=arm64 ;;
    *) fail "$program is for a machine that we do not package for" ;;
esac

depends() {
    local list="libc6 (>= $(glibc_of "$program"))" library
    for library in $(readelf -d "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
        case $library in
            libc.so.* | libm.so.* | libpthread.so.* | libdl.so.* | librt.so.* | ld-linux*) ;;
            libgcc_s.so.1) list="$list, libgcc-s1 | libgcc1" ;;
            *) fail "$program needs $library: say in tools/package.sh which package has it" ;;
        esac
    done
    echo "$list"
}

copyright() {
    cat << END
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Watchfire
Comment: The program holds data and libraries of others. Their licences stand beside this file, in NOTICE,
 threat-lists.md and THIRD-PARTY-NOTICES.md.

Files: *
Copyright: $(date -u -d "@$SOURCE_DATE_EPOCH" +%Y) the Watchfire authors
License: Apache-2.0
 On Debian systems the text of the Apache License, Version 2.0, is in /usr/share/common-licenses/Apache-2.0.
END
}

changelog() {
    cat << END
watchfire ($version) unstable; urgency=medium

  * What changed is told in CHANGELOG.md.gz.

 -- $maintainer  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")
END
}

control() {
    cat << END
Package: watchfire
Version: $version
Architecture: $arch
Maintainer: $maintainer
Installed-Size: $1
Depends: $(depends)
Recommends: ca-certificates
Section: admin
Priority: optional
Description: threat detection over AWS logs
 Finds threats in CloudTrail, VPC flow and Route 53 Resolver query logs, and
 reports them in GuardDuty's own types and JSON, with the records that caused
 each finding and the reasoning in plain sentences.
END
}

# The user that the service runs as. Nothing is started: there is no account to serve yet.
postinst() {
    cat << 'END'
#!/bin/sh
set -e
if [ "$1" = configure ]; then
    if command -v systemd-sysusers > /dev/null; then systemd-sysusers watchfire.conf; fi
    if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
fi
END
}

# Lays the package out in the folder $1 and writes it to the file $2.
build() {
    local root=$1 package=$2
    rm -rf "$root"
    mkdir -p "$root/DEBIAN"
    lay_out "$program" "$root"
    local doc=$root/usr/share/doc/watchfire
    copyright > "$doc/copyright"
    changelog | gzip -9n > "$doc/changelog.gz"
    gzip -9n < CHANGELOG.md > "$doc/CHANGELOG.md.gz"
    gzip -9n "$doc/THIRD-PARTY-NOTICES.md"
    chmod -R u=rwX,go=rX "$root"
    install -D -m 644 packaging/watchfire.toml "$root/etc/watchfire/watchfire.toml"
    echo /etc/watchfire/watchfire.toml > "$root/DEBIAN/conffiles"
    postinst > "$root/DEBIAN/postinst"
    chmod 755 "$root/DEBIAN/postinst"
    (cd "$root" && find etc usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum > DEBIAN/md5sums)
    control "$(du -k -s --apparent-size "$root/usr" | cut -f 1)" > "$root/DEBIAN/control"
    dpkg-deb --root-owner-group -Zxz --build "$root" "$package" > /dev/null
}

work=target/package/debian
package=target/package/watchfire_${version}_$arch.deb
mkdir -p "$work"
build "$work/root" "$package"

build "$work/again" "$work/again.deb"
cmp "$package" "$work/again.deb" || fail "the package was made twice and came out differently"
rm -rf "$work/out"
dpkg-deb -x "$package" "$work/out"
try_out "$work/out"
dpkg-deb -f "$package" Package Version Architecture Depends
dpkg-deb -c "$package" | awk '{print $1, $2, $3, $6}'
if command -v lintian > /dev/null; then
    # Not built from a Debian source package: there is no bug that asked for it, and its libraries are linked in.
    lintian --allow-root --fail-on error --suppress-tags initial-upload-closes-no-bugs "$package"
else
    echo "lintian: not here, not run"
fi
rm -rf "$work"
sha256sum "$package"
