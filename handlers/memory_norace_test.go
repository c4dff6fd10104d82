//go:build !race

package handlers

// stackFactor is how much larger stacks may be in this build.
const stackFactor = 1
