//go:build tools

// Package node keeps the sums of what the real node is built from.
package node

import _ "github.com/cometbft/cometbft/cmd/cometbft"
