// Package vaulttest answers requests as the key-value engine, version 2, of Vault is documented to. It must
// not know the client that is tested with it.
package vaulttest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Server answers as the documentation of the engine says (its pages "KV secrets engine - version 2 (API)"
// and "Soft delete key/value data"): versions from 1, cas compared with the last version, deleted ones
// too, 404 with metadata for a deleted version and with an empty list of errors for none. The engine is
// mounted at "secret". The fields are read and set while nobody asks it.
type Server struct {
	mu      sync.Mutex
	Entries map[string][]Version // by path below the mount
	Asked   []string             // method and path
	Headers []http.Header

	Refuse func(w http.ResponseWriter, r *http.Request) bool // answers in place of the engine
}

// Version is one version of an entry.
type Version struct {
	Value   json.RawMessage
	Deleted bool
}

// New is a server without entries.
func New() *Server { return &Server{Entries: map[string][]Version{}} }

// Token is the one that it takes.
const Token = "hvs.CAESIJ-test-token"

const prefix = "/v1/secret/"

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Asked, s.Headers = append(s.Asked, r.Method+" "+r.URL.Path), append(s.Headers, r.Header.Clone())
	if s.Refuse != nil && s.Refuse(w, r) {
		return
	}
	say := func(status int, body any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(body)
	}
	kind, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, prefix), "/")
	switch {
	case r.Header.Get("X-Vault-Token") != Token:
		say(http.StatusForbidden, map[string]any{"errors": []string{"permission denied"}})
	case kind == "data" && r.Method == http.MethodGet:
		all := s.Entries[path]
		if len(all) == 0 {
			say(http.StatusNotFound, map[string]any{"errors": []string{}})
			return
		}
		last := all[len(all)-1]
		meta := map[string]any{"version": len(all), "destroyed": false, "deletion_time": ""}
		if last.Deleted {
			meta["deletion_time"] = "2026-01-01T00:00:00Z"
			say(http.StatusNotFound, map[string]any{"data": map[string]any{"data": nil, "metadata": meta}})
			return
		}
		say(http.StatusOK, map[string]any{"data": map[string]any{"data": last.Value, "metadata": meta}})
	case kind == "data" && r.Method == http.MethodPost:
		var body struct {
			Options struct{ CAS *int }
			Data    json.RawMessage
		}
		if json.NewDecoder(r.Body).Decode(&body) != nil || body.Options.CAS == nil || *body.Options.CAS != len(s.Entries[path]) {
			say(http.StatusBadRequest, map[string]any{"errors": []string{"check-and-set parameter did not match the current version"}})
			return
		}
		s.Entries[path] = append(s.Entries[path], Version{Value: body.Data})
		say(http.StatusOK, map[string]any{"data": map[string]any{"version": len(s.Entries[path])}})
	case kind == "data" && r.Method == http.MethodDelete:
		if all := s.Entries[path]; len(all) > 0 {
			all[len(all)-1].Deleted = true
		}
		w.WriteHeader(http.StatusNoContent)
	case kind == "metadata" && r.Method == http.MethodDelete:
		delete(s.Entries, path)
		w.WriteHeader(http.StatusNoContent)
	case kind == "metadata" && r.Method == "LIST":
		var keys []string
		for at := range s.Entries {
			if below, ok := strings.CutPrefix(at, path+"/"); ok {
				first, _, deeper := strings.Cut(below, "/")
				if deeper {
					first += "/"
				}
				if !slices.Contains(keys, first) {
					keys = append(keys, first)
				}
			}
		}
		if len(keys) == 0 {
			say(http.StatusNotFound, map[string]any{"errors": []string{}})
			return
		}
		slices.Sort(keys)
		say(http.StatusOK, map[string]any{"data": map[string]any{"keys": keys}})
	default:
		say(http.StatusMethodNotAllowed, map[string]any{"errors": []string{"unsupported operation"}})
	}
}
