package schedule

import (
	"context"

	"longshore/internal/place"
	"longshore/internal/store"
)

// Follow tells the board of every commit until ctx ends. It must run wherever tasks are placed.
func Follow(ctx context.Context, s *store.Store, b *place.Board) error {
	view := s.View()
	w := view.Watch()
	b.Reached(view.Revision())
	for {
		changes, rev, err := w.Next(ctx)
		if err != nil {
			return err
		}
		b.NoteAll(rev, func(note func(old, now any)) {
			for _, c := range changes {
				note(c.Old, c.New)
			}
		})
	}
}
