package drbd

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"strings"
)

// fileSystem is what a volume may hold: how it is made and renamed, and where the beginning of the disk
// tells it. A label tells a finished one from one whose making was cut short.
type fileSystem struct {
	make, rename string // with the label and the device
	magic        string // the bytes at magicAt, as hexadecimal digits
	magicAt      int
	labelAt      int
	labelMax     int
	unreplayed   string                   // options of a mount that writes nothing, not even what the journal holds
	superAt      int                      // where its superblock begins
	extent       func(super []byte) int64 // how many bytes it uses of the device, by its superblock
	blocks       string                   // of the device, mounted at a place: prints how many blocks it uses, and their size
	grow         string                   // makes it as large as the device, while it is mounted
}

// none is a volume that holds whatever its user puts there, as a LUN or a physical volume of LVM. It is
// finished when it has been in sync.
const none = "none"

// fileSystems have their superblocks within the first 4096 bytes: ext4's begins at 1024 (s_magic at 0x38,
// s_volume_name at 0x78; the kernel's ext4 documentation), XFS's at 0 (sb_magicnum at 0, sb_fname at 108;
// struct xfs_dsb of the kernel's xfs_format.h).
var fileSystems = map[string]fileSystem{
	"ext4": {make: "mkfs.ext4 -q -F -L %[1]s %[2]s", rename: "e2label %[2]s %[1]s", magic: "53ef", magicAt: 1080, labelAt: 1144, labelMax: 16, unreplayed: "ro,noload", superAt: 1024, extent: extentOfExt4,
		blocks: `dumpe2fs -h %[1]s 2>/dev/null | sed -n 's/^Block count: *//p; s/^Block size: *//p' | tr '\n' ' '`, grow: "resize2fs %[1]s"},
	"xfs": {make: "mkfs.xfs -q -f -L %[1]s %[2]s", rename: "xfs_admin -L %[1]s %[2]s", magic: "58465342", magicAt: 0, labelAt: 108, labelMax: 12, unreplayed: "ro,norecovery", extent: extentOfXFS,
		blocks: `xfs_info %[2]s 2>/dev/null | sed -n 's/^data .*bsize=\([0-9]*\) *blocks=\([0-9]*\).*/\2 \1/p'`, grow: "xfs_growfs %[2]s"},
	none: {magic: "--------"}, // that no bytes have
}

// superblock is how many bytes of it are read.
const superblock = 512

// extentOfExt4: s_blocks_count_lo at 4, s_log_block_size at 24, s_blocks_count_hi at 0x150 where
// s_feature_incompat at 96 has 64BIT.
func extentOfExt4(b []byte) int64 {
	le := binary.LittleEndian
	blocks := int64(le.Uint32(b[4:]))
	if le.Uint32(b[96:])&0x80 != 0 {
		blocks |= int64(le.Uint32(b[0x150:])) << 32
	}
	if log := le.Uint32(b[24:]); log <= 6 && blocks < 1<<40 {
		return blocks * (1024 << log)
	}
	return 0
}

// extentOfXFS: sb_blocksize at 4, sb_dblocks at 8.
func extentOfXFS(b []byte) int64 {
	size, blocks := binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint64(b[8:])
	if size > 1<<16 || blocks > 1<<40 {
		return 0
	}
	return int64(size) * int64(blocks)
}

func (d *DRBDVolume) fs() fileSystem { return fileSystems[d.fsName()] }
func (d *DRBDVolume) fsName() string { return cmp.Or(d.Filesystem, "ext4") }

// zeros are in the place of the magic bytes on a blank disk.
func (f fileSystem) zeros() string { return strings.Repeat("0", len(f.magic)) }

// isMagic tells bytes that could be read.
func (f fileSystem) isMagic(s string) bool {
	return len(s) == len(f.magic) && strings.Trim(s, "0123456789abcdef") == ""
}

// cut makes a label as short as it must be.
func (f fileSystem) cut(label string) string { return label[:min(f.labelMax, len(label))] }

func (d *DRBDVolume) label() string      { return d.fs().cut("hv-" + d.Name) }
func (d *DRBDVolume) unfinished() string { return d.fs().cut("hv-unfinished") }

func (d *DRBDVolume) makeFS() string { return fmt.Sprintf(d.fs().make, d.unfinished(), d.device()) }
func (d *DRBDVolume) finishFS() string {
	return fmt.Sprintf(d.fs().rename, d.label(), d.device())
}
