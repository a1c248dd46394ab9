#!/bin/sh
# Runs the live boto3 client against the program kcl-local and compares its transcript with the committed one.
#
#   kcl-local/tests/boto3/run.sh              compare
#   kcl-local/tests/boto3/run.sh --record     write transcript.txt and recorded.json anew
#
# KCL_LOCAL names a program that is built already; without it one is built.
# PYTHON names an interpreter that has boto3; without it one is made in target/venv, which needs the network:
#   python3 -m venv target/venv && target/venv/bin/pip install boto3
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
cd "$root"

python=${PYTHON:-$root/target/venv/bin/python}
if [ ! -x "$python" ]; then
    python3 -m venv "$root/target/venv"
    "$root/target/venv/bin/pip" install --quiet boto3
fi
program=${KCL_LOCAL:-}
if [ -z "$program" ]; then
    cargo build --quiet --package kcl-local --bin kcl-local
    program=$root/target/debug/kcl-local
fi

scratch=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; rm -rf "$scratch"' EXIT
"$program" >"$scratch/environment" &
server=$!
until grep -q '^# ready' "$scratch/environment"; do
    kill -0 "$server"
    sleep 0.1
done
. "$scratch/environment"

if [ "${1:-}" = --record ]; then
    "$python" "$here/transcript.py" --record "$here/recorded.json" >"$here/transcript.txt"
else
    "$python" "$here/transcript.py" >"$scratch/transcript.txt"
    diff -u "$here/transcript.txt" "$scratch/transcript.txt"
fi
