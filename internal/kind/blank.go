package kind

import "haprov/internal/shell"

// NotMounted ends a guard that has set d to a device.
const NotMounted = ` && ! grep -q "^$(readlink -f -- "$d") " /proc/self/mounts`

// BlankGuard holds when the device bears no signature and its beginning and end, 1 MiB each, are
// zero bytes: the same test that called it blank.
func BlankGuard(device string) string {
	return "d=" + shell.Quote(device) + ` && [ -b "$d" ] && ! blkid -p -o export "$d" | grep -qv ^DEVNAME= &&
s=$(blockdev --getsize64 "$d") && [ "$s" -gt 0 ] && k=$((s/1048576-1)) && { [ "$k" -ge 0 ] || k=0; } &&
n=$({ dd if="$d" bs=1M count=1 && dd if="$d" bs=1M skip="$k" || echo unreadable; } 2>/dev/null | tr -d '\000' | head -c 1 | wc -c) && [ "$n" -eq 0 ]` + NotMounted
}
