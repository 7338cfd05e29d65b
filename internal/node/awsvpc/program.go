package awsvpc

import (
	"encoding/binary"
	"fmt"
)

// The pause program, for which no compiler is needed at run time:
//
//	sigaction(SIGCHLD, SIG_IGN)   // orphans of a shared pid namespace are reaped by the kernel
//	sigaction(SIGTERM, exit(0))   // pid 1 ignores signals without a handler, so `docker stop` would wait
//	for { pause() }
const (
	loadAddress = 0x400000
	headerSize  = 64 + 56 // ELF header and the only program header; the code follows
	saRestorer  = 0x04000000
)

// program returns a static ELF executable for the architecture.
func program(arch string) ([]byte, error) {
	switch arch {
	case "amd64":
		return executable(62, codeAMD64()), nil
	case "arm64":
		return executable(183, codeARM64()), nil
	default:
		return nil, fmt.Errorf("no pause program for architecture %q", arch)
	}
}

// codeAMD64 is machine code followed by the two sigaction structures it points at.
func codeAMD64() []byte {
	const (
		quit = loadAddress + headerSize + 39
		ign  = loadAddress + headerSize + 48
		term = ign + 32
	)
	le := binary.LittleEndian
	code := le.AppendUint32([]byte{0xbe}, ign)                  //  0 mov esi, ign
	code = append(code, 0x6a, 17, 0x5f)                         //  5 rdi = SIGCHLD
	code = append(code, 0x31, 0xd2, 0x6a, 8, 0x41, 0x5a)        //  8 rdx = 0, r10 = sizeof(sigset)
	code = append(code, 0x6a, 13, 0x58, 0x0f, 0x05)             // 14 rt_sigaction
	code = le.AppendUint32(append(code, 0xbe), term)            // 19 mov esi, term
	code = append(code, 0x6a, 15, 0x5f)                         // 24 rdi = SIGTERM
	code = append(code, 0x6a, 13, 0x58, 0x0f, 0x05)             // 27 rt_sigaction
	code = append(code, 0x6a, 34, 0x58, 0x0f, 0x05, 0xeb, 0xf9) // 32 pause; jmp 32
	code = append(code, 0x31, 0xff, 0x6a, 60, 0x58, 0x0f, 0x05) // 39 exit(0)
	code = append(code, 0x90, 0x90)                             // 46 the structures are aligned
	return append(code, sigactions(quit)...)
}

func codeARM64() []byte {
	const (
		words = 20
		quit  = loadAddress + headerSize + 16*4
	)
	movz := func(reg, v uint32) uint32 { return 0xd2800000 | v<<5 | reg }
	adr := func(reg uint32, at, target int) uint32 {
		d := uint32(target-at) * 4
		return 0x10000000 | d&3<<29 | d>>2<<5 | reg
	}
	const svc, nop, b = 0xd4000001, 0xd503201f, 0x14000000
	var code []byte
	for _, w := range [words]uint32{
		movz(8, 134), movz(0, 17), adr(1, 2, words), movz(2, 0), movz(3, 8), svc, // rt_sigaction(SIGCHLD, ign, 0, 8)
		movz(0, 15), adr(1, 7, words+8), svc, // rt_sigaction(SIGTERM, term, 0, 8)
		movz(8, 73), movz(0, 0), movz(1, 0), movz(2, 0), movz(3, 0), svc, b | (1<<26 - 6), // 9 ppoll for ever; b 9
		movz(0, 0), movz(8, 93), svc, nop, // 16 exit(0)
	} {
		code = binary.LittleEndian.AppendUint32(code, w)
	}
	return append(code, sigactions(quit)...)
}

// sigactions are two kernel struct sigaction {handler, flags, restorer, mask}: ignore, and jump to quit.
func sigactions(quit uint64) []byte {
	var data []byte
	for _, v := range [8]uint64{1, 0, 0, 0, quit, saRestorer, quit, 0} {
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
