package galera

import "strings"

// maxProviderOptions bounds wsrep_provider_options.
const maxProviderOptions = 1024

// ParseProviderOptions reads wsrep_provider_options, as a file has it or a server shows it: pairs of
// NAME = VALUE parted by semicolons. What has no = is passed over.
func ParseProviderOptions(text string) map[string]string {
	out := map[string]string{}
	for _, p := range strings.Split(text, ";") {
		if k, v, ok := strings.Cut(p, "="); ok && len(out) < maxProviderOptions {
			out[strings.TrimSpace(k)] = strings.TrimSpace(v)
		}
	}
	return out
}
