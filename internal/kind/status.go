package kind

import "haprov/internal/status"

// Senser is implemented by steps that have something to show in status: what is asked of each of the
// step's hosts, how the answers are read, drawn and judged. Status asks the steps of the recipe and
// nothing else, so a tool that no step is about is neither looked for nor judged.
type Senser interface{ Sense() status.Sensor }
