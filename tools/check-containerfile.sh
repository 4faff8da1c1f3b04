#!/usr/bin/env bash
# Tests Containerfile where there is no container engine.
#
#   tools/check-containerfile.sh            read it: instructions, stages, copied files, user (no network, a moment)
#   tools/check-containerfile.sh --steps    carry its steps out, too (Debian, as root, with debootstrap; minutes)
#
# The steps are carried out in folders that stand for the images, with chroot. Debian's image is what debootstrap makes;
# Rust's image is the same with gcc and the Rust that is installed here. So this tests that what the steps copy, install
# and build is there, that the program runs in a plain Debian without root, and what .dockerignore leaves out. It does
# not test the images of a registry, layers, or an engine's isolation.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

suite=bookworm
work=target/container
toolchain=$(rustc --print sysroot)
cargo_home=${CARGO_HOME:-$HOME/.cargo}

fail() {
    echo "error: $*" >&2
    exit 1
}

# The instructions, one a line: no comments, continued lines joined.
instructions() {
    sed -e '/^[[:space:]]*#/d' Containerfile | sed -e ':again' -e '/\\$/{N;s/\\\n[[:space:]]*//;bagain' -e '}' | sed '/^[[:space:]]*$/d'
}

# The files that an engine would be sent: all but what .dockerignore names. Only plain names are understood there.
context() {
    ! grep -q '[*!?[]' .dockerignore || fail ".dockerignore holds a pattern, which this script does not understand"
    tar -c --anchored --exclude-from=<(sed 's|^|./|' .dockerignore) .
}

# ---- Reading

read_it() {
    local stages='' user='' entry='' rust keyword rest image stage word words
    while read -r keyword rest; do
        case $keyword in
            FROM)
                read -r image _ stage <<< "$rest"
                [[ $image == *:* ]] || fail "FROM $image does not name a version"
                stages="$stages $stage "
                user=''
                ;;
            COPY)
                read -ra words <<< "$rest"
                if [[ $rest == --from=* ]]; then
                    stage=${words[0]#--from=}
                    [[ $stages == *" $stage "* ]] || fail "COPY from $stage, which no earlier stage is called"
                else
                    for word in "${words[@]:0:${#words[@]}-1}"; do
                        [ -e "$word" ] || fail "COPY $word: there is no such file"
                        ! grep -qxF "$word" .dockerignore || fail "COPY $word, which .dockerignore leaves out"
                    done
                fi
                ;;
            USER) user=$rest ;;
            ENTRYPOINT) entry=$rest ;;
            RUN | WORKDIR | ARG | CMD) ;;
            *) fail "Containerfile has $keyword, which this script does not know" ;;
        esac
    done < <(instructions)
    [[ $user =~ ^[1-9][0-9]*$ ]] || fail "the last stage must name a user by a number that is not 0"
    [ "$entry" = '["watchfire"]' ] || fail "the entry point is not watchfire"
    rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    grep -q "/rust:$rust-" Containerfile || fail "Containerfile does not take the Rust $rust of Cargo.toml"
    # What the build reads must not be left out: what cargo knows of, and what is compiled in.
    local named
    while read -r named; do
        ! git ls-files -- "$named" | grep -qE '^(crates|api|catalogue|xtask)/|^(Cargo|LICENSE|NOTICE)' \
            || fail ".dockerignore leaves out $named, which the build needs"
    done < .dockerignore
    echo "Containerfile: $(instructions | wc -l) instructions read, nothing wrong"
}

# ---- Carrying out

# The folder that stands for an image.
base() {
    local image=$1 folder=$2 debian=$work/debian
    if [ ! -e $debian.complete ]; then
        rm -rf $debian
        debootstrap --variant=minbase $suite $debian > $work/debootstrap.log || fail "debootstrap: $work/debootstrap.log"
        cp /etc/resolv.conf $debian/etc/
        cp -r /etc/apt/apt.conf.d/. $debian/etc/apt/apt.conf.d/
        touch $debian.complete
    fi
    rm -rf "$folder"
    cp -a $debian "$folder"
    case $image in
        docker.io/library/debian:$suite-slim) ;;
        docker.io/library/rust:*-slim-$suite)
            in_root "$folder" / "apt-get update -qq && apt-get install -y -qq --no-install-recommends ca-certificates gcc libc6-dev" > "$folder.log" 2>&1 \
                || fail "gcc could not be installed: $folder.log"
            ;;
        *) fail "this script has nothing that stands for the image $image" ;;
    esac
}

