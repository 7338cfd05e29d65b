package dice

import (
	"regexp"
	"testing"
)

func TestANameDrawsTheSameWhateverOthersDraw(t *testing.T) {
	alone, beside := New(7).Of("a"), New(7)
	other := beside.Of("b")
	a := beside.Of("a")
	for range 100 {
		other.Uint64()
		if got, want := a.Uint64(), alone.Uint64(); got != want {
			t.Fatalf("drew %d, want %d", got, want)
		}
	}
	if New(7).Of("a").Uint64() == New(8).Of("a").Uint64() || New(7).Of("a").Uint64() == New(7).Of("b").Uint64() {
		t.Error("seeds or names make no difference")
	}
}

func TestDrawsStayInTheirBounds(t *testing.T) {
	d := New(1)
	for range 1000 {
		f, n, b := d.Float(), d.Intn(3), d.Between(5, 9)
		if f < 0 || f >= 1 || n < 0 || n > 2 || b < 5 || b >= 9 || d.Chance(0) || !d.Chance(1) {
			t.Fatal(f, n, b)
		}
	}
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(d.UUID()) {
		t.Error(d.UUID())
	}
}
