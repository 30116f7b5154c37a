#!/bin/sh
# Checks a mapping file, shows what a push would change, and pushes what was approved. It runs in any CI and needs only the command
# `purge-router`. docs/ci.md is the guide.
#
#   mappings.sh check             checks the file, where warnings count as problems, and runs its tests
#   mappings.sh diff FOLDER       shows what a push would change, and writes it into FOLDER/difference, what the command said about it
#                                 into FOLDER/notes, and the checksum, if there is a difference, into FOLDER/checksum
#   mappings.sh push [CHECKSUM]   pushes if the difference has this checksum; without one, fails if there is a difference
#
# Variables: TEAMS, names with spaces between (else: the teams of the file); MESSAGE, for the history; PURGE_ROUTER, the path of the
# command; and those of the command: MAPPINGS_FILE, MAPPINGS_TABLE and AWS's.
set -euf

purge_router=${PURGE_ROUTER:-purge-router}

fail() {
  echo "error: $*" >&2
  exit 2
}

# Runs `purge-router mappings …` for the teams.
mappings() {
  action=$1
  shift
  for team in ${TEAMS:-}; do
    set -- "$@" --team "$team"
  done
  "$purge_router" mappings "$action" --color never "$@"
}

check() {
  file=${MAPPINGS_FILE:-mappings.toml}
  "$purge_router" check --deny warnings --mappings "$file"
  "$purge_router" test --mappings "$file"
}

diff() {
  mkdir -p "$1"
  : > "$1/checksum"
  code=0
  mappings diff > "$1/difference" 2> "$1/notes" || code=$?
  cat "$1/difference"
  cat "$1/notes" >&2
  [ "$code" -eq 0 ] || exit "$code"
  sed -n 's/^checksum \([0-9a-f]*\)$/\1/p' "$1/difference" > "$1/checksum"
}

push() {
  if [ -n "$1" ]; then
    mappings push --yes --expect "$1" --message "${MESSAGE:-}"
  elif mappings diff --exit-code; then
    echo "nothing to push"
  else
    echo "error: nobody approved this difference: push its checksum if it is right" >&2
    exit 1
  fi
}

case "${1:-} $#" in
  "check 1") check ;;
  "diff 2") diff "$2" ;;
  "push 1") push "" ;;
  "push 2") push "$2" ;;
  *) fail "usage: mappings.sh check | diff FOLDER | push [CHECKSUM]" ;;
esac
