package wire

// ShapeID is an index into Service.Shapes.
type ShapeID int32

// NoShape stands for an absent input or output.
const NoShape ShapeID = -1

// Kind is what a shape is made of.
type Kind uint8

// The kinds of the API models.
const (
	String Kind = iota
	Integer
	Long
	Double
	Boolean
	Time
	Blob
	List
	Map
	Structure
	Free // a document: any JSON
)

// Shape is one named type of a model with its constraints. Member i of a structure is field i of its Go struct.
type Shape struct {
	Name        string
	Kind        Kind
	Enum        []string
	HasMin      bool // Min and Max bound a number's value, or the length of a string, list, map or blob
	HasMax      bool
	Min, Max    float64
	Pattern     string // as the model prints it, for the message
	GoPattern   string // the same for package regexp, anchored; "" where RE2 cannot express it
	Members     []Member
	Element     ShapeID // of a list; the value of a map
	ElementName string  // name of a list's element in query and XML; "" means "member"
	Key         ShapeID
	Flattened   bool
	Sensitive   bool // never printed, also not in a validation message
	Stream      bool // an event stream
}

// Member is one member of a structure.
type Member struct {
	Name         string // the model's name: the JSON and CBOR key
	Shape        ShapeID
	LocationName string // name in XML answers, where it differs from Name
	QueryName    string // name of ec2Query parameters, where it differs from the rule
	Required     bool
	Sensitive    bool
	Flattened    bool
	Token        bool // an idempotency token: made by the client, so absent means "once"
}
