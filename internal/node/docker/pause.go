package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"

	"github.com/moby/moby/api/types/container"
)

// PauseImage is the tag of the image that holds namespaces open. It is built here, from a few machine instructions.
const PauseImage = "longshore/pause:1"

// PauseSpec is a container that does nothing but hold namespaces.
type PauseSpec struct {
	Name         string
	Image        string // default PauseImage
	Labels       map[string]string
	NetworkMode  string // default none
	Hostname     string
	CgroupParent string
	// ShareIPC lets task containers join the IPC namespace as well.
	ShareIPC bool
	Sysctls  map[string]string
	DNS      []string
	// Writable lets the caller write the container's resolv.conf and hosts, which Docker otherwise mounts.
	Writable bool
}

// Pause is a running namespace holder.
type Pause struct {
	ID  string
	Pid int
}

// CreatePause makes and starts a namespace holder, importing its image at first use.
func (e *Engine) CreatePause(ctx context.Context, s PauseSpec) (Pause, error) {
	if s.Image == "" {
		s.Image = PauseImage
	}
	host := container.HostConfig{NetworkMode: "none"}
	if s.NetworkMode != "" {
		host.NetworkMode = container.NetworkMode(s.NetworkMode)
	}
	if s.ShareIPC {
		host.IpcMode = container.IPCModeShareable
	}
	host.Sysctls = s.Sysctls
	host.CapDrop = []string{"ALL"}
	host.ReadonlyRootfs = !s.Writable
	host.MemorySwap, host.Memory = 16<<20, 16<<20
	raw, err := json.Marshal(host)
	if err != nil {
		return Pause{}, err
	}
	cfg, err := json.Marshal(map[string]any{"Hostname": s.Hostname})
	if err != nil {
		return Pause{}, err
	}
	spec := Spec{
		Name: s.Name, Image: s.Image, Labels: s.Labels, CgroupParent: s.CgroupParent,
		RawConfig: string(cfg), RawHostConfig: string(raw),
		Log: &LogConfig{Driver: "none"},
	}
	made, err := e.Create(ctx, spec)
	if errors.Is(err, ErrNotFound) && s.Image == PauseImage {
		err = e.EnsurePauseImage(ctx)
		if err != nil {
			return Pause{}, err
		}
		made, err = e.Create(ctx, spec)
	}
	if err != nil {
		return Pause{}, err
	}
	err = e.Start(ctx, made.ID)
	if err != nil {
		return Pause{}, errors.Join(err, e.Remove(ctx, made.ID))
	}
	st, err := e.Inspect(ctx, made.ID)
	if err != nil {
		return Pause{}, err
	}
	return Pause{ID: made.ID, Pid: st.Pid}, nil
}

// RemovePause removes a namespace holder. It ignores signals, so it is killed.
func (e *Engine) RemovePause(ctx context.Context, id string) error { return e.Remove(ctx, id) }

// EnsurePauseImage imports the pause image unless it is there.
func (e *Engine) EnsurePauseImage(ctx context.Context) error {
	_, err := e.ImageInspect(ctx, PauseImage)
	if err == nil || !errors.Is(err, ErrNotFound) {
		return err
	}
	program, err := pauseProgram(runtime.GOARCH)
	if err != nil {
		return err
	}
	archive, err := ImageArchive(PauseImage, runtime.GOARCH, "pause", program)
	if err != nil {
		return err
	}
	return e.LoadImage(ctx, bytes.NewReader(archive))
}

// pauseProgram assembles: ignore SIGCHLD (so that orphans of a shared PID namespace are reaped), then sleep for ever.
func pauseProgram(arch string) ([]byte, error) {
	ignore := make([]byte, 32)
	ignore[0] = 1 // struct sigaction{handler: SIG_IGN}
	switch arch {
	case "amd64":
		code := []byte{
			0xb8, 13, 0, 0, 0, // mov eax, rt_sigaction
			0xbf, 17, 0, 0, 0, // mov edi, SIGCHLD
			0x48, 0x8d, 0x35, 19, 0, 0, 0, // lea rsi, [rip+19]
			0x31, 0xd2, // xor edx, edx
			0x41, 0xba, 8, 0, 0, 0, // mov r10d, 8
			0x0f, 0x05, // syscall
			0xb8, 34, 0, 0, 0, // mov eax, pause
			0x0f, 0x05, // syscall
			0xeb, 0xf7, // jmp to mov eax, pause
		}
		return elf64(62, append(code, ignore...)), nil
	case "arm64":
		movz := func(reg, imm uint32) uint32 { return 0xd2800000 | imm<<5 | reg }
		const svc = 0xd4000001
		words := []uint32{
			movz(8, 134), movz(0, 17), 0x10000001 | (14*4>>2)<<5, movz(2, 0), movz(3, 8), svc, // adr x1, ignore
			movz(0, 0), movz(1, 0), movz(2, 0), movz(3, 0), movz(4, 0), movz(8, 73), svc, // ppoll(nil, 0, nil, nil)
			0x17fffff9,             // b back by seven instructions
			0xd503201f, 0xd503201f, // nop
		}
		var code []byte
		for _, w := range words {
			code = binary.LittleEndian.AppendUint32(code, w)
		}
		return elf64(183, append(code, ignore...)), nil
	}
	return nil, fmt.Errorf("no pause program for %s", arch)
}

// elf64 wraps code in a static executable with a single loadable segment.
func elf64(machine uint16, code []byte) []byte {
	const base, headers = 0x400000, 64 + 56
	le := binary.LittleEndian
	b := []byte{0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	b = le.AppendUint16(b, 2) // ET_EXEC
	b = le.AppendUint16(b, machine)
	b = le.AppendUint32(b, 1)
	b = le.AppendUint64(b, base+headers) // entry
	b = le.AppendUint64(b, 64)           // program headers
	b = le.AppendUint64(b, 0)
	b = le.AppendUint32(b, 0)
	for _, v := range []uint16{64, 56, 1, 0, 0, 0} {
		b = le.AppendUint16(b, v)
	}
	size := uint64(headers + len(code))
	b = le.AppendUint32(b, 1) // PT_LOAD
	b = le.AppendUint32(b, 5) // read, execute
	for _, v := range []uint64{0, base, base, size, size, 0x1000} {
		b = le.AppendUint64(b, v)
	}
	return append(b, code...)
}

// ImageArchive packs one executable as a docker-save archive of a single-layer image.
func ImageArchive(tag, arch, name string, program []byte) ([]byte, error) {
	layer, err := tarball(tarFile{name: name, mode: 0o755, data: program})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(layer)
	config, err := json.Marshal(map[string]any{
		"architecture": arch, "os": "linux",
		"config": map[string]any{"Entrypoint": []string{"/" + name}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + hex.EncodeToString(sum[:])}},
	})
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
