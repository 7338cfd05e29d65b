package docker

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// ImageArchive packs one executable as a docker-save archive of a single-layer image.
func ImageArchive(tag, arch, name string, program []byte) ([]byte, error) {
	layer, diff, err := layerOf(name, program)
	if err != nil {
		return nil, err
	}
	return imageArchive(tag, layer, map[string]any{
		"architecture": arch, "os": "linux",
		"config": map[string]any{"Entrypoint": []string{"/" + name}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + diff}},
	})
}

// PauseImage builds the image that holds namespaces open, from a few machine instructions. It is named after its
// content, so that installations share it, and is the same bytes every time.
func PauseImage(arch string) (ref string, archive []byte, err error) {
	program, err := pauseProgram(arch)
	if err != nil {
		return "", nil, err
	}
	layer, diff, err := layerOf("pause", program)
	if err != nil {
		return "", nil, err
	}
	ref = "longshore/pause:" + diff[:12]
	archive, err = imageArchive(ref, layer, map[string]any{
		"architecture": arch, "os": "linux", "created": "1970-01-01T00:00:00Z",
		"config": map[string]any{
			"Entrypoint": []string{"/pause"}, "Labels": map[string]string{"longshore.image": "pause"},
		},
		"rootfs":  map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + diff}},
		"history": []map[string]any{{"created": "1970-01-01T00:00:00Z", "created_by": "longshore"}},
	})
	return ref, archive, err
}

// layerOf answers a layer of one executable and its digest.
func layerOf(name string, program []byte) ([]byte, string, error) {
	layer, err := tarball(tarFile{name: name, mode: 0o755, data: program})
	sum := sha256.Sum256(layer)
	return layer, hex.EncodeToString(sum[:]), err
}

func imageArchive(tag string, layer []byte, about map[string]any) ([]byte, error) {
	config, err := json.Marshal(about)
	if err != nil {
		return nil, err
	}
	manifest, err := json.Marshal([]map[string]any{
		{"Config": "config.json", "RepoTags": []string{tag}, "Layers": []string{"layer.tar"}},
	})
	if err != nil {
		return nil, err
	}
	return tarball(
		tarFile{name: "layer.tar", mode: 0o644, data: layer},
		tarFile{name: "config.json", mode: 0o644, data: config},
		tarFile{name: "manifest.json", mode: 0o644, data: manifest},
	)
}

type tarFile struct {
	name string
	mode int64
	data []byte
}

func tarball(files ...tarFile) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		err := w.WriteHeader(&tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.data)), Format: tar.FormatUSTAR})
		if err != nil {
			return nil, err
		}
		_, err = w.Write(f.data)
		if err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}
