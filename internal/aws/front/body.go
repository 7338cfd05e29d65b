package front

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"

	"longshore/internal/aws/fault"
)

func tooLarge() error {
	return fault.New("RequestEntityTooLargeException", "Request size exceeded the limit.").
		WithStatus(http.StatusRequestEntityTooLarge)
}

// readBody takes the body as it arrived, never more than MaxBody of it.
func (f *Front) readBody(x *exchange) error {
	n := x.r.ContentLength
	if n > f.MaxBody {
		x.w.Header()["Connection"] = []string{"close"}
		return tooLarge()
	}
	if n == 0 || x.r.Body == nil {
		return nil
	}
	body := http.MaxBytesReader(x.w, x.r.Body, f.MaxBody)
	b := x.buffer()
	x.room = b
	// A client may announce megabytes and send nothing: grow with what comes.
	b.Grow(int(min(max(n, 0), 64<<10)) + bytes.MinRead)
	_, err := b.ReadFrom(body)
	if err != nil {
		too := (*http.MaxBytesError)(nil)
		if errors.As(err, &too) {
			return tooLarge()
		}
		return fault.New("IncompleteBody", "The request body could not be read.")
	}
	x.body = b.Bytes()
	return nil
}

// plainBody undoes Content-Encoding: the signature covers what arrived, the operation reads what was meant. The bound
// holds for the result too, so a bomb costs no more than MaxBody.
func (f *Front) plainBody(x *exchange) ([]byte, error) {
	encoding := strings.ToLower(strings.TrimSpace(x.r.Header.Get("Content-Encoding")))
	switch encoding {
	case "", "identity":
		return x.body, nil
	case "gzip":
	default:
		return nil, fault.New("UnsupportedMediaTypeException", "The content encoding is not supported.").
			WithStatus(http.StatusUnsupportedMediaType)
	}
	z, err := gzip.NewReader(bytes.NewReader(x.body))
	if err != nil {
		return nil, fault.New("SerializationException", "The gzip body is malformed.")
	}
	plain, err := io.ReadAll(io.LimitReader(z, f.MaxBody+1))
	if err != nil {
		return nil, fault.New("SerializationException", "The gzip body is malformed.")
	}
	if int64(len(plain)) > f.MaxBody {
		return nil, tooLarge()
	}
	return plain, nil
}
