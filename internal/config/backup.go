package config

import (
	"fmt"
	"regexp"

	"github.com/zclconf/go-cty/cty"
)

var (
	// repository is what restic takes for a local folder or one behind SFTP (its manual, "Preparing a
	// new repository"). One that is relative would be another one in each working directory.
	repository = regexp.MustCompile(`^(sftp:[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:)?(/[A-Za-z0-9._-]+)+$`)
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
			b.at(x.Range, fmt.Sprintf("Recipe %s makes no backups", d.Name), "Take the backup block out, and make backups by other means.")
		}
		if !repository.MatchString(x.Repository) {
			b.at(x.Range, "Invalid repository", "Found %s, expected /FOLDER or sftp:USER@HOST:/FOLDER.", bounded(x.Repository))
		}
		if !calendar.MatchString(x.Schedule) {
			b.at(x.Range, "Invalid schedule", "Found %s, expected a time of systemd's OnCalendar, such as \"*-*-* 02:30\".", bounded(x.Schedule))
		}
	}
	return cty.ObjectVal(map[string]cty.Value{
		"enabled":      cty.BoolVal(blk != nil),
		"repository":   cty.StringVal(x.Repository),
		"schedule":     cty.StringVal(x.Schedule),
		"keep_daily":   cty.NumberIntVal(int64(x.Daily)),
		"keep_weekly":  cty.NumberIntVal(int64(x.Weekly)),
		"keep_monthly": cty.NumberIntVal(int64(x.Monthly)),
	})
}
