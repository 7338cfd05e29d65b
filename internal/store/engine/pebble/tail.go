package pebble

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"regexp"
	"strconv"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Layout of Pebble's logs and manifests: blocks of 32 KiB, in them chunks with checksum (4 bytes), length (2),
// encoding (1); in logs the number of the log (4) and, in newer ones, the offset that was synced (8); payload.
// Encodings count full, first, middle and last chunks of a record, for each of the three headers.
const blockSize = 32 << 10

var (
	logName      = regexp.MustCompile(`^(\d+)\.log$`)
	manifestName = regexp.MustCompile(`^MANIFEST-(\d+)$`)
	errHole      = errors.New("a record that was on disk does not match its checksum")
)

// checkTail finds damage that Pebble takes for the torn end of its newest log or manifest, and so would drop
// acknowledged records. Every record is synced before the next one is begun: so a sound beginning of a record
// behind an unsound place proves that the place was sound once.
func checkTail(f vfs.FS, dir string) error {
	for _, name := range []*regexp.Regexp{logName, manifestName} {
		path, number, err := newest(f, dir, name)
		if err != nil {
			return err
		}
		if path == "" {
			continue
		}
		data, err := readAll(f, path)
		if err != nil {
			return fmt.Errorf("check log: %w", err)
		}
		l := chunks{data: data, number: uint32(number), log: name == logName}
		at, found := l.hole()
		if found {
			return &CorruptError{Dir: dir, File: path, Offset: int64(at), Err: errHole}
		}
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

// newest is the file of a kind with the highest number.
func newest(f vfs.FS, dir string, kind *regexp.Regexp) (path string, number uint64, err error) {
	names, err := f.List(dir)
	if err != nil {
		return "", 0, fmt.Errorf("list data directory: %w", err)
	}
	for _, n := range names {
		m := kind.FindStringSubmatch(n)
		if m == nil {
			continue
		}
		x, err := strconv.ParseUint(m[1], 10, 64)
		if err == nil && (path == "" || x > number) {
			path, number = f.PathJoin(dir, n), x
		}
	}
	return path, number, nil
}

// chunks is the content of a log or manifest.
type chunks struct {
	data   []byte
	number uint32
	log    bool
}

// hole is where the chunks stop being sound although records were begun behind.
func (c chunks) hole() (int, bool) {
	at := c.end()
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
	if at+7 > len(c.data) {
		return 0, false, false
	}
	encoding := c.data[at+6]
	switch {
	case !c.log && encoding >= 1 && encoding <= 4:
		size = 7
	case c.log && encoding >= 5 && encoding <= 8:
		size = 11
	case c.log && encoding >= 9 && encoding <= 12:
		size = 19
	default:
		return 0, false, false
	}
	end := at + size + int(binary.LittleEndian.Uint16(c.data[at+4:]))
	if end > len(c.data) || at/blockSize != (end-1)/blockSize {
		return 0, false, false
	}
	if c.log && binary.LittleEndian.Uint32(c.data[at+7:]) != c.number {
		return 0, false, false
	}
	sum := crc32.Checksum(c.data[at+6:end], crc32.MakeTable(crc32.Castagnoli))
	if binary.LittleEndian.Uint32(c.data[at:]) != (sum>>15|sum<<17)+0xa282ead8 {
		return 0, false, false
	}
	kind := (encoding - 1) % 4 // full, first, middle, last
	return end - at, kind <= 1, true
}
