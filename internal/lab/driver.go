package lab

import (
	"context"
	"errors"

	"haprov/internal/lab/machine"
)

// choose takes the driver the spec names, or the fastest that really boots here.
func choose(ctx context.Context, spec Spec, report func(Event)) (choice, error) {
	return choice{}, errors.New("no machine drivers yet")
}

// open makes the driver that was chosen.
func (c choice) open() (machine.Driver, error) { return nil, errors.New("no machine drivers yet") }
