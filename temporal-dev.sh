#!/usr/bin/env bash
# From a bare clone to a filled mart: installs what is missing, starts a Temporal dev server, PostgreSQL, a sample
# report API and the worker, loads one day, shows the result, and stays up until Ctrl-C. See --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

fail() {
  echo "temporal-dev: $*" >&2
  exit 1
}

command -v node >/dev/null || fail "Node.js is not installed; version 20.19 or newer is needed (https://nodejs.org)."
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
  fail "Node.js $(node --version) is too old; version 20.19 or newer is needed."

# node_modules/.package-lock.json is what npm wrote last: older than the lock file means out of date.
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "Installing the npm packages."
  npm ci --loglevel=error || fail "npm ci failed (see above); is the npm registry reachable, and is there disk space?"
  touch node_modules/.package-lock.json
fi

exec node --import tsx dev/stack.ts "$@"
