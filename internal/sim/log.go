package sim

import (
	"context"
	"log/slog"
	"strings"
)

// handler writes what the code under test logs between the lines of a transcript.
type handler struct {
	lines *transcript
	attrs []slog.Attr
}

var _ slog.Handler = (*handler)(nil)

// Enabled implements slog.Handler.
func (h *handler) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (h *handler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Message)
	add := func(a slog.Attr) bool {
		b.WriteString(" " + a.String())
		return true
	}
	for _, a := range h.attrs {
		add(a)
	}
	r.Attrs(add)
	h.lines.aside("log", "%s %s", r.Level, b.String())
	return nil
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(as []slog.Attr) slog.Handler {
	return &handler{lines: h.lines, attrs: append(append([]slog.Attr(nil), h.attrs...), as...)}
}

// WithGroup implements slog.Handler; groups are not told apart.
func (h *handler) WithGroup(string) slog.Handler { return h }
