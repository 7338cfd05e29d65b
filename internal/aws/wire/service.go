package wire

// Service is one AWS service as its API model describes it.
type Service struct {
	Name           string   // file name of the model and of our package, "ecs"
	ID             string   // serviceId, "CloudWatch Logs"
	SigningName    string   // service of the SigV4 credential scope
	EndpointPrefix string   // first label of the public host name
	APIVersion     string   // "2014-11-13"; query clients send it as Version
	Protocols      []string // "json", "query", "ec2", "smithy-rpc-v2-cbor"
	JSONVersion    string   // "1.0" or "1.1" for awsJson
	TargetPrefix   string   // before the dot of X-Amz-Target; also the service name of Smithy RPC v2 paths
	XMLNamespace   string   // xmlns of query answers
	Operations     []Operation
	Errors         []ErrorShape
	Shapes         []Shape // ShapeID is the index
}

// Operation is one call of a service.
type Operation struct {
	Name          string
	Input         ShapeID
	Output        ShapeID    // NoShape where the answer has no body
	NewInput      func() any // pointer to the generated struct; nil where only the name is generated
	NewOutput     func() any
	ResultWrapper string   // element around the members in awsQuery answers
	Errors        []string // names of the modelled error shapes
	Method, URI   string
	HostPrefix    string // clients put it in front of the host name, "stream-"
	Unsigned      bool   // authtype none: the call carries no signature
	Page          *Paging
}

// Paging names the members that page an operation.
type Paging struct {
	InputToken, OutputToken, LimitKey string
	ResultKeys                        []string
}

// ErrorShape is a modelled error.
type ErrorShape struct {
	Name   string // shape name, "ClusterNotFoundException"
	Code   string // what query protocols print; mostly the name
	Status int    // HTTP status; 0 means 400, or 500 for a fault
	Fault  bool   // the server's own failure
}

// Protocol names as the models spell them.
const (
	ProtocolJSON  = "json"
	ProtocolQuery = "query"
	ProtocolEC2   = "ec2"
	ProtocolCBOR  = "smithy-rpc-v2-cbor"
)

// Operation finds an operation by name, or nil.
func (s *Service) Operation(name string) *Operation {
	for i := range s.Operations {
		if s.Operations[i].Name == name {
			return &s.Operations[i]
		}
	}
	return nil
}

// Speaks says whether the model lists a protocol.
func (s *Service) Speaks(protocol string) bool {
	for _, p := range s.Protocols {
		if p == protocol {
			return true
		}
	}
	return false
}

// Error finds a modelled error by shape name or by code, or nil.
func (s *Service) Error(code string) *ErrorShape {
	for i := range s.Errors {
		if s.Errors[i].Name == code || s.Errors[i].Code == code {
			return &s.Errors[i]
		}
	}
	return nil
}

// Models says whether an operation's model names an error.
func (o *Operation) Models(code string) bool {
	for _, e := range o.Errors {
		if e == code {
			return true
		}
	}
	return false
}
