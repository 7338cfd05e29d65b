package fault

import (
	"errors"
	"fmt"
	"testing"
)

func TestAFaultIsFoundInAChain(t *testing.T) {
	err := fmt.Errorf("create service: %w", New("ClusterNotFoundException", "Cluster not found."))
	e, ok := As(err)
	if !ok || e.Message != "Cluster not found." || !Is(err, "ClusterNotFoundException") || Is(err, "Other") {
		t.Fatalf("got %v", e)
	}
	_, ok = As(errors.New("disk full"))
	if ok {
		t.Fatal("an internal error became a modelled one")
	}
}

func TestCopiesLeaveTheirOriginalAlone(t *testing.T) {
	one := New("ConflictException", "busy")
	two := one.With("resourceIds", []string{"a"}).WithStatus(409)
	if one.Fields != nil || one.Status != 0 || two.Status != 409 || len(two.Fields) != 1 {
		t.Fatalf("got %+v and %+v", one, two)
	}
}
