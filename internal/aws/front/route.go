package front

import (
	"net/http"
	"net/url"
	"strings"

	"longshore/internal/aws/fault"
	"longshore/internal/aws/sigv4"
	"longshore/internal/aws/wire"
)

// maxParams bounds a query request; AWS's largest lists need a few hundred.
const maxParams = 1000

// route finds protocol, service and operation: by X-Amz-Target, then by Smithy RPC v2 path, then by the service of the
// credential scope, then by Action and Version.
func (f *Front) route(x *exchange) error {
	x.claim, x.claimErr = sigv4.Parse(x.r)
	target := x.r.Header["X-Amz-Target"]
	switch {
	case len(target) > 0:
		x.protocol = f.codecs.json
	case x.r.Header.Get("Smithy-Protocol") != "" || strings.HasPrefix(x.r.URL.Path, "/service/"):
		x.protocol = f.codecs.cbor
	case mediaType(x.r) == "application/x-www-form-urlencoded" || x.r.URL.RawQuery != "":
		x.protocol = f.codecs.query
		if x.claimErr == nil && x.claim.Service == "ec2" {
			x.protocol = f.codecs.ec2
		}
	default:
		x.protocol = f.codecs.json
		return unknown(http.StatusNotFound)
	}
	err := f.readBody(x)
	if err != nil {
		return err
	}
	switch x.protocol {
	case f.codecs.json:
		return f.routeTarget(x, target)
	case f.codecs.cbor:
		return f.routePath(x)
	}
	return f.routeAction(x)
}

func unknown(status int) error {
	return fault.New("UnknownOperationException", "").WithStatus(status)
}

func (f *Front) routeTarget(x *exchange, target []string) error {
	if x.r.Method != http.MethodPost || len(target) != 1 {
		return unknown(http.StatusBadRequest)
	}
	switch mediaType(x.r) {
	case "application/x-amz-json-1.1", "application/x-amz-json-1.0", "application/json":
	default:
		// A text/plain or form body is what a web page can send without asking.
		return fault.New("UnsupportedMediaTypeException", "The content type must be application/x-amz-json.").
			WithStatus(http.StatusUnsupportedMediaType)
	}
	prefix, name, _ := strings.Cut(target[0], ".")
	x.svc = f.targets[prefix]
	if x.svc == nil || !x.svc.Wire.Speaks(wire.ProtocolJSON) {
		return unknown(http.StatusBadRequest)
	}
	if !x.find(name) {
		return unknown(http.StatusBadRequest)
	}
	return nil
}

// routePath reads /service/NAME/operation/NAME; the service name may carry its namespace.
func (f *Front) routePath(x *exchange) error {
	part := strings.Split(strings.TrimPrefix(x.r.URL.Path, "/"), "/")
	ok := len(part) == 4 && part[0] == "service" && part[2] == "operation"
	if !ok || x.r.Method != http.MethodPost || x.r.Header.Get("Smithy-Protocol") != "rpc-v2-cbor" {
		return unknown(http.StatusNotFound)
	}
	x.svc = f.targets[part[1][strings.LastIndexByte(part[1], '.')+1:]]
	if x.svc == nil || !x.svc.Wire.Speaks(wire.ProtocolCBOR) {
		return unknown(http.StatusNotFound)
	}
	media := mediaType(x.r)
	if media != "application/cbor" && (media != "" || len(x.body) > 0) {
		return fault.New("UnsupportedMediaTypeException", "The content type must be application/cbor.").
			WithStatus(http.StatusUnsupportedMediaType)
	}
	if !x.find(part[3]) {
		return unknown(http.StatusNotFound)
	}
	return nil
}

func (f *Front) routeAction(x *exchange) error {
	text := x.r.URL.RawQuery
	if x.r.Method == http.MethodPost && len(x.body) > 0 {
		if mediaType(x.r) != "application/x-www-form-urlencoded" {
			return fault.New("UnsupportedMediaTypeException", "The content type must be a URL-encoded form.").
				WithStatus(http.StatusUnsupportedMediaType)
		}
		plain, err := f.plainBody(x)
		if err != nil {
			return err
		}
		text = string(plain)
	}
	if x.r.Method != http.MethodPost && x.r.Method != http.MethodGet {
		return unknown(http.StatusMethodNotAllowed)
	}
	if strings.Count(text, "&") >= maxParams {
		return fault.New("MalformedQueryString", "The query string has more than 1000 parameters.")
	}
	form, err := url.ParseQuery(text)
	if err != nil {
		return fault.New("MalformedQueryString", "The query string is malformed.")
	}
	x.form = form
	action := form.Get("Action")
	f.chooseQuery(x, form.Get("Version"))
	if action == "" {
		return fault.New("MissingAction", "The request must contain the parameter Action")
	}
	if x.svc == nil || !x.find(action) {
		return fault.New("InvalidAction", "The action "+action+" is not valid for this web service.")
	}
	return nil
}

// chooseQuery finds a query service: among those of the signing name, or of all, the one with this version.
func (f *Front) chooseQuery(x *exchange, version string) {
	candidates := f.services
	if x.claimErr == nil {
		candidates = f.signing[x.claim.Service]
	}
	for _, s := range candidates {
		ec2 := s.Wire.Speaks(wire.ProtocolEC2)
		if !ec2 && !s.Wire.Speaks(wire.ProtocolQuery) {
			continue
		}
		if s.Wire.APIVersion != version && (x.claimErr != nil || version != "" && len(candidates) > 1) {
			continue
		}
		x.svc = s
		x.protocol = f.codecs.query
		if ec2 {
			x.protocol = f.codecs.ec2
		}
		return
	}
}

func (x *exchange) find(name string) bool {
	x.op = x.svc.ops[name]
	return x.op != nil
}
