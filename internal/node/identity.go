package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const identityFile = "instance.json"

// identity is what an instance must remember: who it is, and the keys the server bound to it.
type identity struct {
	Cluster string    `json:"cluster"`
	ARN     string    `json:"containerInstanceArn"`
	Keys    boundKeys `json:"keys,omitzero"`
}

type boundKeys struct {
	AccessKeyID     string    `json:"accessKeyId"`
	SecretAccessKey string    `json:"secretAccessKey"`
	SessionToken    string    `json:"sessionToken,omitempty"`
	Expires         time.Time `json:"expires,omitzero"`
}

// loadIdentity reads the identity; none is not an error. An unreadable file is kept under another name.
func loadIdentity(dir *os.Root) (identity, error) {
	var id identity
	data, err := dir.ReadFile(identityFile)
	if errors.Is(err, fs.ErrNotExist) {
		return id, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &id)
	}
	if err != nil {
		return identity{}, errors.Join(fmt.Errorf("read %s: %w", identityFile, err),
			dir.Rename(identityFile, identityFile+".unreadable"))
	}
	return id, nil
}

// save replaces the file as a whole and makes it durable: a half-written one would cost the instance its name.
func (id identity) save(dir *os.Root) error {
	data, err := json.MarshalIndent(id, "", "  ")
	if err != nil {
		return err
	}
	tmp := identityFile + ".new"
	f, err := dir.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write identity: %w", err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return fmt.Errorf("write identity: %w", err)
	}
	err = dir.Rename(tmp, identityFile)
	if err != nil {
		return fmt.Errorf("write identity: %w", err)
	}
	d, err := dir.Open(".")
	if err != nil {
		return fmt.Errorf("write identity: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}

func forgetIdentity(dir *os.Root) error {
	err := dir.Remove(identityFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// keyring signs with the instance's own keys while they last, else with those it joined with.
type keyring struct {
	joining Credentials
	now     func() time.Time

	mu    sync.Mutex
	bound boundKeys
}

var _ Credentials = (*keyring)(nil)

func (k *keyring) bind(b boundKeys) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.bound = b
}

// reject drops bound keys that the server no longer takes.
func (k *keyring) reject() { k.bind(boundKeys{}) }

// Retrieve implements Credentials.
func (k *keyring) Retrieve(ctx context.Context) (aws.Credentials, error) {
	k.mu.Lock()
	b := k.bound
	k.mu.Unlock()
	if b.AccessKeyID != "" && (b.Expires.IsZero() || k.now().Before(b.Expires)) {
		return aws.Credentials{
			AccessKeyID: b.AccessKeyID, SecretAccessKey: b.SecretAccessKey, SessionToken: b.SessionToken,
		}, nil
	}
	return k.joining.Retrieve(ctx)
}

func lastPart(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }
