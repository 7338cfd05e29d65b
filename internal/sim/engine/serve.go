package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// exchange is one request and what answers it.
type exchange struct {
	e      *Engine
	w      http.ResponseWriter
	r      *http.Request
	q      query
	target string // container, image or volume
	call   Call
	down   <-chan struct{} // closed when the engine's process ends
}

// answer is what a call says at once. A streamed one has been written already.
type answer struct {
	status   int
	body     []byte
	streamed bool
}

// refusal is an error of the Engine API.
type refusal struct {
	status  int
	message string
}

func (r *refusal) answer() answer {
	return answer{status: r.status, body: encode(map[string]string{"message": r.message})}
}

func noContainer(id string) *refusal { return &refusal{404, "No such container: " + id} }

// encode is for what always encodes: strings, numbers, times.
func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // a shape of this package that cannot be encoded is a mistake in it
	}
	return data
}

// query is a request's parameters, filters decoded.
type query struct {
	url.Values
	filters map[string]map[string]bool
}

func readQuery(u *url.URL) (query, error) {
	q := query{Values: u.Query()}
	text := q.Get("filters")
	if text == "" {
		return q, nil
	}
	return q, json.Unmarshal([]byte(text), &q.filters)
}

// labels answers the label filters; one without a value is not known here.
func (q query) labels() map[string]string {
	out := map[string]string{}
	for text := range q.filters["label"] {
		key, value, _ := strings.Cut(text, "=")
		out[key] = value
	}
	return out
}

func (q query) flag(name string) bool {
	v := q.Get(name)
	return v == "1" || v == "true"
}

func (e *Engine) serve(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if strings.HasPrefix(path, "/v1.") {
		path = path[strings.IndexByte(path[1:], '/')+1:]
	}
	op, target := route(r.Method, path)
	e.mu.Lock()
	e.calls[op]++
	x := &exchange{e: e, w: w, r: r, target: target, down: e.down, call: Call{Op: op, N: e.calls[op]}}
	e.mu.Unlock()
	x.stopIfDown()
	w.Header().Set("Api-Version", "1.41")
	w.Header().Set("Ostype", "linux")
	w.Header().Set("Content-Type", "application/json")
	do := verbs[op]
	var err error
	x.q, err = readQuery(r.URL)
	switch {
	case do == nil:
		e.cfg.Log.Warn("the simulated engine does not serve this", "op", r.Method+" "+path)
		x.write((&refusal{404, "page not found"}).answer())
		return
	case err != nil:
		x.write((&refusal{400, "invalid filters: " + err.Error()}).answer())
		return
	case strings.HasPrefix(path, "/containers/"):
		x.call.Container = target
		if op == "create" {
			x.call.Container = x.q.Get("name")
		}
	}
	v := e.cfg.Fault(x.call)
	if v != (Verdict{}) {
		x.hear()
	}
	if v.Late > 0 {
		x.late(do, v.Late)
	}
	x.pass(v)
	if v.Status != 0 {
		x.write(verdictAnswer(v))
		return
	}
	a := do(x)
	if !a.streamed {
		x.finish(a)
	}
}

// route names what a request asks for, and of what.
func route(method, path string) (op, target string) {
	switch method + " " + path {
	case "HEAD /_ping", "GET /_ping":
		return "ping", ""
	case "GET /version":
		return "version", ""
	case "GET /info":
		return "info", ""
	case "GET /events":
		return "events", ""
	case "GET /containers/json":
		return "list", ""
	case "POST /containers/create":
		return "create", ""
	case "POST /images/create":
		return "pull", ""
	case "POST /images/load":
		return "load image", ""
	case "GET /volumes":
		return "list volumes", ""
	case "POST /volumes/create":
		return "create volume", ""
	}
	group, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch group {
	case "containers":
		id, verb, _ := strings.Cut(rest, "/")
		return containerVerbs[method+" "+verb], id
	case "images":
		name, inspect := strings.CutSuffix(rest, "/json")
		if method == "GET" && inspect {
			return "inspect image", name
		}
		if method == "DELETE" {
			return "remove image", rest
		}
	case "volumes":
		switch method {
		case "GET":
			return "inspect volume", rest
		case "DELETE":
			return "remove volume", rest
		}
	}
	return "", ""
}

var containerVerbs = map[string]string{
	"GET json": "inspect", "GET logs": "logs", "GET stats": "stats", "POST start": "start", "POST stop": "stop",
	"POST kill": "kill", "POST wait": "wait", "POST pause": "pause", "POST unpause": "unpause", "DELETE ": "remove",
}

