package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// LoadNode reads the id that an agent's directory labels its containers with.
func LoadNode(dir string) (string, error) {
	path := filepath.Join(dir, "node.json")
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	var n struct {
		ID string `json:"id"`
	}
	err = json.Unmarshal(b, &n)
	if err == nil && n.ID == "" {
		err = errors.New("the file is incomplete")
	}
	if err != nil {
		return "", fmt.Errorf("read %s: %w; restore the file from a backup", path, err)
	}
	return n.ID, nil
}

// AgentOf finds the process that works in an agent's directory, or 0: agents write no process file.
func AgentOf(dir string) int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err == nil && pid != os.Getpid() && hasOpen(pid, dir) {
			return pid
		}
	}
	return 0
}
