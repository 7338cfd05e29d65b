package hugepage

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"testing"
)

const asked = 512 << 20

func TestAskingTakesNoMemory(t *testing.T) {
	tests := map[string]func(){
		"of a heap that is new": func() {},
		"of a heap that was larger": func() {
			block := make([]byte, asked)
			for i := 0; i < len(block); i += os.Getpagesize() {
				block[i] = 1
			}
			runtime.KeepAlive(block)
			block = nil
			debug.FreeOSMemory()
		},
	}
	for name, prepare := range tests {
		t.Run(name, func(t *testing.T) {
			prepare()
			before := resident(t)
			Ask(asked)
			took := resident(t) - before
			if took > asked/8 {
				t.Errorf("%d MiB more are resident after a block of %d MiB was given back untouched", took>>20, asked>>20)
			}
		})
	}
}

func resident(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var size, pages int
	_, err = fmt.Sscan(string(text), &size, &pages)
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}
