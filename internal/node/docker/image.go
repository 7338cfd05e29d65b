package docker

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/moby/moby/client"
)

// Image is what a task needs to know of an image.
type Image struct {
	ID     string
	Digest string // sha256:… of the repository it came from; "" when built locally
}

// ImageInspect looks an image up locally.
func (e *Engine) ImageInspect(ctx context.Context, ref string) (Image, error) {
	ctx, cancel := e.within(ctx, e.timeout.Quick, "inspect image")
	defer cancel()
	res, err := e.c.ImageInspect(ctx, ref)
	if err != nil {
		return Image{}, classify(ctx, "inspect image", err)
	}
	return Image{ID: res.ID, Digest: digestFor(ref, res.RepoDigests)}, nil
}

// digestFor picks the digest of the repository the reference names, else the first.
func digestFor(ref string, digests []string) string {
	repo, _, _ := strings.Cut(ref, "@")
	if i := strings.LastIndexByte(repo, ':'); i > strings.LastIndexByte(repo, '/') {
		repo = repo[:i]
	}
	first := ""
	for _, d := range digests {
		name, sum, ok := strings.Cut(d, "@")
		if !ok {
			continue
		}
		if name == repo || strings.HasSuffix(name, "/"+repo) {
			return sum
		}
		if first == "" {
			first = sum
		}
	}
	return first
}

// Auth logs in to a registry for one pull. The zero value is anonymous.
type Auth struct {
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`
	Server   string `json:"serveraddress,omitempty"`
}

// header encodes the login; it must never be logged.
func (a Auth) header() (string, error) {
	if a == (Auth{}) {
		return "", nil
	}
	data, err := json.Marshal(a)
	if err != nil {
		return "", err
	}
	return base64.URLEncoding.EncodeToString(data), nil
}

// Pull fetches an image. It fails when nothing moved for Timeouts.PullIdle.
func (e *Engine) Pull(ctx context.Context, ref string, auth Auth) error {
	header, err := auth.header()
	if err != nil {
		return fmt.Errorf("encode registry login: %w", err)
	}
	ctx, cancelTotal := e.within(ctx, e.timeout.Pull, "pull")
	defer cancelTotal()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	idle := time.AfterFunc(e.timeout.PullIdle, func() {
		cancel(&timeoutError{op: "pull without progress", after: e.timeout.PullIdle})
	})
	defer idle.Stop()
	res, err := e.c.ImagePull(ctx, ref, client.ImagePullOptions{RegistryAuth: header})
	if err != nil {
		return classify(ctx, "pull", err)
	}
	defer res.Close()
	for msg, err := range res.JSONMessages(ctx) {
		if err != nil {
			return classify(ctx, "pull", err)
		}
		if msg.Error != nil {
			return classify(ctx, "pull", errors.New(msg.Error.Message))
		}
		idle.Reset(e.timeout.PullIdle)
	}
	return nil
}

// LoadImage imports a docker-save archive.
func (e *Engine) LoadImage(ctx context.Context, archive io.Reader) error {
	ctx, cancel := e.within(ctx, e.timeout.Load, "load image")
	defer cancel()
	res, err := e.c.ImageLoad(ctx, archive, client.ImageLoadWithQuiet(true))
	if err != nil {
		return classify(ctx, "load image", err)
	}
	defer res.Close()
	dec := json.NewDecoder(res)
	for {
		var line struct {
			Error string `json:"error"`
		}
		err = dec.Decode(&line)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return classify(ctx, "load image", err)
		}
		if line.Error != "" {
			return fmt.Errorf("docker load image: %s", line.Error)
		}
	}
}

// RemoveImage deletes a tag; an image that is gone is removed.
func (e *Engine) RemoveImage(ctx context.Context, ref string) error {
	ctx, cancel := e.within(ctx, e.timeout.Remove, "remove image")
	defer cancel()
	_, err := e.c.ImageRemove(ctx, ref, client.ImageRemoveOptions{})
	err = classify(ctx, "remove image", err)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
