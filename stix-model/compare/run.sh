#!/bin/sh
# All comparisons, the Python peers included: `stix-model/compare/run.sh [BUNDLE]`.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
peers="$here/target/peers"
if [ ! -x "$peers/bin/python" ]; then
    python3 -m venv "$peers"
fi
"$peers/bin/pip" install -q stix2-validator==3.3.1 stix2-patterns==2.1.2 stix2-matcher==3.0.0
# The wheel of stix2-validator comes without the schemas that it looks for.
validator=$("$peers/bin/python" -c 'import importlib.util as u; print(u.find_spec("stix2validator").submodule_search_locations[0])')
mkdir -p "$validator/schemas-2.1"
ln -sfn "$here/../schemas" "$validator/schemas-2.1/schemas"
PEERS_PYTHON="$peers/bin/python" exec cargo run --release --manifest-path "$here/Cargo.toml" -- "$@"
