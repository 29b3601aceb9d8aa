# Checks everything and changes no file of the repository: what CI runs.
verify:
    .ci/run

# Formats, applies machine-made fixes, rewrites golden files.
fix:
    cargo fmt --all
    cargo clippy --workspace --all-targets --fix --allow-dirty --allow-staged
    UPDATE=1 cargo test --workspace golden
    conformance/public_api.py --update
