#!/bin/sh
# Run a JavaScript test; what it needs from npm goes into build/node.
set -eu
mkdir -p build/node
cp tests/blackbox/package.json build/node/
[ -d build/node/node_modules/@microsoft/microsoft-graph-client ] ||
    npm install --prefix build/node --no-audit --no-fund --no-package-lock --loglevel=error >build/node/npm.log 2>&1 ||
    { cat build/node/npm.log; exit 1; }
NODE_PATH=build/node/node_modules exec node "$1"
