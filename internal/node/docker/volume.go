package docker

import (
	"context"
	"errors"

	"github.com/moby/moby/client"
)

// Volume is a Docker volume to create.
type Volume struct {
	Name       string
	Driver     string // default local
	DriverOpts map[string]string
	Labels     map[string]string
}

// CreateVolume makes a volume; one that exists under this name is kept as it is.
func (e *Engine) CreateVolume(ctx context.Context, v Volume) error {
	ctx, cancel := e.within(ctx, e.timeout.Quick, "create volume")
	defer cancel()
	_, err := e.c.VolumeCreate(ctx, client.VolumeCreateOptions{
		Name: v.Name, Driver: v.Driver, DriverOpts: v.DriverOpts, Labels: v.Labels,
	})
	return classify(ctx, "create volume", err)
}

// HasVolume says whether a volume exists.
func (e *Engine) HasVolume(ctx context.Context, name string) (bool, error) {
	ctx, cancel := e.within(ctx, e.timeout.Quick, "inspect volume")
	defer cancel()
	_, err := e.c.VolumeInspect(ctx, name, client.VolumeInspectOptions{})
	err = classify(ctx, "inspect volume", err)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// RemoveVolume deletes a volume; one that is gone is removed.
func (e *Engine) RemoveVolume(ctx context.Context, name string) error {
	ctx, cancel := e.within(ctx, e.timeout.Quick, "remove volume")
	defer cancel()
	_, err := e.c.VolumeRemove(ctx, name, client.VolumeRemoveOptions{Force: true})
	err = classify(ctx, "remove volume", err)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// ListVolumes names the volumes that carry all the labels.
func (e *Engine) ListVolumes(ctx context.Context, labels map[string]string) ([]string, error) {
	volumes, err := e.Volumes(ctx, labels)
	names := make([]string, 0, len(volumes))
	for _, v := range volumes {
		names = append(names, v.Name)
	}
	return names, err
}

// Volumes returns the volumes that carry all the labels.
func (e *Engine) Volumes(ctx context.Context, labels map[string]string) ([]Volume, error) {
	ctx, cancel := e.within(ctx, e.timeout.Quick, "list volumes")
	defer cancel()
	res, err := e.c.VolumeList(ctx, client.VolumeListOptions{Filters: labelFilter(labels)})
	if err != nil {
		return nil, classify(ctx, "list volumes", err)
	}
	out := make([]Volume, 0, len(res.Items))
	for _, v := range res.Items {
		out = append(out, Volume{Name: v.Name, Driver: v.Driver, Labels: v.Labels})
	}
	return out, nil
}
