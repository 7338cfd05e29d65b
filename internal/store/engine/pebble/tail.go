package pebble

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"regexp"
	"strconv"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Layout of Pebble's logs and manifests: blocks of 32 KiB, in them chunks with checksum (4 bytes), length (2),
// encoding (1); in logs the number of the log (4) and, in newer ones, the offset that was synced (8); payload.
// Encodings count full, first, middle and last chunks of a record, for each of the three headers.
const blockSize = 32 << 10

var (
	logName    = regexp.MustCompile(`^(\d+)\.log$`)
	markerName = regexp.MustCompile(`^marker\.manifest\.(\d+)\.(MANIFEST-\d+)$`)
	errHole    = errors.New("a record that was on disk does not match its checksum")
)

// checkTail finds damage that Pebble takes for the end of a log or of the manifest that counts, and so would drop
// acknowledged records. Every record is synced before the next one is begun: so a sound beginning of a record
// behind an unsound place proves that the place was sound once.
func checkTail(f vfs.FS, dir string) error {
	names, err := f.List(dir)
	if err != nil {
		return fmt.Errorf("list data directory: %w", err)
	}
	for _, n := range names {
		m := logName.FindStringSubmatch(n)
		if m == nil {
			continue
		}
		number, err := strconv.ParseUint(m[1], 10, 64)
		if err != nil {
			continue
		}
		err = checkFile(f, dir, n, chunks{number: uint32(number), log: true})
		if err != nil {
			return err
		}
	}
	manifest := current(names)
	if manifest == "" {
		return nil
	}
	return checkFile(f, dir, manifest, chunks{})
}

func checkFile(f vfs.FS, dir, name string, c chunks) error {
	path := f.PathJoin(dir, name)
	var err error
	c.data, err = readAll(f, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // what Pebble misses it says itself
	}
	if err != nil {
		return fmt.Errorf("check log: %w", err)
	}
	at, found := c.hole()
	if found {
		return &CorruptError{Dir: dir, File: path, Offset: int64(at), Err: errHole}
	}
	return nil
}

func readAll(f vfs.FS, path string) ([]byte, error) {
	h, err := f.Open(path)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(h)
	return data, errors.Join(err, h.Close())
}

// current is the manifest that the newest marker names; one without a marker does not count yet.
func current(names []string) string {
	manifest, newest := "", uint64(0)
	for _, n := range names {
		m := markerName.FindStringSubmatch(n)
		if m == nil {
			continue
		}
		x, err := strconv.ParseUint(m[1], 10, 64)
		if err == nil && (manifest == "" || x > newest) {
			manifest, newest = m[2], x
		}
	}
	return manifest
}

// chunks is the content of a log or manifest.
type chunks struct {
	data   []byte
	number uint32
	log    bool
	base   int // where in its block the data begins
}

// hole is where the chunks stop being sound although records were begun behind.
func (c chunks) hole() (int, bool) {
	at := c.end()
	if c.falseEnd(at) || c.oneBitOff(at) {
		return at, true
	}
	for q := at + 1; q < len(c.data); q++ {
		_, begins, ok := c.at(q)
		if ok && begins {
			return at, true
		}
	}
	return 0, false
}

// end is where the sound chunks end.
func (c chunks) end() int {
	at := 0
	for {
		n, _, ok := c.at(at)
		left := blockSize - at%blockSize
		switch {
		case ok:
			at += n
		case left < 19 && at+left < len(c.data): // no header fits into the end of a block
			at += left
		default:
			return at
		}
	}
}

// at reads one chunk: its size with the header, and whether it begins a record.
func (c chunks) at(at int) (size int, begins, ok bool) {
	size, ok = c.extent(at)
	if !ok || c.log && binary.LittleEndian.Uint32(c.data[at+7:]) != c.number {
		return 0, false, false
	}
	sum := crc32.Checksum(c.data[at+6:at+size], crc32.MakeTable(crc32.Castagnoli))
	if binary.LittleEndian.Uint32(c.data[at:]) != (sum>>15|sum<<17)+0xa282ead8 {
		return 0, false, false
	}
	kind := (c.data[at+6] - 1) % 4 // full, first, middle, last
	return size, kind <= 1, true
}

// extent is how long a chunk says to be, if it could be.
func (c chunks) extent(at int) (int, bool) {
	if at+7 > len(c.data) {
		return 0, false
	}
	encoding, size := c.data[at+6], 0
	switch {
	case !c.log && encoding >= 1 && encoding <= 4:
		size = 7
	case c.log && encoding >= 5 && encoding <= 8:
		size = 11
	case c.log && encoding >= 9 && encoding <= 12:
		size = 19
	default:
		return 0, false
	}
	size += int(binary.LittleEndian.Uint16(c.data[at+4:]))
	first, last := c.base+at, c.base+at+size-1
	return size, at+size <= len(c.data) && first/blockSize == last/blockSize
}

// falseEnd says whether a chunk passes for the mark of the end that a closed log has: a header that is empty but for
// the number of the next log. Pebble looks at the number alone.
func (c chunks) falseEnd(at int) bool {
	if !c.log || at+11 > len(c.data) || binary.LittleEndian.Uint32(c.data[at+7:]) != c.number+1 {
		return false
	}
	h := c.data[at:]
	return h[6] >= 5 && h[6] <= 12 && (binary.LittleEndian.Uint32(h) != 0 || binary.LittleEndian.Uint16(h[4:]) != 0)
}

// oneBitOff says whether one flipped bit is all that is wrong with a chunk. What a power loss leaves of a write that
// it interrupted lacks blocks, not a bit.
func (c chunks) oneBitOff(at int) bool {
	if at+7 > len(c.data) {
		return false
	}
	near := chunks{data: append([]byte(nil), c.data[at:min(len(c.data), at+blockSize-at%blockSize)]...),
		number: c.number, log: c.log, base: at % blockSize}
	for bit := range min(19, len(near.data)) * 8 {
		near.data[bit/8] ^= 1 << (bit % 8)
		_, _, ok := near.at(0)
		if ok {
			return true
		}
		near.data[bit/8] ^= 1 << (bit % 8)
	}
	size, whole := near.extent(0)
	return whole && bitOff(near.data[6:size], binary.LittleEndian.Uint32(near.data))
}

// bitOff says whether data has the masked checksum but for one bit: the checksum of an error is that of the data's
// difference, so the bits are tried without reading the data again.
func bitOff(data []byte, masked uint32) bool {
	table := crc32.MakeTable(crc32.Castagnoli)
	sum := masked - 0xa282ead8
	wrong := (sum<<15 | sum>>17) ^ crc32.Checksum(data, table)
	var error8 [8]uint32
	for bit := range error8 {
		error8[bit] = table[1<<bit]
	}
	for range data {
		for bit, e := range error8 {
			if e == wrong {
				return true
			}
			error8[bit] = table[byte(e)] ^ e>>8
		}
	}
	return false
}
