//go:build race

package bad

const race = true
