//go:build race

package handlers

// stackFactor is how much larger stacks may be in this build. The race detector needs more room in each frame.
const stackFactor = 2
