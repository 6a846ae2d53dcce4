#!/usr/bin/env bash
# How right Residuum is, in one go: labelled text by type and set, columns of tables, and the records of everybody of an
# invented company.
#
#   benches/accuracy.sh                      what a clone has by itself: 64 MB that are made here, and the written lines
#   benches/accuracy.sh LABELLED.jsonl…      and others' labelled text
#   benches/accuracy.sh --columns LABELS.csv FOLDER LABELLED.jsonl…    and columns of FOLDER/DATABASE/TABLE.csv
#
# Ends with 1 where a figure is below its floor. `docs/accuracy.md` says what is counted, and how.
set -euo pipefail
case ${1:-} in -h | --help) sed -n '2,/^set -/{/^# \{0,1\}/s///p}' "$0"; exit 0 ;; esac
fields=()
files=()
if [ "${1:-}" = --columns ]; then
    [ $# -ge 3 ] || { echo 'error: `--columns` needs labels and a folder with their tables' >&2; exit 1; }
    fields=(--columns "$(realpath "$2")" "$(realpath "$3")")
    shift 3
fi
for file in "$@"; do files+=("$(realpath "$file")"); done

cd "$(dirname "${BASH_SOURCE[0]}")/.."
corpus=${CARGO_TARGET_DIR:-target}/tmp/corpora/accuracy-64
quiet() { cargo run --quiet --locked --release "$@"; }
[ -f "$corpus/corpus.json" ] || quiet -p residuum-corpus -- "$corpus" --size 64 --seed 1 >/dev/null

below=0
printf '==> text and fields\n'
quiet -p residuum-detect --example accuracy -- ${fields[@]+"${fields[@]}"} "$corpus" \
    scanners/detect/examples/accuracy/written.txt ${files[@]+"${files[@]}"} || below=1
printf '\n==> records of everybody\n'
cargo test --quiet --locked --workspace --test it -- --nocapture everybody_is_found | grep '^subjects ' || below=1
exit "$below"
