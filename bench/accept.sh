#!/usr/bin/env bash
# What taking in 100,000 rows costs on this machine: a campaign beside a loop over
# asynq.Client.Enqueue and BullMQ's addBulk, in turns on one Redis that it starts, then the
# same through a proxy that makes it 3 ms away. Prints tables for docs/benchmarks.md.
#
#   bench/accept.sh [ROUNDS]    five rounds if not said; a round takes about a minute
#
# Needs Go and redis-server. BullMQ needs Node 20 or later with npm, which installs it here
# in bench/bullmq/node_modules; without them the tables are printed without BullMQ.
set -euo pipefail

rounds=${1:-5}
if [ $# -gt 1 ] || ! [[ $rounds =~ ^[1-9][0-9]{0,2}$ ]]; then
  echo 'usage: bench/accept.sh [ROUNDS], a number from 1 to 999' >&2
  exit 2
fi
cd "$(dirname "${BASH_SOURCE[0]}")/.."
for command in go redis-server; do
  if ! command -v "$command" >/dev/null; then
    echo "bench/accept.sh: there is no $command on this machine, and nothing can be measured without it" >&2
    exit 1
  fi
done

# bullmq has BullMQ installed as the lock file says, or fails with the reason in $why.
bullmq() {
  local dir=bench/bullmq major
  if ! command -v node >/dev/null; then
    why='there is no node on this machine (on Debian: apt-get install nodejs npm)'
    return 1
  fi
  major=$(node -p 'process.versions.node.split(".")[0]')
  if [ "$major" -lt 20 ]; then
    why="Node $major is too old, it needs 20"
    return 1
  fi
  if [ "$dir/node_modules/.package-lock.json" -nt "$dir/package-lock.json" ]; then return 0; fi
  if ! command -v npm >/dev/null; then
    why='there is no npm on this machine to install it (on Debian: apt-get install npm)'
    return 1
  fi
  if ! (cd "$dir" && npm ci --ignore-scripts --no-audit --no-fund >&2); then
    why='npm could not install it'
    return 1
  fi
}

versions="Redis $(redis-server --version | sed 's/.* v=\([^ ]*\).*/\1/'), $(go env GOVERSION | sed 's/^go/Go /'), $(go list -m -f 'asynq {{.Version}}' github.com/hibiken/asynq)"
why=
if bullmq; then
  of() { node -p "require('./bench/bullmq/node_modules/$1/package.json').version"; }
  versions+=", Node $(node -p process.versions.node), BullMQ $(of bullmq), ioredis $(of ioredis)"
else
  echo "bench/accept.sh: BULLMQ IS LEFT OUT: $why" >&2
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "$rounds rounds; $versions; $(getconf _NPROCESSORS_ONLN) processors"
if ! NO_BULLMQ=$why go test -run '^$' -bench '^BenchmarkAccept$' -benchtime "${rounds}x" -timeout "$((10 + 3 * rounds))m" ./enqueue >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
if ! grep -q '^ *| here |' "$log"; then
  echo 'bench/accept.sh: go test measured nothing; it said:' >&2
  cat "$log" >&2
  exit 1
fi
if [ -n "$why" ]; then echo "BullMQ is left out: $why"; fi
awk '/^ *\| Redis \|/ { print "" } /^ *\|/ { sub(/^ */, ""); print }' "$log"
