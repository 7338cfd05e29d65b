package awsvpc

import (
	"bytes"
	"context"
	"fmt"

	"longshore/internal/node/docker"
)

// image is the pause image: one file, named after its content, so that installations share it.
type image struct {
	ref string
	tar []byte
}

func newImage(arch string) (image, error) {
	ref, archive, err := docker.PauseImage(arch)
	return image{ref: ref, tar: archive}, err
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
