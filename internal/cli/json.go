package cli

import (
	"encoding/json"

	"github.com/spf13/cobra"

	"haprov/internal/config"
)

// withJSON are the commands that have --json, by their path, and what it makes them write. All
// others refuse it: no program may take their text for JSON.
var withJSON = map[string]string{
	"up": "write JSON lines", "replace": "write JSON lines", "plan": "write JSON lines", "verify": "write JSON lines", "switchover": "write JSON lines",
	"maintenance": "write JSON lines", "restart": "write JSON lines", "recover": "write JSON lines",
	"status": "write one JSON object a cluster", "lint": "write one JSON object a cluster", "inventory": "write JSON, which is also the default",
	"lab status": "write JSON", "lab snapshot list": "write JSON", "lab image list": "write JSON", "drill list": "write JSON", "drill report": "write JSON: run.json as docs/json.md has it", "validate": "write JSON", "version": "write JSON", "secret list": "write JSON",
	"backup list": "write JSON", "restore": "write JSON lines", "restore end": "write JSON lines", "remove": "write JSON lines",
}

func (a *app) jsonFlags(c *cobra.Command) {
	if about, ok := withJSON[short(c)]; ok {
		c.Flags().BoolVar(&a.json, "json", false, about)
	}
	for _, x := range c.Commands() {
		a.jsonFlags(x)
	}
}

func (a *app) printJSON(v any) error { return json.NewEncoder(a.documents()).Encode(v) }

// validation is what validate --json writes; problems are warnings when it is valid.
type validation struct {
	Version  int             `json:"version"`
	Valid    bool            `json:"valid"`
	Hosts    int             `json:"hosts"`
	Clusters int             `json:"clusters"`
	Steps    int             `json:"steps"`
	Problems config.Problems `json:"problems"`
}