# Runs a command in a stage's folder. Mounts end with it: they are made in a namespace of its own.
in_root() {
    local root=$1 directory=$2 command=$3
    unshare --mount bash -euc '
        root=$1
        mount -t proc proc "$root/proc"
        mount --rbind /dev "$root/dev"
        for folder in "$4" "$5"; do
            mkdir -p "$root$folder"
            mount --bind "$folder" "$root$folder"
        done
        exec chroot "$root" /usr/bin/env -i HOME=/root DEBIAN_FRONTEND=noninteractive CARGO_HOME="$5" \
            http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" \
            PATH="$4/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
            WATCHFIRE_COMMIT="$6" /bin/sh -euc "cd $2; $3"
    ' in_root "$root" "$directory" "$command" "$toolchain" "$cargo_home" "$commit"
}

copy() {
    local root=$1 directory=$2 words target source from
    read -ra words <<< "$3"
    target=${words[-1]}
    unset 'words[-1]'
    [[ $target == /* ]] || target=$directory/$target
    if [[ ${words[0]} == --from=* ]]; then
        from=${words[0]#--from=}
        for source in "${words[@]:1}"; do
            if [ -d "$work/$from$source" ]; then
                mkdir -p "$root$target"
                cp -a "$work/$from$source/." "$root$target/"
            else
                cp -a "$work/$from$source" "$root$target"
            fi
        done
    else
        [ "${words[*]}" = . ] || fail "only COPY . and COPY --from are understood: ${words[*]}"
        mkdir -p "$root$target"
        context | tar -x --no-same-owner -C "$root$target"
    fi
}

carry_out() {
    [ "$(id -u)" -eq 0 ] || fail "--steps wants root, for chroot"
    for tool in debootstrap unshare chroot; do
        command -v $tool > /dev/null || fail "--steps wants $tool"
    done
    mkdir -p $work
    commit=$(git log -1 --format='%H %cs')
    local root='' directory=/ user=0 stage keyword rest image
    while read -r keyword rest <&3; do
        echo "   $keyword $rest"
        case $keyword in
            FROM)
                read -r image _ stage <<< "$rest"
                root=$work/${stage:-last}
                directory=/
                user=0
                base "$image" "$root"
                ;;
            RUN) in_root "$root" "$directory" "$rest" < /dev/null ;;
            COPY) copy "$root" "$directory" "$rest" ;;
            WORKDIR)
                directory=$rest
                mkdir -p "$root$directory"
                ;;
            USER) user=$rest ;;
            ARG | ENTRYPOINT | CMD) ;;
        esac
    done 3< <(instructions)

    # The entry point, as the user, over logs that are mounted where an engine would mount them.
    cp -r samples/. "$root$directory"
    local run=(chroot --userspec="$user:$user" "$root" /usr/bin/env -i PATH=/usr/bin:/bin)
    [ "$("${run[@]}" id -u)" = "$user" ] || fail "the user is not $user"
    "${run[@]}" watchfire --version
    "${run[@]}" watchfire --version | head -n 1 | grep -q "${commit:0:12}" || fail "the program does not know its commit"
    local findings
    findings=$("${run[@]}" watchfire scan "$directory" --quiet --format jsonl | grep -c .)
    [ "$findings" -gt 0 ] || fail "no finding in samples"
    echo "Containerfile: all steps carried out; $findings findings in samples, as user $user"
    du -sh --apparent-size "$root/usr/bin/watchfire"
    rm -rf $work/build $work/last
}

read_it
if [ "${1:-}" = --steps ]; then
    carry_out
fi
