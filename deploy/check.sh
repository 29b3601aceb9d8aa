#!/usr/bin/env bash
# Checks what is in this folder with the tools that would run it. Each check is a line, and its output follows when it fails;
# the exit code is 1 when one failed. Installs the tools where it may (Debian, as root or with sudo).
#
#   deploy/check.sh [--image]     # also builds the image
#
# The programs come from $CARGO_TARGET_DIR/debug (`cargo build --workspace`). HAProxy in front of real servers is
# conformance/interop/test_haproxy.py.
set -uo pipefail
cd "$(dirname "$0")/.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
work=$(mktemp -d) failed=0
export PATH=$PATH:/usr/sbin:/sbin
trap 'rm -rf "$work"' EXIT

# check NAME FUNCTION [ARGUMENT…]
check() {
    local name=$1
    shift
    if (set -e; "$@") >"$work/log" 2>&1; then
        printf 'ok      %s\n' "$name"
    else
        printf 'FAILED  %s\n' "$name"
        sed 's/^/        /' "$work/log"
        failed=1
    fi
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

install_tools() {
    local missing=()
    command -v haproxy || missing+=(haproxy)
    command -v systemd-analyze || missing+=(systemd)
    command -v buildah || missing+=(buildah)
    command -v strace || missing+=(strace)
    command -v shellcheck || missing+=(shellcheck)
    command -v openssl || missing+=(openssl)
    command -v age-keygen || missing+=(age)
    command -v curl || missing+=(curl)
    [ ${#missing[@]} = 0 ] && return
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

shell_scripts() {
    git grep -lE -z '^#!.*sh$' -- ':!*.md' | xargs -0 shellcheck --severity=warning
}

haproxy_configuration() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost \
        -keyout "$work/key.pem" -out "$work/ca.pem"
    export CONCORD_CA=$work/ca.pem CONCORD_STATS_SOCKET=$work/admin.sock
    export CONCORD_REPLICA1=127.0.0.1:1 CONCORD_REPLICA2=127.0.0.1:2
    # With two replicas, and with three.
    env -u CONCORD_REPLICA3 haproxy -c -f "$1"
    CONCORD_REPLICA3=127.0.0.1:3 haproxy -c -f "$1"
}

# Of the unit as it is, but for the place of the program, which is not installed here.
unit() {
    sed "s|/usr/local/bin/|$target/debug/|" deploy/concord.service >"$work/concord.service"
    printf '%s' "$work/concord.service"
}

unit_is_valid() {
    systemd-analyze verify --man=no "$(unit)"
}

# 0 is the best, 10 the worst.
unit_is_hardened() {
    systemd-analyze security --offline=true --threshold=20 --no-pager "$(unit)"
}

# The server does only what the unit allows: the system calls of a first start, requests and the end are in its filter, and no
# memory is both written and executed.
unit_is_enough() {
    local data=$work/data port=$((20000 + RANDOM % 10000)) pid
    strace -f -qq -o "$work/trace" -e trace=all "$target/debug/taxii-server" --data "$data" serve \
        --listen "127.0.0.1:$port" --metrics-listen none &
    for _ in $(seq 300); do
        curl -fsS "http://127.0.0.1:$port/readyz/" 2>/dev/null && break
        sleep 0.1
    done
    curl -fsS "http://127.0.0.1:$port/livez/"
    "$target/debug/taxii-server" --data "$data" collection add Some
    pid=$(pgrep -f -- "--data $data serve" | tail -1)
    if grep -E '^[^ ]+ .wx' "/proc/$pid/maps"; then
        echo "this memory can be written and executed, which MemoryDenyWriteExecute= forbids"
        return 1
    fi
    kill -TERM "$pid"
    wait
    # A set names others.
    flat() {
        local name
        systemd-analyze syscall-filter --no-pager "$1" | grep -oE '^ +[@a-z0-9_-]+$' | tr -d ' ' | while read -r name; do
            case $name in @*) flat "$name" ;; *) echo "$name" ;; esac
        done
    }
    flat @system-service | sort -u >"$work/allowed"
    { flat @privileged; flat @resources; } | grep -vxE 'setrlimit|prlimit64' | sort -u >"$work/denied"
    grep -oE '^[0-9]+ +[a-z0-9_]+\(' "$work/trace" | grep -oE '[a-z0-9_]+\($' | tr -d '(' | sort -u >"$work/used"
    [ "$(wc -l <"$work/used")" -gt 20 ]
    comm -23 "$work/allowed" "$work/denied" | comm -13 - "$work/used" >"$work/forbidden"
    if [ -s "$work/forbidden" ]; then
        echo "the server uses system calls that SystemCallFilter= forbids:"
        cat "$work/forbidden"
        return 1
    fi
}

bases_are_pinned() {
    local bases
    bases=$(grep -E '^ARG [A-Z]+_IMAGE=' deploy/Containerfile)
    [ "$(wc -l <<<"$bases")" = 2 ]
    ! grep -vE '@sha256:[0-9a-f]{64}$' <<<"$bases"
    # Every stage begins with one of them.
    ! grep -E '^FROM ' deploy/Containerfile | grep -vE '^FROM \$\{(BUILD|RUNTIME)_IMAGE\}( AS [a-z]+)?$'
}

# Builds the image from deploy/Containerfile with buildah, each line of it run in a chroot, and serves from it. The registries of
# the bases are not asked: here the base for building is this system with its compiler, and the one for running is the
# libraries that the programs name, all of which distroless/cc has. The job `image` of CI takes the real ones.
image_is_built() {
    local store=(--root "$work/images" --runroot "$work/run" --storage-driver vfs)
    local base=$work/base runtime=$work/runtime port=$((20000 + RANDOM % 10000)) name container
    image() { as_root buildah "${store[@]}" "$@"; }
    mkdir -p "$base"/{usr,etc/alternatives,root,tmp} "$runtime"/{etc,tmp} "$target/image"
    for name in bin sbin lib lib64; do ln -s "usr/$name" "$base/$name"; done
    cp /etc/passwd /etc/group "$base/etc/"
    printf '%s\n' 'FROM scratch' 'COPY . /' 'ENV CARGO_HOME=/cargo CARGO_NET_OFFLINE=true' \
        'ENV PATH=/rust/bin:/usr/bin:/bin' >"$work/base.containerfile"
    image bud -q -f "$work/base.containerfile" -t localhost/build "$base"
    ldd "$target"/debug/{taxii-server,taxii} | grep -oE '/[^ ]+\.so[^ ]*' | sort -u >"$work/libraries"
    if grep -vE '/(libc|libm|libgcc_s|libpthread|libdl|librt|ld-linux-[a-z0-9-]+)\.so\.[0-9]+$' "$work/libraries"; then
        echo "distroless/cc does not have this"
        return 1
    fi
    xargs -a "$work/libraries" cp -L --parents -t "$runtime"
    echo 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin' >"$runtime/etc/passwd"
    printf 'FROM scratch\nCOPY . /\n' >"$work/runtime.containerfile"
    image bud -q -f "$work/runtime.containerfile" -t localhost/runtime "$runtime"

    image bud -q --isolation chroot -f deploy/Containerfile -t localhost/concord --build-arg PROFILE=dev \
        --build-arg BUILD_IMAGE=localhost/build --build-arg RUNTIME_IMAGE=localhost/runtime -v /usr:/usr:ro \
        -v /etc/alternatives:/etc/alternatives:ro -v "$(rustc --print sysroot):/rust:ro" \
        -v "${CARGO_HOME:-$HOME/.cargo}:/cargo" -v "$target/image:/src/target" .
    [ "$(image inspect --type image --format '{{.OCIv1.Config.User}} {{.OCIv1.Config.Entrypoint}}' localhost/concord)" = \
        "65532:65532 [/usr/local/bin/taxii-server]" ]
    container=$(image from -q localhost/concord)
    image run --isolation chroot "$container" -- /usr/local/bin/taxii --version
    image run --isolation chroot "$container" -- /usr/local/bin/taxii-server serve --listen "127.0.0.1:$port" \
        --metrics-listen none &
    for _ in $(seq 100); do
        curl -fsS "http://127.0.0.1:$port/readyz/" 2>/dev/null && break
        sleep 0.1
    done
    curl -fsS "http://127.0.0.1:$port/livez/"
    name=$(pgrep -f "^/usr/local/bin/taxii-server serve --listen 127.0.0.1:$port")
    [ "$(stat -c %u "/proc/$name")" = 65532 ]
    as_root kill -TERM "$name"
    wait
}

check "the tools are there" install_tools
check "shell scripts" shell_scripts
check "haproxy.cfg is valid for $(haproxy -v 2>/dev/null | grep -oE 'version [0-9.]+')" haproxy_configuration deploy/haproxy/haproxy.cfg
check "http.cfg is valid" haproxy_configuration deploy/haproxy/http.cfg
check "concord.service is valid for $(systemd-analyze --version 2>/dev/null | head -1)" unit_is_valid
check "concord.service is hardened: exposure 2.0 of 10 at most" unit_is_hardened
check "concord.service allows what the server does" unit_is_enough
check "the bases of the container are pinned" bases_are_pinned
if [ "${1:-}" = --image ]; then
    check "the image is built, on stand-ins for its bases, and serves" image_is_built
else
    echo "not run the image: deploy/check.sh --image builds it (some minutes), and the job \`image\` of CI on its real bases"
fi
exit $failed
