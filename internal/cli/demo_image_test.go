package cli

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// program writes the head of an ELF file with one segment.
func program(t *testing.T, segment elf.ProgType, body []byte) string {
	t.Helper()
	var b bytes.Buffer
	h := elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
		Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1, Shentsize: 64,
	}
	err := errors.Join(binary.Write(&b, binary.LittleEndian, h),
		binary.Write(&b, binary.LittleEndian, elf.Prog64{Type: uint32(segment)}))
	if err != nil {
		t.Fatal(err)
	}
	b.Write(body)
	path := filepath.Join(t.TempDir(), "longshore")
	err = os.WriteFile(path, b.Bytes(), 0o755)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheDemoImageHoldsTheBinaryUnderTheHashOfItsLayer(t *testing.T) {
	binary := program(t, elf.PT_LOAD, bytes.Repeat([]byte("longshore"), 1000))
	image, err := newDemoImage(binary)
	if err != nil {
		t.Fatal(err)
	}
	r := image.reader()
	defer r.Close()
	files := untar(t, r)
	sum := sha256.Sum256(files["layer.tar"])
	if hex.EncodeToString(sum[:]) != image.diff || image.ref != "longshore/demo:"+image.diff[:12] {
		t.Errorf("layer %x, announced as %s in %s", sum, image.diff, image.ref)
	}
	var config struct {
		Config struct {
			Entrypoint []string
			Labels     map[string]string
		} `json:"config"`
		Rootfs struct {
			DiffIDs []string `json:"diff_ids"`
		} `json:"rootfs"`
	}
	err = json.Unmarshal(files["config.json"], &config)
	if err != nil {
		t.Fatal(err)
	}
	if config.Rootfs.DiffIDs[0] != "sha256:"+image.diff || config.Config.Labels["longshore.image"] != "demo" ||
		strings.Join(config.Config.Entrypoint, " ") != "/longshore demo-web" {
		t.Errorf("config is %s", files["config.json"])
	}
	want, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(untar(t, bytes.NewReader(files["layer.tar"]))["longshore"], want) {
		t.Error("the layer holds another file than the binary")
	}
}

func TestTheSameBinaryMakesTheSameImage(t *testing.T) {
	binary := program(t, elf.PT_LOAD, []byte("x"))
	var all [2][]byte
	for i := range all {
		image, err := newDemoImage(binary)
		if err != nil {
			t.Fatal(err)
		}
		all[i], err = io.ReadAll(image.reader())
		if err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(all[0], all[1]) {
		t.Error("two archives of one binary differ")
	}
}

func TestADynamicBinaryIsRefusedWithItsRemedy(t *testing.T) {
	_, err := newDemoImage(program(t, elf.PT_INTERP, nil))
	if err == nil || !strings.Contains(err.Error(), "make build") {
		t.Errorf("a dynamic binary gives %v", err)
	}
}

func untar(t *testing.T, r io.Reader) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for a := tar.NewReader(r); ; {
		h, err := a.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out[h.Name], err = io.ReadAll(a)
		if err != nil {
			t.Fatal(err)
		}
	}
}
