// Package kinds lists every kind of step, in one table. Nothing below it knows of more than one
// family; a new kind is one line here, its file below kind, and its cases in testdata.
package kinds

import (
	"haprov/internal/kind"
	"haprov/internal/kind/backup"
	"haprov/internal/kind/drbd"
	"haprov/internal/kind/galera"
	"haprov/internal/kind/haproxy"
	"haprov/internal/kind/host"
	"haprov/internal/kind/mariadb"
	"haprov/internal/kind/pacemaker"
	"haprov/internal/kind/rolling"
)

// Table lists every kind by name, in the order of the reference.
var Table = []kind.Spec{
	host.AptRepositorySpec,
	host.PackageSpec,
	host.FileSpec,
	host.DirectorySpec,
	host.SymlinkSpec,
	host.ArchiveSpec,
	host.LineSpec,
	host.BlockSpec,
	host.AbsentSpec,
	host.TimezoneSpec,
	host.HostnameSpec,
	host.HostsEntrySpec,
	host.UserSpec,
	host.GroupSpec,
	host.AuthorizedKeySpec,
	host.ServiceSpec,
	host.TimerSpec,
	host.PacketFilterSpec,
	host.SysctlSpec,
	host.KernelModuleSpec,
	host.VolumeGroupSpec,
	host.LogicalVolumeSpec,
	host.FilesystemSpec,
	host.MountSpec,
	host.CommandSpec,
	host.RequirementSpec,
	host.WaitSpec,
	host.BarrierSpec,
	rolling.RollingSpec,
	backup.BackupSpec,
	drbd.DrbdVolumeSpec,
	pacemaker.CorosyncSpec,
	pacemaker.QuorumDeviceSpec,
	pacemaker.PacemakerSpec,
	pacemaker.FencingSpec,
	haproxy.HaproxySpec,
	galera.GaleraSpec,
	mariadb.MysqlDatabaseSpec,
	mariadb.MysqlUserSpec,
	mariadb.MysqlImportSpec,
	mariadb.MysqlSocketUserSpec,
	mariadb.MysqlTLSSpec,
	host.SecretSpec,
}

// Lookup finds a kind by its block name.
func Lookup(name string) (kind.Spec, bool) {
	for _, s := range Table {
		if s.Name == name {
			return s, true
		}
	}
	return kind.Spec{}, false
}