var verbs = map[string]func(*exchange) answer{
	"ping": (*exchange).ping, "version": (*exchange).version, "info": (*exchange).info,
	"events": (*exchange).events, "logs": (*exchange).logs, "stats": (*exchange).stats, "wait": (*exchange).wait,
	"list": (*exchange).list, "inspect": (*exchange).inspect, "create": (*exchange).create,
	"start": (*exchange).start, "stop": (*exchange).stop, "kill": (*exchange).kill,
	"pause": (*exchange).pause, "unpause": (*exchange).unpause, "remove": (*exchange).remove,
	"inspect image": (*exchange).inspectImage, "pull": (*exchange).pull, "load image": (*exchange).loadImage,
	"remove image": (*exchange).removeImage, "create volume": (*exchange).createVolume,
	"inspect volume": (*exchange).inspectVolume, "list volumes": (*exchange).listVolumes,
	"remove volume": (*exchange).removeVolume,
}

// abort breaks the connection.
func (x *exchange) abort() { panic(http.ErrAbortHandler) }

func (x *exchange) stopIfDown() {
	select {
	case <-x.down:
		x.abort()
	default:
	}
}

// hold waits for a channel; a caller who leaves, or an engine that ends, ends the exchange.
func (x *exchange) hold(c <-chan struct{}) {
	if !x.e.await(x.r.Context(), c, x.down) {
		x.abort()
	}
}

// sleep passes simulated time, unless the exchange ends first.
func (x *exchange) sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	x.hold(ctx.Done())
}

// pass lets the verdict happen, as far as it ends or delays the exchange.
func (x *exchange) pass(v Verdict) {
	x.sleep(v.Delay)
	if v.Hang {
		x.hold(nil)
	}
	if v.Cut {
		x.abort()
	}
}

// hear the whole request: before that, a server does not notice that its caller leaves.
func (x *exchange) hear() {
	data, no := x.body()
	if no != nil {
		x.abort()
	}
	x.r.Body = io.NopCloser(bytes.NewReader(data))
}

// late does the work when nobody may wait for it any more. An engine works on one start of a container at a time: one that
// was overtaken by another is done with that.
func (x *exchange) late(do func(*exchange) answer, d time.Duration) {
	starts := x.starts()
	alone := *x
	alone.r = x.r.WithContext(context.WithoutCancel(x.r.Context()))
	time.AfterFunc(d, func() {
		defer func() {
			why := recover()
			if why != nil && why != http.ErrAbortHandler {
				panic(why)
			}
		}()
		alone.stopIfDown()
		if x.call.Op != "start" || x.starts() == starts {
			do(&alone)
		}
	})
	x.hold(nil)
}

// starts is how often the container was started.
func (x *exchange) starts() int {
	x.e.mu.Lock()
	defer x.e.mu.Unlock()
	r := x.e.find(x.target)
	if r == nil {
		return 0
	}
	return r.Starts
}

func verdictAnswer(v Verdict) answer {
	if v.Status < 400 {
		return answer{status: v.Status}
	}
	return (&refusal{v.Status, v.Message}).answer()
}

// after asks what befalls the answer.
func (x *exchange) after() Verdict {
	x.call.After = true
	return x.e.cfg.Fault(x.call)
}

// finish gives the answer, if fate allows it.
func (x *exchange) finish(a answer) {
	v := x.after()
	cut := v.Cut && len(a.body) > 0
	v.Cut = v.Cut && !cut
	x.pass(v)
	if v.Status != 0 {
		a = verdictAnswer(v)
	}
	x.stopIfDown()
	if cut {
		x.w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
		x.w.WriteHeader(a.status)
		_, _ = x.w.Write(a.body[:len(a.body)/2])
		x.flush()
		x.abort()
	}
	x.write(a)
}

func (x *exchange) write(a answer) {
	x.w.WriteHeader(a.status)
	if len(a.body) > 0 {
		_, _ = x.w.Write(a.body) // a caller who has left needs no answer
	}
}

// say writes a piece of a stream.
func (x *exchange) say(data []byte) {
	_, err := x.w.Write(data)
	if err != nil {
		x.abort()
	}
	x.flush()
}

func (x *exchange) flush() {
	_ = http.NewResponseController(x.w).Flush() // a recorder in a test cannot
}

func (x *exchange) body() ([]byte, *refusal) {
	data, err := io.ReadAll(x.r.Body)
	if err != nil {
		return nil, &refusal{400, "cannot read the request: " + err.Error()}
	}
	return data, nil
}
