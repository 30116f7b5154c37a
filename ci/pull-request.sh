#!/bin/sh
# Shows a difference as a comment of a pull request on GitHub, and finds the checksum that its merge approved. It needs curl and jq.
#
#   pull-request.sh comment FOLDER   comments what `mappings.sh diff FOLDER` wrote, in place of an earlier comment
#   pull-request.sh approved         prints the checksum of the comment of the pull request that became GITHUB_SHA; nothing if there is none
#
# Variables that GitHub Actions sets: GITHUB_API_URL, GITHUB_REPOSITORY, GITHUB_SHA. Others: GITHUB_TOKEN; PULL_REQUEST, the number of the
# pull request; TEAMS, as for mappings.sh.
set -euf

# GitHub refuses comments of more than 65,536 characters.
longest_difference=60000

repository="$GITHUB_API_URL/repos/$GITHUB_REPOSITORY"
marker="<!-- purge-router mappings: ${TEAMS:-all} -->"

fail() {
  echo "error: $*" >&2
  exit 2
}

# Sends a request. The token is not an argument, because other users of the machine see those.
request() {
  printf 'header = "Authorization: Bearer %s"\n' "$GITHUB_TOKEN" |
    curl --config - --silent --show-error --fail --retry 3 --max-time 60 --header 'Accept: application/vnd.github+json' \
      --header 'X-GitHub-Api-Version: 2022-11-28' "$@"
}

# Prints our comments of a pull request, the newest last: lines of JSON. Only a bot's count, because any user may write the marker.
our_comments() {
  page=1
  while :; do
    comments=$(request "$repository/issues/$1/comments?per_page=100&page=$page")
    printf '%s' "$comments" | jq --compact-output --arg marker "$marker" \
      '.[] | select(.user.type == "Bot" and (.body | startswith($marker)))'
    [ "$(printf '%s' "$comments" | jq length)" -eq 100 ] || break
    page=$((page + 1))
  done
}

# Prints the comment for a difference.
body() {
  checksum=$(cat "$1/checksum")
  echo "$marker"
  echo "**purge-router: what a push of the mappings would change** (${TEAMS:-all teams of the file})"
  echo
  echo '```text'
  shorten "$1/difference"
  echo '```'
  if [ -s "$1/notes" ]; then
    echo
    echo '```text'
    shorten "$1/notes"
    echo '```'
  fi
  echo
  if [ -n "$checksum" ]; then
    echo "A merge approves this difference, with the checksum \`$checksum\`. If the table or the file changes first, nothing is pushed."
  else
    echo "Nothing would change."
  fi
}

shorten() {
  awk -v longest="$((longest_difference / 2))" '
    { size += length($0) + 1 }
    size > longest { print "… the rest is in the log of the job"; exit }
    { print }' "$1"
}

comment() {
  text=$(mktemp)
  trap 'rm -f "$text"' EXIT
  body "$1" | jq --raw-input --slurp '{body: .}' > "$text"
  earlier=$(our_comments "$PULL_REQUEST" | jq --slurp --raw-output 'last.url // empty')
  if [ -n "$earlier" ]; then
    request --request PATCH --data-binary "@$text" --output /dev/null "$earlier"
  else
    request --request POST --data-binary "@$text" --output /dev/null "$repository/issues/$PULL_REQUEST/comments"
  fi
}

approved() {
  number=$(request "$repository/commits/$GITHUB_SHA/pulls" |
    jq --raw-output --arg sha "$GITHUB_SHA" '[.[] | select(.merge_commit_sha == $sha)] | first.number // empty')
  [ -n "$number" ] || return 0
  our_comments "$number" |
    jq --slurp --raw-output 'last.body // "" | capture("with the checksum `(?<checksum>[0-9a-f]+)`").checksum // empty'
}

case "${1:-} $#" in
  "comment 2") comment "$2" ;;
  "approved 1") approved ;;
  *) fail "usage: pull-request.sh comment FOLDER | approved" ;;
esac
