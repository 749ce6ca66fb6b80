# What build, serve and score share; sourced. BUILD_DIR and DATA_DIR are set by them.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
python="$root/.venv/bin/python"

need_install() {
    if ! "$python" -c 'import assay._engine' 2>/dev/null; then
        echo "bench/peers/assay: Assay is not installed in .venv; run: make install" >&2
        exit 1
    fi
}

# BUILD_DIR/definition: examples/cards with the model of DATA_DIR; BUILD_DIR/cards.assay: its bundle.
make_bundle() {
    if [ "$BUILD_DIR/cards.assay" -nt "$DATA_DIR/risk.txt" ] && [ "$BUILD_DIR/cards.assay" -nt "$BUILD_DIR/definition/built" ]; then return; fi
    cp "$DATA_DIR/risk.txt" "$BUILD_DIR/definition/risk.txt"
    "$python" -m assay build "$BUILD_DIR/definition/fraud.py" -o "$BUILD_DIR/cards.assay" >/dev/null
}
