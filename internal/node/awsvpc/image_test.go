package awsvpc

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
)

func TestTheImageIsTheSameBytesEveryTime(t *testing.T) {
	one, err := newImage("amd64")
	if err != nil {
		t.Fatal(err)
	}
	two, err := newImage("amd64")
	if err != nil {
		t.Fatal(err)
	}
	if one.ref != two.ref || !bytes.Equal(one.tar, two.tar) {
		t.Error("two builds differ")
	}
	other, err := newImage("arm64")
	if err != nil || other.ref == one.ref {
		t.Errorf("arm64 has the name %s too (%v)", other.ref, err)
	}
	var names []string
	r := tar.NewReader(bytes.NewReader(one.tar))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
	}
	if len(names) != 3 || names[2] != "manifest.json" {
		t.Errorf("archive holds %v", names)
	}
}

// imageEngine answers for images only.
type imageEngine struct {
	Engine
	there bool
	loads int
}

func (e *imageEngine) ImageExists(context.Context, string) (bool, error) { return e.there, nil }

func (e *imageEngine) LoadImage(_ context.Context, r io.Reader) error {
	e.loads++
	e.there = true
	_, err := io.Copy(io.Discard, r)
	return err
}

func TestTheImageIsLoadedOnce(t *testing.T) {
	img, err := newImage("amd64")
	if err != nil {
		t.Fatal(err)
	}
	e := &imageEngine{}
	for range 2 {
		err = img.ensure(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
	}
	if e.loads != 1 {
		t.Errorf("loaded %d times", e.loads)
	}
}
