package logs

import (
	"context"
	"time"

	"longshore/internal/aws/front"
	"longshore/internal/gen/logswire"
	"longshore/internal/telemetry/logstore"
)

const (
	maxBatchBytes = 1 << 20 // messages and eventOverhead each
	eventOverhead = 26
	maxBatchSpan  = 24 * time.Hour
	maxEventAge   = 14 * 24 * time.Hour
	maxEventAhead = 2 * time.Hour
)

// PutLogEvents stores a batch. Events out of bounds in time are told and left out; the others are kept.
func (a *API) PutLogEvents(
	ctx context.Context, c front.Caller, in *logswire.PutLogEventsRequest,
) (*logswire.PutLogEventsResponse, error) {
	a.writing.RLock()
	defer a.writing.RUnlock()
	v := a.Store.View()
	g, err := groupOf(v, c, in.LogGroupName, nil)
	if err != nil {
		return nil, err
	}
	s, err := streamOf(v, g, *in.LogStreamName)
	if err != nil {
		return nil, err
	}
	err = checkBatch(in.LogEvents)
	if err != nil {
		return nil, err
	}
	now := a.Now()
	events, rejected := admit(in.LogEvents, now.UnixMilli(), a.visibleFrom(g))
	if len(events) > 0 && events[len(events)-1].Time-events[0].Time > maxBatchSpan.Milliseconds() {
		return nil, invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	}
	err = a.take(ctx, s)
	if err != nil {
		return nil, err
	}
	err = a.Events.Append(ctx, logstore.Stream{Group: string(g.Key), Name: s.Name}, events)
	if err != nil {
		return nil, err
	}
	// Sequence tokens are not asked for since 2023; old clients still want one to hand back.
	token := logstore.Position{Time: now.UnixMilli()}.String()
	out := &logswire.PutLogEventsResponse{NextSequenceToken: &token, RejectedLogEventsInfo: rejected}
	if in.Entity != nil {
		reason := logswire.EntityRejectionErrorTypeInvalidEntity
		out.RejectedEntityInfo = &logswire.RejectedEntityInfo{ErrorType: &reason}
	}
	return out, nil
}

// checkBatch holds the whole batch to its rules: one broken rule refuses all of it.
func checkBatch(events []logswire.InputLogEvent) error {
	size := 0
	for i, e := range events {
		size += len(*e.Message) + eventOverhead
		if i > 0 && *e.Timestamp < *events[i-1].Timestamp {
			return invalid("Log events in a single PutLogEvents request must be in chronological order.")
		}
	}
	if size > maxBatchBytes {
		return invalid("Upload too large: %d bytes exceeds limit of %d", size, maxBatchBytes)
	}
	return nil
}

// admit cuts off what is too old at the front and too new at the back, and says where.
func admit(in []logswire.InputLogEvent, now, visible int64) ([]logstore.Event, *logswire.RejectedLogEventsInfo) {
	var tooOld, expired int32
	tooNew := int32(len(in))
	for i, e := range in {
		switch {
		case *e.Timestamp < now-maxEventAge.Milliseconds():
			tooOld = int32(i) + 1
		case *e.Timestamp < visible:
			expired = int32(i) + 1
		case *e.Timestamp > now+maxEventAhead.Milliseconds():
			tooNew = min(tooNew, int32(i))
		}
	}
	var rejected *logswire.RejectedLogEventsInfo
	if tooOld > 0 || expired > 0 || int(tooNew) < len(in) {
		rejected = &logswire.RejectedLogEventsInfo{}
	}
	if tooOld > 0 {
		rejected.TooOldLogEventEndIndex = &tooOld
	}
	if expired > 0 {
		rejected.ExpiredLogEventEndIndex = &expired
	}
	if int(tooNew) < len(in) {
		rejected.TooNewLogEventStartIndex = &tooNew
	}
	kept := make([]logstore.Event, 0, len(in))
	for _, e := range in[max(tooOld, expired):tooNew] {
		kept = append(kept, logstore.Event{Time: *e.Timestamp, Message: *e.Message})
	}
	return kept, rejected
}
