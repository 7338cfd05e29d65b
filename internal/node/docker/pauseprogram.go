package docker

import (
	"encoding/binary"
	"fmt"
)

// The pause program, for which no compiler is needed at run time:
//
//	unshare(CLONE_NEWNET)         // without the capability it fails and the namespace it was given stays
//	capset(none)                  // the capability was for that call only
//	sigaction(SIGCHLD, SIG_IGN)   // orphans of a shared pid namespace are reaped by the kernel
//	sigaction(SIGTERM, exit(0))   // pid 1 ignores signals without a handler, so `docker stop` would wait
//	for { pause() }
//
// Leaving the host's namespace itself takes half the time that Docker needs to make one (`--network none`),
// and containers that join are led to the process's namespace, whichever it is.
const (
	loadAddress = 0x400000
	headerSize  = 64 + 56 // ELF header and the only program header; the code follows
	saRestorer  = 0x04000000
	cloneNewNet = 0x40000000
)

// pauseProgram returns a static ELF executable for the architecture.
func pauseProgram(arch string) ([]byte, error) {
	switch arch {
	case "amd64":
		return executable(62, codeAMD64()), nil
	case "arm64":
		return executable(183, codeARM64()), nil
	default:
		return nil, fmt.Errorf("no pause program for architecture %q", arch)
	}
}

// codeAMD64 is machine code followed by the structures that it points at.
func codeAMD64() []byte {
	const (
		start = loadAddress + headerSize
		quit  = start + 66
		ign   = start + 80
		term  = ign + 32
		head  = term + 32
		none  = head + 8
	)
	le := binary.LittleEndian
	code := le.AppendUint32([]byte{0xbf}, cloneNewNet)            //  0 mov edi, CLONE_NEWNET
	code = append(code, 0xb8, 0x10, 0x01, 0, 0, 0x0f, 0x05)       //  5 unshare
	code = le.AppendUint32(append(code, 0xbf), head)              // 12 mov edi, head
	code = le.AppendUint32(append(code, 0xbe), none)              // 17 mov esi, none
	code = append(code, 0x6a, 126, 0x58, 0x0f, 0x05)              // 22 capset
	code = le.AppendUint32(append(code, 0xbe), ign)               // 27 mov esi, ign
	code = append(code, 0x6a, 17, 0x5f)                           // 32 rdi = SIGCHLD
	code = append(code, 0x31, 0xd2, 0x6a, 8, 0x41, 0x5a)          // 35 rdx = 0, r10 = sizeof(sigset)
	code = append(code, 0x6a, 13, 0x58, 0x0f, 0x05)               // 41 rt_sigaction
	code = le.AppendUint32(append(code, 0xbe), term)              // 46 mov esi, term
	code = append(code, 0x6a, 15, 0x5f)                           // 51 rdi = SIGTERM
	code = append(code, 0x6a, 13, 0x58, 0x0f, 0x05)               // 54 rt_sigaction
	code = append(code, 0x6a, 34, 0x58, 0x0f, 0x05, 0xeb, 0xf9)   // 59 pause; jmp 59
	code = append(code, 0x31, 0xff, 0x6a, 60, 0x58, 0x0f, 0x05)   // 66 exit(0)
	code = append(code, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90) // 73 the structures are aligned
	return append(code, structures(quit)...)
}

func codeARM64() []byte {
	const (
		words = 26
		quit  = loadAddress + headerSize + 23*4
		head  = words + 16
		none  = head + 2
	)
	movz := func(reg, v uint32) uint32 { return 0xd2800000 | v<<5 | reg }
	adr := func(reg uint32, at, target int) uint32 {
		d := uint32(target-at) * 4
		return 0x10000000 | d&3<<29 | d>>2<<5 | reg
	}
	const svc, b, high = 0xd4000001, 0x14000000, 0x00200000 // high: movz shifted left by 16
	var code []byte
	for _, w := range [words]uint32{
		movz(0, cloneNewNet>>16) | high, movz(8, 97), svc, // unshare
		adr(0, 3, head), adr(1, 4, none), movz(8, 91), svc, // capset
		movz(8, 134), movz(0, 17), adr(1, 9, words), movz(2, 0), movz(3, 8), svc, // rt_sigaction(SIGCHLD, ign, 0, 8)
		movz(0, 15), adr(1, 14, words+8), svc, // rt_sigaction(SIGTERM, term, 0, 8)
		movz(8, 73), movz(0, 0), movz(1, 0), movz(2, 0), movz(3, 0), svc, b | (1<<26 - 6), // 16 ppoll for ever; b 16
		movz(0, 0), movz(8, 93), svc, // 23 exit(0)
	} {
		code = binary.LittleEndian.AppendUint32(code, w)
	}
	return append(code, structures(quit)...)
}

// structures are two kernel struct sigaction {handler, flags, restorer, mask}, which ignore and which jump to
// quit, a capability header (version 3, this process) and three empty capability sets.
func structures(quit uint64) []byte {
	var data []byte
	for _, v := range [12]uint64{1, 0, 0, 0, quit, saRestorer, quit, 0, 0x20080522, 0, 0, 0} {
		data = binary.LittleEndian.AppendUint64(data, v)
	}
	return data
}

// executable wraps code into an ELF file of one read-only, executable segment.
func executable(machine uint16, code []byte) []byte {
	le := binary.LittleEndian
	size := uint64(headerSize + len(code))
	out := []byte{0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	out = le.AppendUint16(out, 2) // ET_EXEC
	out = le.AppendUint16(out, machine)
	out = le.AppendUint32(out, 1)
	out = le.AppendUint64(out, loadAddress+headerSize) // entry
	out = le.AppendUint64(out, 64)                     // program headers follow this header
	out = le.AppendUint64(out, 0)                      // no sections
	out = le.AppendUint32(out, 0)
	for _, v := range [6]uint16{64, 56, 1, 0, 0, 0} {
		out = le.AppendUint16(out, v)
	}
	out = le.AppendUint32(out, 1) // PT_LOAD
	out = le.AppendUint32(out, 5) // readable, executable
	for _, v := range [6]uint64{0, loadAddress, loadAddress, size, size, 0x10000} {
		out = le.AppendUint64(out, v)
	}
	return append(out, code...)
}
