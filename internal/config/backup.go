package config

import (
	"fmt"
	"regexp"

	"haprov/internal/config/source"

	"github.com/zclconf/go-cty/cty"
)

var (
	// repository is what restic takes for a local folder or one behind SFTP (its manual, "Preparing a
	// new repository"). One that is relative would be another one in each working directory.
	repository = regexp.MustCompile(`^(sftp:[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:)?(/[A-Za-z0-9._-]+)+$`)
	// folder is one that a server keeps its socket in, whose whole path has at most 107 bytes (unix(7)).
	folder = regexp.MustCompile(`^(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$`)
	// calendar are the characters of an OnCalendar expression (systemd.time(7)); the host's own
	// systemd reads it.
	calendar = regexp.MustCompile(`^[A-Za-z0-9*/:., ~-]{1,80}$`)
)

// backup is what a recipe sees of the cluster's backup block: always all names, enabled says whether
// there is one.
func (b *builder) backup(d *recipeDef, blk *backupBlock) cty.Value {
	x := backupBlock{}
	if blk != nil {
		x = *blk
		if !d.Backup {
			b.rep.At(x.Range, fmt.Sprintf("Recipe %s makes no backups", d.Name), "Take the backup block out, and make backups by other means.")
		}
		if !repository.MatchString(x.Repository) {
			b.rep.At(x.Range, "Invalid repository", "Found %s, expected /FOLDER or sftp:USER@HOST:/FOLDER.", source.Bounded(x.Repository))
		}
		for _, c := range []struct{ name, value, such string }{{"schedule", x.Schedule, "*-*-* 02:30"}, {"logs", x.Logs, "*:0/5"}, {"prove", x.Prove, "Sun 05:00"}} {
			if !calendar.MatchString(c.value) {
				b.rep.At(x.Range, "Invalid time of backup: "+c.name, "Found %s, expected a time of systemd's OnCalendar, such as %q.", source.Bounded(c.value), c.such)
			}
		}
		if !folder.MatchString(x.RestoreIn) || len(x.RestoreIn) > 80 {
			b.rep.At(x.Range, "Invalid folder for restored data", "Found %s, expected an absolute path of letters, digits and ._-, such as \"/var/lib/haprov-restored\".", source.Bounded(x.RestoreIn))
		}
	}
	return cty.ObjectVal(map[string]cty.Value{
		"enabled":      cty.BoolVal(blk != nil),
		"repository":   cty.StringVal(x.Repository),
		"schedule":     cty.StringVal(x.Schedule),
		"keep_daily":   cty.NumberIntVal(int64(x.Daily)),
		"keep_weekly":  cty.NumberIntVal(int64(x.Weekly)),
		"logs":         cty.StringVal(x.Logs),
		"prove":        cty.StringVal(x.Prove),
		"restore_in":   cty.StringVal(x.RestoreIn),
		"keep_monthly": cty.NumberIntVal(int64(x.Monthly)),
	})
}
