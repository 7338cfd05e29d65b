package memory_test

import (
	"testing"

	"longshore/internal/store"
	"longshore/internal/store/engine/memory"
	"longshore/internal/store/storetest"
)

func TestMemoryKeepsThePromisesOfAStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Engine { return memory.Engine{} })
}
