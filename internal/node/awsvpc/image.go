package awsvpc

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// image is the pause image: one file, named after its content, so that installations share it.
type image struct {
	ref string
	tar []byte
}

func newImage(arch string) (image, error) {
	bin, err := program(arch)
	if err != nil {
		return image{}, err
	}
	layer, err := archive(file{"pause", 0o755, bin})
	if err != nil {
		return image{}, err
	}
	sum := sha256.Sum256(layer)
	diff := hex.EncodeToString(sum[:])
	config, err := json.Marshal(map[string]any{
		"architecture": arch,
		"os":           "linux",
		"created":      "1970-01-01T00:00:00Z",
		"config": map[string]any{
			"Entrypoint": []string{"/pause"}, "Labels": map[string]string{"longshore.image": "pause"},
		},
		"rootfs":  map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + diff}},
		"history": []map[string]any{{"created": "1970-01-01T00:00:00Z", "created_by": "longshore"}},
	})
	if err != nil {
		return image{}, err
	}
	ref := "longshore/pause:" + diff[:12]
	manifest, err := json.Marshal([]map[string]any{
		{"Config": "config.json", "RepoTags": []string{ref}, "Layers": []string{"layer.tar"}},
	})
	if err != nil {
		return image{}, err
	}
	all, err := archive(
		file{"config.json", 0o644, config}, file{"layer.tar", 0o644, layer}, file{"manifest.json", 0o644, manifest},
	)
	return image{ref: ref, tar: all}, err
}

// ensure loads the image unless it is there.
func (i image) ensure(ctx context.Context, e Engine) error {
	there, err := e.ImageExists(ctx, i.ref)
	if err != nil {
		return fmt.Errorf("look for %s: %w", i.ref, err)
	}
	if there {
		return nil
	}
	err = e.LoadImage(ctx, bytes.NewReader(i.tar))
	if err != nil {
		return fmt.Errorf("load %s: %w", i.ref, err)
	}
	return nil
}

type file struct {
	name string
	mode int64
	data []byte
}

// archive is the same bytes for the same files: the image's name depends on it.
func archive(files ...file) ([]byte, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, f := range files {
		head := tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.data)), Format: tar.FormatUSTAR}
		err := w.WriteHeader(&head)
		if err != nil {
			return nil, err
		}
		_, err = w.Write(f.data)
		if err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return buf.Bytes(), err
}
