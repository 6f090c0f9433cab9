#!/bin/sh
# What cargo calls for the examples in a crate's docs: runs them, and makes the docs, without a warning, from what the
# tests have compiled. `cargo doc` would have all dependencies checked for that. Nothing waits for it.
set -e
nice rustdoc "$@"
for word; do
    shift
    [ "$word" = --test ] || set -- "$@" "$word"
done
exec nice rustdoc -D warnings --out-dir "$DOCS" "$@"
