package engine

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"strings"
)

// image is one reference the engine knows.
type image struct {
	ref    string
	id     string
	digest string // "" unless it came from a registry
}

// normal writes a reference as the engine shows it: without the default registry, with a tag or a digest.
func normal(ref string) string {
	ref = strings.TrimPrefix(strings.TrimPrefix(ref, "docker.io/"), "library/")
	if _, tag := splitTag(ref); tag == "" && !strings.Contains(ref, "@") {
		return ref + ":latest"
	}
	return ref
}

func (e *Engine) addImage(ref string, pulled bool) *image {
	ref = normal(ref)
	sum := sha256.Sum256([]byte(ref))
	i := &image{ref: ref, id: "sha256:" + hex.EncodeToString(sum[:])}
	if pulled {
		sum = sha256.Sum256(sum[:])
		i.digest = "sha256:" + hex.EncodeToString(sum[:])
		_, given, ok := strings.Cut(ref, "@")
		if ok {
			i.digest = given
		}
	}
	e.images[ref] = i
	return i
}

func (e *Engine) findImage(ref string) *image {
	i := e.images[normal(ref)]
	if i != nil {
		return i
	}
	for _, i := range e.images {
		if i.id == ref {
			return i
		}
	}
	return nil
}

func (i *image) inspect() []byte {
	repo, _ := splitTag(i.ref)
	digests := []string{}
	if i.digest != "" {
		digests = append(digests, repo+"@"+i.digest)
	}
	tags := []string{}
	if !strings.Contains(i.ref, "@") {
		tags = append(tags, i.ref)
	}
	return encode(map[string]any{
		"Id": i.id, "RepoTags": tags, "RepoDigests": digests, "Architecture": "amd64", "Os": "linux", "Size": 1 << 20,
	})
}

// tagsIn reads the references in a docker-save archive.
func tagsIn(archive []byte) ([]string, error) {
	r := tar.NewReader(bytes.NewReader(archive))
	for {
		h, err := r.Next()
		if err != nil {
			return nil, err
		}
		if h.Name != "manifest.json" {
			continue
		}
		data, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		var manifest []struct{ RepoTags []string }
		err = json.Unmarshal(data, &manifest)
		if err != nil {
			return nil, err
		}
		var tags []string
		for _, m := range manifest {
			tags = append(tags, m.RepoTags...)
		}
		return tags, nil
	}
}
