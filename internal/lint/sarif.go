package lint

import (
	"encoding/json"
	"path"
	"strings"
)

// The part of SARIF 2.1.0 (OASIS) that is written: rules, and a result for each finding.
type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool struct {
		Driver sarifDriver `json:"driver"`
	} `json:"tool"`
	Results []sarifResult `json:"results"`
}

type sarifDriver struct {
	Name  string      `json:"name"`
	Rules []sarifRule `json:"rules"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifRule struct {
	ID    string    `json:"id"`
	Short sarifText `json:"shortDescription"`
	Full  sarifText `json:"fullDescription"`
	Help  sarifText `json:"help"`
}

type sarifResult struct {
	Rule      string          `json:"ruleId"`
	Kind      string          `json:"kind"`
	Level     string          `json:"level"`
	Message   sarifText       `json:"message"`
	Locations []sarifLocation `json:"locations,omitempty"`
}

type sarifLocation struct {
	Physical struct {
		Artifact struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
		Region *sarifRegion `json:"region,omitempty"`
	} `json:"physicalLocation"`
}

type sarifRegion struct {
	Line int `json:"startLine"`
}

var sarifLevels = map[Severity]string{Critical: "error", Warning: "warning", Advice: "note"}

// SARIF writes reports for code hosts and CI: a run for each. What is unreadable is an error, what is
// unknown is open; a place is HOST/FILE.
func SARIF(all []Report) ([]byte, error) {
	log := sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{}}
	for _, r := range all {
		run := sarifRun{Results: []sarifResult{}}
		run.Tool.Driver = sarifDriver{Name: "haprov lint", Rules: []sarifRule{}}
		for _, x := range r.Results {
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{x.ID, sarifText{x.Title}, sarifText{x.Why}, sarifText{x.Remedy}})
			for _, f := range x.Findings {
				y := sarifResult{Rule: x.ID, Kind: "fail", Level: sarifLevels[x.Severity], Message: sarifText{f.Text()}}
				switch f.Word {
				case Unreadable:
					y.Level = "error"
				case Unknown:
					y.Kind, y.Level = "open", "none"
				case None:
					y.Kind, y.Level = "notApplicable", "none"
				}
				if f.File != "" {
					var at sarifLocation
					at.Physical.Artifact.URI = strings.TrimPrefix(path.Join("/", f.Host, f.File), "/") // never above
					if f.Line > 0 {
						at.Physical.Region = &sarifRegion{f.Line}
					}
					y.Locations = []sarifLocation{at}
				}
				run.Results = append(run.Results, y)
			}
		}
		log.Runs = append(log.Runs, run)
	}
	text, err := json.MarshalIndent(log, "", "  ")
	return append(text, '\n'), err
}

// Text is what was found and what was expected.
func (f Finding) Text() string {
	if f.Expected == "" {
		return f.Found
	}
	return f.Found + "; expected: " + f.Expected
}
