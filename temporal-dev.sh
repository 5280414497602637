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

# What npm wrote last against what the lock file asks for, by content: a checkout renews the lock file's time.
is_installed() {
  node -e '
    const [wanted, there] = process.argv.slice(1).map((file) => JSON.parse(fs.readFileSync(file)).packages);
    const isThere = ([name, { version, optional }]) =>
      name === "" || there[name]?.version === version || (optional && !there[name]);
    process.exit(Object.entries(wanted).every(isThere) ? 0 : 1);
  ' package-lock.json node_modules/.package-lock.json 2>/dev/null
}
if ! is_installed; then
  echo "Installing the npm packages."
  npm ci --loglevel=error --no-fund --no-update-notifier || fail "npm ci failed (see above); is the npm registry reachable, and is there disk space?"
fi

exec node --import ./runtime/register.js dev/stack.ts "$@"
