package vault_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// server answers as the documentation of the key-value engine, version 2, says (its pages "KV secrets
// engine - version 2 (API)" and "Soft delete"): versions from 1, cas compared with the last version, deleted
// ones too, 404 with metadata for a deleted version and with an empty list of errors for none.
type server struct {
	mu      sync.Mutex
	entries map[string][]version // by path below the mount
	asked   []string             // method and path
	headers []http.Header

	refuse func(w http.ResponseWriter, r *http.Request) bool // answers in place of the engine
}

type version struct {
	value   json.RawMessage
	deleted bool
}

const (
	token  = "hvs.CAESIJ-test-token"
	prefix = "/v1/secret/"
)

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked, s.headers = append(s.asked, r.Method+" "+r.URL.Path), append(s.headers, r.Header.Clone())
	if s.refuse != nil && s.refuse(w, r) {
		return
	}
	say := func(status int, body any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(body)
	}
	kind, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, prefix), "/")
	switch {
	case r.Header.Get("X-Vault-Token") != token:
		say(http.StatusForbidden, map[string]any{"errors": []string{"permission denied"}})
	case kind == "data" && r.Method == http.MethodGet:
		all := s.entries[path]
		if len(all) == 0 {
			say(http.StatusNotFound, map[string]any{"errors": []string{}})
			return
		}
		last := all[len(all)-1]
		meta := map[string]any{"version": len(all), "destroyed": false, "deletion_time": ""}
		if last.deleted {
			meta["deletion_time"] = "2026-01-01T00:00:00Z"
			say(http.StatusNotFound, map[string]any{"data": map[string]any{"data": nil, "metadata": meta}})
			return
		}
		say(http.StatusOK, map[string]any{"data": map[string]any{"data": last.value, "metadata": meta}})
	case kind == "data" && r.Method == http.MethodPost:
		var body struct {
			Options struct{ CAS *int }
			Data    json.RawMessage
		}
		if json.NewDecoder(r.Body).Decode(&body) != nil || body.Options.CAS == nil || *body.Options.CAS != len(s.entries[path]) {
			say(http.StatusBadRequest, map[string]any{"errors": []string{"check-and-set parameter did not match the current version"}})
			return
		}
		s.entries[path] = append(s.entries[path], version{value: body.Data})
		say(http.StatusOK, map[string]any{"data": map[string]any{"version": len(s.entries[path])}})
	case kind == "data" && r.Method == http.MethodDelete:
		if all := s.entries[path]; len(all) > 0 {
			all[len(all)-1].deleted = true
		}
		w.WriteHeader(http.StatusNoContent)
	case kind == "metadata" && r.Method == http.MethodDelete:
		delete(s.entries, path)
		w.WriteHeader(http.StatusNoContent)
	case kind == "metadata" && r.Method == "LIST":
		var keys []string
		for at := range s.entries {
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
