package cli

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
)

// demoImage is an image of one file: a longshore binary. It is named after its content, so that it is loaded once,
// and streamed, because the binary is tens of megabytes.
type demoImage struct {
	ref    string
	binary string // path
	size   int64
	diff   string // sha256 of the layer
}

// demoRepository is where the demo's images are named.
const demoRepository = "longshore/demo"

// newDemoImage reads the binary once, for its hash.
func newDemoImage(binary string) (demoImage, error) {
	err := isStatic(binary)
	if err != nil {
		return demoImage{}, err
	}
	info, err := os.Stat(binary)
	if err != nil {
		return demoImage{}, fmt.Errorf("read longshore's own binary: %w", err)
	}
	i := demoImage{binary: binary, size: info.Size()}
	sum := sha256.New()
	err = i.layer(sum)
	if err != nil {
		return i, fmt.Errorf("read longshore's own binary: %w", err)
	}
	i.diff = hex.EncodeToString(sum.Sum(nil))
	i.ref = demoRepository + ":" + i.diff[:12]
	return i, nil
}

// isStatic refuses a binary that needs a loader: the image has none.
func isStatic(path string) error {
	f, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("read %s as a Linux program: %w; build it with make build", path, err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("%s is linked dynamically and would not start in an empty image: "+
				"build it with make build (CGO_ENABLED=0), then run demo again", path)
		}
	}
	return nil
}

// layer writes the image's one layer: the same bytes for the same binary.
func (i demoImage) layer(w io.Writer) error {
	f, err := os.Open(i.binary)
	if err != nil {
		return err
	}
	defer f.Close()
	t := tar.NewWriter(w)
	err = t.WriteHeader(&tar.Header{Name: "longshore", Mode: 0o755, Size: i.size, Format: tar.FormatUSTAR})
	if err != nil {
		return err
	}
	_, err = io.Copy(t, f)
	if err != nil {
		return err
	}
	return t.Close()
}

const tarBlock = 512

// layerSize is a header, the file in whole blocks, and two empty blocks.
func (i demoImage) layerSize() int64 {
	return tarBlock + (i.size+tarBlock-1)/tarBlock*tarBlock + 2*tarBlock
}

// archive writes what docker load takes.
func (i demoImage) archive(w io.Writer) error {
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH,
		"os":           "linux",
		"created":      "1970-01-01T00:00:00Z",
		"config": map[string]any{
			"Entrypoint":   []string{"/longshore", "demo-web"},
			"ExposedPorts": map[string]any{"8080/tcp": map[string]any{}},
			"Labels":       map[string]string{"longshore.image": "demo"},
		},
		"rootfs":  map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + i.diff}},
		"history": []map[string]any{{"created": "1970-01-01T00:00:00Z", "created_by": "longshore demo"}},
	})
	if err != nil {
		return err
	}
	manifest, err := json.Marshal([]map[string]any{
		{"Config": "config.json", "RepoTags": []string{i.ref}, "Layers": []string{"layer.tar"}},
	})
	if err != nil {
		return err
	}
	t := tar.NewWriter(w)
	for _, f := range []struct {
		name string
		data []byte
	}{{"config.json", config}, {"manifest.json", manifest}} {
		err = t.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.data)), Format: tar.FormatUSTAR})
		if err != nil {
			return err
		}
		_, err = io.Copy(t, bytes.NewReader(f.data))
		if err != nil {
			return err
		}
	}
	err = t.WriteHeader(&tar.Header{Name: "layer.tar", Mode: 0o644, Size: i.layerSize(), Format: tar.FormatUSTAR})
	if err != nil {
		return err
	}
	err = i.layer(t)
	if err != nil {
		return err
	}
	return t.Close()
}

// reader streams the archive.
func (i demoImage) reader() io.ReadCloser {
	r, w := io.Pipe()
	go func() { w.CloseWithError(i.archive(w)) }()
	return r
}
