package logs

import (
	"maps"
	"strconv"
	"strings"

	"longshore/internal/gen/logswire"
	"longshore/internal/state"
	"longshore/internal/telemetry/logstore"
)

// groupARN is the ARN without `:*`.
func groupARN(key state.LogGroupKey) string {
	parts := strings.SplitN(string(key), "/", 3)
	return "arn:aws:logs:" + parts[1] + ":" + parts[0] + ":log-group:" + parts[2]
}

// renderGroup shows a group; bytes is nil where AWS leaves the size out.
func renderGroup(g *state.LogGroup, bytes *int64) logswire.LogGroup {
	arn, created := groupARN(g.Key), g.CreatedAt.UnixMilli()
	all, filters := arn+":*", int32(0)
	out := logswire.LogGroup{
		LogGroupName: &g.Name, CreationTime: &created, MetricFilterCount: &filters, Arn: &all, LogGroupArn: &arn,
		LogGroupClass: &g.Class, StoredBytes: bytes,
	}
	if bytes != nil {
		unprotected := false
		out.DeletionProtectionEnabled = &unprotected
	}
	if g.RetentionDays > 0 {
		days := int32(g.RetentionDays)
		out.RetentionInDays = &days
	}
	return out
}

func renderSummary(g *state.LogGroup) logswire.LogGroupSummary {
	arn := groupARN(g.Key)
	return logswire.LogGroupSummary{LogGroupName: &g.Name, LogGroupArn: &arn, LogGroupClass: &g.Class}
}

// renderStream shows a stream; its size is 0 as AWS answers since 2019.
func renderStream(d described) logswire.LogStream {
	arn, created, bytes := groupARN(d.stream.Group)+":log-stream:"+d.stream.Name, d.stream.CreatedAt.UnixMilli(), int64(0)
	out := logswire.LogStream{
		LogStreamName: &d.stream.Name, CreationTime: &created, Arn: &arn, StoredBytes: &bytes,
	}
	if d.info.Name == "" {
		return out
	}
	token := logstore.Position{Time: d.info.Ingested}.String()
	out.FirstEventTimestamp, out.LastEventTimestamp = &d.info.First, &d.info.Last
	out.LastIngestionTime, out.UploadSequenceToken = &d.info.Ingested, &token
	return out
}

func renderPage(records []logstore.Record, q logstore.Query) *logswire.GetLogEventsResponse {
	forward, backward := tokens(records, q)
	out := &logswire.GetLogEventsResponse{
		Events: make([]logswire.OutputLogEvent, len(records)), NextForwardToken: &forward, NextBackwardToken: &backward,
	}
	for i := range records {
		r := &records[i]
		out.Events[i] = logswire.OutputLogEvent{Timestamp: &r.Time, Message: &r.Message, IngestionTime: &r.Ingested}
	}
	return out
}

func renderFiltered(page logstore.Page) *logswire.FilterLogEventsResponse {
	out := &logswire.FilterLogEventsResponse{
		Events:             make([]logswire.FilteredLogEvent, len(page.Records)),
		SearchedLogStreams: []logswire.SearchedLogStream{}, // empty since 2019
	}
	for i := range page.Records {
		r := &page.Records[i]
		id := r.ID()
		out.Events[i] = logswire.FilteredLogEvent{
			LogStreamName: &r.Stream, Timestamp: &r.Time, Message: &r.Message, IngestionTime: &r.Ingested, EventId: &id,
		}
	}
	if page.More {
		token := page.Next.String()
		out.NextToken = &token
	}
	return out
}

func renderTags(tags state.Tags) map[string]string {
	out := map[string]string{}
	maps.Copy(out, tags)
	return out
}

// commas writes numbers as AWS lists them in an enum: [1, 3, 5].
func commas(numbers []int32) string {
	text := make([]string, len(numbers))
	for i, n := range numbers {
		text[i] = strconv.Itoa(int(n))
	}
	return "[" + strings.Join(text, ", ") + "]"
}
