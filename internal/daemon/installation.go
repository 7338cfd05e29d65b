package daemon

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Installation is what makes one data directory one installation: its names and keys, made once.
type Installation struct {
	ID              string `json:"id"` // 16 hex digits; labels every resource on the host
	Account         string `json:"account"`
	Region          string `json:"region"`
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
	MasterKey       []byte `json:"masterKey"` // seals session tokens and derives credential ids
}

// Account and region of a new installation. Twelve zeros are nobody's account.
const (
	DefaultAccount = "000000000000"
	DefaultRegion  = "us-east-1"
)

const (
	installationFile = "installation.json"
	processFile      = "process.json"
)

// LoadInstallation reads what an earlier start has made.
func LoadInstallation(dir string) (Installation, error) {
	var i Installation
	b, err := os.ReadFile(filepath.Join(dir, installationFile))
	if err != nil {
		return i, err
	}
	err = json.Unmarshal(b, &i)
	if err != nil {
		return i, fmt.Errorf("read %s: %w; restore the file from a backup, or start with another --data-dir",
			filepath.Join(dir, installationFile), err)
	}
	if i.ID == "" || i.AccessKeyID == "" || len(i.MasterKey) != 32 {
		return i, fmt.Errorf("read %s: the file is incomplete; restore it from a backup, or start with another --data-dir",
			filepath.Join(dir, installationFile))
	}
	return i, nil
}

// newInstallation draws an id and keys.
func newInstallation(random io.Reader) (Installation, error) {
	raw := make([]byte, 8+10+30+32)
	_, err := io.ReadFull(random, raw)
	if err != nil {
		return Installation{}, fmt.Errorf("draw keys: %w", err)
	}
	return Installation{
		ID: hex.EncodeToString(raw[:8]), Account: DefaultAccount, Region: DefaultRegion,
		AccessKeyID:     "AKIA" + base32Upper(raw[8:18]),
		SecretAccessKey: base64.StdEncoding.EncodeToString(raw[18:48]),
		MasterKey:       raw[48:],
	}, nil
}

// base32Upper spells 10 bytes with 16 letters and digits, as access key ids are.
func base32Upper(b []byte) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	out := make([]byte, 0, 16)
	var bits, n uint
	for _, c := range b {
		bits, n = bits<<8|uint(c), n+8
		for n >= 5 {
			out = append(out, letters[bits>>(n-5)&31])
			n -= 5
		}
	}
	return string(out)
}

// Process says where a running daemon answers; it is gone when the daemon stopped cleanly.
type Process struct {
	PID int    `json:"pid"`
	URL string `json:"url"`
}

// LoadProcess reads what the daemon of a data directory wrote when it became ready.
func LoadProcess(dir string) (Process, error) {
	var p Process
	b, err := os.ReadFile(filepath.Join(dir, processFile))
	if err != nil {
		return p, err
	}
	return p, json.Unmarshal(b, &p)
}

// writeFile replaces a small file as a whole: written beside it, synced, renamed, the directory synced.
func writeFile(dir, name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	f, err := os.CreateTemp(dir, name+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(append(b, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	err = os.Rename(f.Name(), filepath.Join(dir, name))
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return errors.Join(d.Sync(), d.Close())
}

// ensureNode gives an agent's directory an id of its own, by which it knows its containers.
func ensureNode(dir string) (string, error) {
	err := os.MkdirAll(dir, 0o700)
	if err != nil {
		return "", fmt.Errorf("open node directory: %w", err)
	}
	var n struct {
		ID string `json:"id"`
	}
	b, err := os.ReadFile(filepath.Join(dir, "node.json"))
	if err == nil {
		err = json.Unmarshal(b, &n)
		return n.ID, err
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	n.ID = shortID()
	return n.ID, writeFile(dir, "node.json", n)
}
