package front

import (
	"bytes"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	"longshore/internal/aws/fault"
	"longshore/internal/aws/sigv4"
	"longshore/internal/aws/wire"
)

// exchange is one request and what the chain has found out about it so far.
type exchange struct {
	f  *Front
	w  http.ResponseWriter
	r  *http.Request
	id string // request id

	body     []byte        // as it arrived: what was signed
	room     *bytes.Buffer // where body is: no input keeps a part of it
	form     url.Values
	claim    *sigv4.Signature // nil when claimErr is set
	claimErr error

	protocol protocol // set before svc and op: also an unknown operation is answered in the client's own dialect
	svc      *service
	op       *operation
	caller   Caller
	sent     bool
}

// protocol is how one dialect reads inputs and writes answers.
type protocol interface {
	decode(x *exchange, in any) error
	encode(x *exchange, b *bytes.Buffer, out any) (contentType string, err error)
	fault(x *exchange, b *bytes.Buffer, e *fault.Error) (contentType string)
}

type codecs struct {
	json  *jsonProtocol
	query *queryProtocol
	ec2   *queryProtocol
	cbor  *cborProtocol
	pool  *sync.Pool // of *bytes.Buffer
	used  *sync.Pool // of *exchange
}

// maxPooled keeps one huge answer from being held for ever.
const maxPooled = 1 << 20

func newCodecs() codecs {
	return codecs{
		json:  &jsonProtocol{},
		query: &queryProtocol{},
		ec2:   &queryProtocol{ec2: true},
		cbor:  newCBOR(),
		pool:  &sync.Pool{New: func() any { return new(bytes.Buffer) }},
		used:  &sync.Pool{New: func() any { return new(exchange) }},
	}
}

// begin makes the exchange of a request out of one that has ended.
func (f *Front) begin(w http.ResponseWriter, r *http.Request) *exchange {
	x := f.codecs.used.Get().(*exchange)
	*x = exchange{f: f, w: w, r: r, id: f.NewID()}
	return x
}

// end leaves the exchange to another request. One that panicked is left to the collector.
func (f *Front) end(x *exchange) {
	if x.room != nil {
		x.release(x.room)
	}
	*x = exchange{}
	f.codecs.used.Put(x)
}

func (x *exchange) opName() string {
	if x.op == nil {
		return ""
	}
	return x.svc.Wire.Name + "." + x.op.model.Name
}

// reply writes what the chain returned.
func (x *exchange) reply(out any, err error) {
	if err != nil {
		x.fail(err, false)
		return
	}
	b := x.buffer()
	defer x.release(b)
	contentType, err := x.protocol.encode(x, b, out)
	if err != nil {
		b.Reset()
		x.fail(err, false)
		return
	}
	x.send(http.StatusOK, contentType, b.Bytes())
}

// fail answers with a modelled fault. Any other error is ours: logged here, once, and told without detail.
func (x *exchange) fail(err error, logged bool) {
	e, ok := fault.As(err)
	if !ok {
		// A caller that has gone away is no failure of ours.
		if !logged && x.r.Context().Err() == nil {
			x.f.Log.Error("operation failed", "op", x.opName(), "err", err)
		}
		e = x.internal()
	}
	status := x.status(e)
	b := x.buffer()
	defer x.release(b)
	h := x.w.Header()
	if x.protocol == nil {
		x.protocol = x.f.codecs.json
	}
	contentType := x.protocol.fault(x, b, e)
	if x.protocol == x.f.codecs.json || x.protocol == x.f.codecs.cbor {
		h["X-Amzn-Errortype"] = []string{e.Code}
		x.queryError(e, status)
	}
	x.send(status, contentType, b.Bytes())
}

// queryError repeats the code for clients of a service that once spoke awsQuery and now speaks another protocol.
func (x *exchange) queryError(e *fault.Error, status int) {
	if x.svc == nil || !x.svc.Wire.Speaks(wire.ProtocolQuery) {
		return
	}
	code, side := e.Code, "Sender"
	if m := x.svc.Wire.Error(e.Code); m != nil {
		code = m.Code
	}
	if status >= 500 {
		side = "Receiver"
	}
	x.w.Header()["X-Amzn-Query-Error"] = []string{code + ";" + side}
}

func (x *exchange) status(e *fault.Error) int {
	if e.Status != 0 {
		return e.Status
	}
	if x.svc == nil {
		return http.StatusBadRequest
	}
	m := x.svc.Wire.Error(e.Code)
	switch {
	case m == nil:
		return http.StatusBadRequest
	case m.Status != 0:
		return m.Status
	case m.Fault:
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}

// internal is the service's own word for "our fault".
func (x *exchange) internal() *fault.Error {
	const message = "Service Unavailable. Please try again later."
	if x.protocol == x.f.codecs.ec2 {
		return fault.Server("InternalError", message)
	}
	if x.op != nil {
		for _, code := range []string{"ServerException", "InternalServerException"} {
			if x.op.model.Models(code) {
				return fault.Server(code, message)
			}
		}
	}
	return fault.Server("InternalFailure", message)
}

func (x *exchange) send(status int, contentType string, body []byte) {
	h := x.w.Header()
	values := []string{x.id, strconv.Itoa(len(body)), contentType}
	h["X-Amzn-Requestid"] = values[0:1:1]
	h["Content-Length"] = values[1:2:2]
	if contentType != "" {
		h["Content-Type"] = values[2:3:3]
	}
	x.sent = true
	x.w.WriteHeader(status)
	if x.r.Method == http.MethodHead {
		return
	}
	_, err := x.w.Write(body)
	if err != nil {
		// The client went away; what was done stays done, and it may ask again.
		x.f.Log.Debug("answer not delivered", "op", x.opName(), "err", err)
	}
}

func (x *exchange) buffer() *bytes.Buffer {
	b := x.f.codecs.pool.Get().(*bytes.Buffer)
	b.Reset()
	return b
}

func (x *exchange) release(b *bytes.Buffer) {
	if b.Cap() <= maxPooled {
		x.f.codecs.pool.Put(b)
	}
}
